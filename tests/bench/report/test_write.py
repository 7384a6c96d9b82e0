"""The files of a report."""

from fasts2s.bench import results
from fasts2s.bench.report.charts import story_svg
from fasts2s.bench.report.page import html
from fasts2s.bench.report.write import write_report
from tests.bench.results_of import made_up


def test_all_files_are_written_and_named(tmp_path):
    result = made_up(groups=("steps",))
    folder = tmp_path / "a" / "b"
    paths = write_report(folder, result)
    assert paths == [folder / name for name in ("index.html", "report.md", "results.json", "peeky.svg")]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert results.read(paths[2]) == result
    assert paths[0].read_text(encoding="utf-8") == html(result)
    assert "](peeky.svg)" in paths[1].read_text(encoding="utf-8")
    assert paths[3].read_text(encoding="utf-8") == story_svg(result)


def test_a_report_is_written_over_an_older_one_without_its_picture(tmp_path):
    write_report(tmp_path, made_up(groups=("start",), plan="old"))
    write_report(tmp_path, made_up(groups=("start",), plan="new", seeds=0))
    assert results.read(tmp_path / "results.json").plan == "new"
    assert "plan new" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "report.md", "results.json"]
