"""Write the tables of the pages (READMEs, DROPIN.md, docs/, benchmarks/README.md) from benchmarks/results.

    python benchmarks/readme_tables.py [--check]

What stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` is replaced. Nobody edits it by hand: --check, and a
test, compare it with the results.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import applications
from fasts2s.bench import goals, results
from fasts2s.bench.machine import line, too_busy
from fasts2s.bench.report import document, markdown, story, units, view
from fasts2s.bench.report.view import Column
from fasts2s.bench.results import Result, Row

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
_READMES = ("README.md", "README.ko.md", "README.ja.md")
_PAGES = (
    "DROPIN.md",
    "docs/apps.md",
    "docs/gallery.md",
    "docs/backends.md",
    "docs/exchange.md",
    "benchmarks/README.md",
)
FILES = tuple(ROOT / name for name in (*_READMES, *_PAGES))
#: The run that the front page shows; the other tables are those of "full".
FRONT = "peers_amd_epyc_avx512"
#: What stands where the README's commands have not been timed.
UNTIMED = "How long it takes on your machine: `python benchmarks/readme_commands.py`."
#: What tables call a contestant, where its name is not enough.
_NAMES = {goals.OURS: "fasts2s", "book": "the book's code"}
_BLOCK = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n)(?P<text>.*?)\n?(?P<end><!-- end -->)", re.DOTALL)


@cache
def load(plan: str) -> Result:
    """Return the committed result of a plan."""
    return results.read(RESULTS / f"{plan}.json")


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    columns = zip(heads, zip(*lines, strict=True), strict=True)
    return markdown.table_of(
        [Column(head, cells, "value" if k else "case") for k, (head, cells) in enumerate(columns)]
    )


def _cores(result: Result) -> str:
    return f"{result.machine['threads']} cores of an {result.machine['processor']}"


def _short(ratio: float | None) -> str:
    return "an unknown number of" if ratio is None else units.times(ratio).rstrip(units.TIMES)


def summary() -> str:
    """Return the paragraph that says how fast it is: the least and the largest ratio over all steps."""
    full, ends = load(FRONT), {}
    for name in ("book", "PyTorch"):
        found = [goals.ratio(full, "steps", case, name) for case, _ in full.of("steps")]
        known = [ratio for ratio in found if ratio is not None]
        ends[name] = [min(known, default=None), max(known, default=None)]
    book, torch = (" to ".join(dict.fromkeys(map(_short, pair))) for pair in ends.values())
    least = ends["PyTorch"][0]
    return (
        f"**How fast.** On {_cores(full)}, one training step is {book} times as fast\nas with the book's own "
        f"code, and {torch} times as fast as with PyTorch {full.versions['torch']}"
        f"{' (below 1: slower)' if least and least < 1 else ''}."
    )


def start() -> str:
    """Return the sentence about the first training step."""
    full, filled = load("full"), "first step of Seq2seq"
    cases = ((f"{filled}, nothing compiled yet", "numba"), (filled, "numba"), (filled, "PyTorch"))
    rows = [full.find("start", *case) for case in cases]
    texts = [units.quantity(row.value, "s") for row in rows if row is not None]
    later = " (PyTorch: ".join(texts[1:]) + (")." if len(texts) > 2 else ".")
    return (
        f"From the start of a process to the end of its first training step, on {_cores(full)}:\n"
        f"{texts[0]} the first time ever, then {later}"
    )


def peeky() -> str:
    """Return the chapter's story."""
    result = load("peeky")
    return "\n".join([f"**{story.headline(result)}.**", "", *(f"* {line}" for line in story.sentences(result))])


def scripts() -> str:
    """Return the table of whole scripts."""
    lines = []
    for case, (ours, plain) in load("scripts").of("scripts"):
        texts = [units.quantity(row.value, "s") for row in (plain, ours)]
        lines.append([case, *texts, _short(plain.ratio or plain.value / ours.value)])
    return _table(["whole script", "python", "python -m fasts2s", "times as fast"], lines)


def place(plan: str) -> str:
    """Return where and when a plan was measured."""
    about = load(plan)
    commit = about.machine["commit"]
    return f"*{about.machine['processor']}, {about.machine['cores']} cores, {about.started[:10]}, commit {commit}.*"


def timed() -> dict[str, Any]:
    """Return what benchmarks/readme_commands.py has measured; nothing before it was run."""
    path = RESULTS / "readme_commands.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"steps": []}


def _commands(found: dict[str, Any], start: str) -> list[dict[str, Any]]:
    """Return the commands of the README that begin with a text and were run."""
    return [one for one in found["steps"] if one["seconds"] and one["text"].startswith(start)]


def _place(found: dict[str, Any]) -> str:
    """Return where and when the README's commands were timed, and a caution if the machine was busy."""
    about = found["machine"]
    caution = too_busy(about["load_before"])
    text = f"{about['processor']}, {about['threads']} cores, {found['started'][:10]}"
    return f"{text}; **{caution}**" if caution else text


def tour(found: dict[str, Any]) -> str:
    """Return what the commands of the tour took."""
    steps = [one for one in _commands(found, "fasts2s") if one["section"] == "A tour"]
    if not steps:
        return UNTIMED
    each = [f"`{one['text'].removeprefix('fasts2s ')}`: {units.duration(one['seconds'])}" for one in steps]
    total = units.duration(sum(one["seconds"] for one in steps))
    return (
        f"It takes {total}: {'; '.join(each)}.\nThe first one compiles its kernels, as on a new machine. Timed by "
        f"`benchmarks/readme_commands.py` ({_place(found)})."
    )


def demo(found: dict[str, Any]) -> str:
    """Return what ``make demo`` took, and how much of it was training."""
    for one in _commands(found, "make demo"):
        training = re.findall(r"^time (\d+) s", one["said"], re.MULTILINE)[-1]
        return (
            f"`make demo` took {units.duration(one['seconds'])} ({_place(found)}): {training} s of training, the "
            "rest to make the environment and to compile the kernels."
        )
    return UNTIMED


def bench_times() -> str:
    """Return how long the plans of the suite take, as far as they were run."""
    took = {one["text"]: one["seconds"] for one in _commands(timed(), "fasts2s bench")}
    quick = {"fasts2s bench": took["fasts2s bench"]} if "fasts2s bench" in took else {}
    all_of_them = quick | {plan: load(plan).seconds for plan in ("full", "peeky")}
    return ", ".join(f"`{plan}` took {units.duration(seconds)}" for plan, seconds in all_of_them.items()) + "."


def machine(plan: str) -> str:
    """Return what the tables of a plan were measured on."""
    run = load(plan)
    about = f"{line(run.machine)}; {document.versions(run)}; {run.started[:10]}, commit {run.machine['commit']}"
    return "\n\n".join([f"*{about}.*", *(f"**{caution}**" for caution in [document.caution(run)] if caution)])


def speed() -> str:
    """Return the table of training steps for a first look: times, and how many times as long the others take."""
    full = load(FRONT)
    others = [name for name in full.machine["contestants"] if name not in {goals.OURS, "numpy"}]
    names = [goals.OURS, *sorted(others, key="book".__ne__)]

    def cell(row: Row | None) -> str:
        if row is None:
            return ""
        return units.quantity(row.value, "s") + ("" if row.ratio is None else f" ({units.times(row.ratio)})")

    lines = [[case, *(cell(full.find("steps", case, name)) for name in names)] for case, _ in full.of("steps")]
    return _table(["one training step", *(_NAMES.get(str(name), str(name)) for name in names)], lines)


def beside(group: str) -> str:
    """Return a table of a group: what numba takes, and how many times as long the others take, with quartiles."""
    result, lines = load("full"), []
    others = [name for name in result.machine["contestants"] if name != goals.OURS]
    for section in view.sections(result, group):
        for one in section.lines:
            ours = one.of(goals.OURS)
            share = view.figure(ours, "peak_share")
            time = "" if ours is None else units.quantity(ours.value, "s")
            cells = [one.name, time, "" if share is None else units.percent(share)]
            lines.append(cells + [view.ratio_text(one, name, section) for name in others])
    return _table(["", goals.OURS, "of the peak", *(f"{name} takes" for name in others)], lines)


def all_applications(shown: Callable[[dict[str, Any]], str]) -> str:
    """Return all applications as a table or as pictures, and where they were run."""
    path = RESULTS / "applications.json"
    if not path.exists():
        return UNTIMED.replace("readme_commands", "applications")
    found = json.loads(path.read_text(encoding="utf-8"))
    about = found["machine"]
    where = f"*{about['processor']}, {about['threads']} cores, begun {found['started']}, commit {about['commit']}.*"
    return f"{shown(found)}\n\n{where}"


def exchange() -> str:
    """Return how far the scores of a model are from those of its module and its graphs, and all from exact ones."""
    found = json.loads((RESULTS / "exchange.json").read_text(encoding="utf-8"))
    rows = {(row["model"], row["by"]): row for row in found["rows"]}
    ours, torch = "itself, numba", "torch"
    wanted = [(torch, "difference"), *((by, "from float64") for by in (ours, torch, "onnx", "torch, float64"))]
    lines = [
        [model, *(f"{rows[model, by][what]:.1e}" for by, what in wanted)]
        for model in dict.fromkeys(model for model, _ in rows)
    ]
    heads = ["PyTorch from fasts2s", "fasts2s from exact", "PyTorch from exact", "ONNX Runtime from exact"]
    return _table(["", *heads, "PyTorch from fasts2s, both in float64"], lines)


TABLES: dict[str, Callable[[], str]] = {
    "summary": summary,
    "machine": lambda: machine("full"),
    "front-machine": lambda: machine(FRONT),
    "start": start,
    "peeky": peeky,
    "scripts": scripts,
    "scripts-machine": lambda: place("scripts"),
    "peeky-machine": lambda: place("peeky"),
    "speed": speed,
    "tour": lambda: tour(timed()),
    "demo": lambda: demo(timed()),
    "bench-times": bench_times,
    "goals": lambda: markdown.table_of(goals.columns(load("full"))),
    "steps": lambda: beside("steps"),
    "layers": lambda: beside("layers"),
    "answers": lambda: beside("answers"),
    "start-table": lambda: markdown.table(load("full"), "start"),
    "applications": lambda: all_applications(applications.table),
    "gallery": lambda: all_applications(applications.gallery),
    "exchange": exchange,
    "memory": lambda: markdown.table(load("full"), "memory"),
}


def renewed(text: str) -> str:
    """Return a text with all its tables as the results have them. KeyError for a table that there is not."""
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found['name']]()}\n{found['end']}", text)


def main() -> int:
    """Renew the files, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if it would")
    args = parser.parse_args()
    stale = [path for path in FILES if renewed(path.read_text(encoding="utf-8")) != path.read_text(encoding="utf-8")]
    for path in stale:
        if not args.check:
            path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"{'differs from the results' if args.check else 'renewed'}: {path.relative_to(ROOT)}")
    return int(args.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
