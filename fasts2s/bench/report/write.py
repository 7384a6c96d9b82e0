"""The files of a report."""

from pathlib import Path

from fasts2s.bench import results
from fasts2s.bench.report.charts import story_svg
from fasts2s.bench.report.markdown import markdown
from fasts2s.bench.report.page import html
from fasts2s.bench.results import Result

PAGE, TEXT, DATA, PICTURE = FILES = ("index.html", "report.md", "results.json", "peeky.svg")


def write_report(folder: Path, result: Result) -> list[Path]:
    """Write index.html, report.md, results.json and, where there are learning curves, peeky.svg; return the paths.

    The folder is made; files of these names in it are replaced. OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture = story_svg(result)
    results.write(folder / DATA, result)
    texts = {PAGE: html(result), TEXT: markdown(result, PICTURE if picture else "")}
    texts |= {PICTURE: picture} if picture else {}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="replace", newline="\n")
    if not picture:
        (folder / PICTURE).unlink(missing_ok=True)  # an older report's
    return [folder / PAGE, folder / TEXT, folder / DATA, *([folder / PICTURE] if picture else [])]
