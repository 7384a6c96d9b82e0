"""The report as a page, as Markdown, and as files."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

from xml.etree import ElementTree

import pytest

from fasts2s.bench import results
from fasts2s.bench.report import tables
from fasts2s.bench.report.charts import story_svg
from fasts2s.bench.report.markdown import markdown, table
from fasts2s.bench.report.page import fill, html, write_report
from tests.bench.report.test_odd_results import Reader, cells
from tests.bench.results_of import made_up


def test_a_template_repeats_elements_and_escapes_what_it_is_filled_with():
    template = '<ul data-id="name"><li data-each="rows" data-dir="kind" data-text="text"/><b data-text="name"/></ul>'
    rows = [{"kind": 'a "', "text": "1 < 2"}, {"kind": "", "text": "\x07x"}]
    filled = fill(ElementTree.fromstring(template), {"name": "n", "rows": rows})
    expected = '<ul id="n"><li dir="a &quot;">1 &lt; 2</li><li>x</li><b>n</b></ul>'
    assert ElementTree.tostring(filled, "unicode", method="html") == expected


def test_every_part_of_a_result_is_on_the_page(tmp_path):
    result = made_up(failures=["JAX is <not> there"])
    page = Reader(html(result))
    sections = [value for tag, key, value in page.attributes if (tag, key) == ("section", "id")]
    assert sections == ["story", *results.GROUPS, "machine", "method", "failures", "raw"]
    assert page.tags["img"] == len([alt for alt in page.of("alt") if alt]) == 1 + 3 + 2 + 1 + 1 + 1 + 1 + 1 + 4 + 1
    assert any(text.startswith("Peeky costs 15 % more per step and reaches 90 %") for text in page.texts["p"])
    assert "JAX is <not> there" in page.texts["li"]
    assert "3.0×" in page.texts["b"]
    assert ("meta", "name", "viewport") in page.attributes
    assert "prefers-color-scheme:dark" in page.texts["style"][0]
    (tmp_path / "raw.json").write_text("".join(page.texts["pre"]), encoding="utf-8")
    assert results.read(tmp_path / "raw.json") == result
    shown = page.texts["td"]
    first = shown.index("11.5 ms")
    expected = ["numpy", "11.5 ms", "11.2-11.9 ms", "3.0× 2.9-3.1", "±4 %", "37.3", "44.4 k", "11.1 k"]
    assert shown[first - 1 : first + 7] == expected, "all numbers of a row"
    assert "arithmetic 27 %" in shown


@pytest.mark.parametrize(("load", "warned"), [(0.71, True), (0.7, False), (None, False), ("high", False)])
def test_a_busy_machine_is_warned_of(load, warned):
    result = made_up(groups=(), seeds=0, machine={"load_before": load})
    assert ('class="caution"' in html(result)) == ("**CAUTION: other programs were" in markdown(result)) == warned
    assert ("CAUTION: other programs were running" in tables.text(result)) == warned


def test_a_table_in_markdown_has_a_line_for_each_case():
    lines = table(made_up(contestants=("numba", "numpy")), "steps").splitlines()
    assert [cells(line) for line in lines[:3]] == [
        ["case", "numba", "numpy", "noise", "numpy / numba", "GFLOP/s numba", "tokens/s numba"],
        ["---", *["---:"] * 6],
        ["Seq2seq H=128", "3.84 ms", "11.5 ms", "±4 %", "3.0× 2.9-3.1", "112", "133 k"],
    ]
    assert len([line for line in lines if line.startswith("|")]) == 2 + 7
    assert lines[-1] == "* Geometric mean of all cases: numpy / numba 3.0×"


def test_the_whole_in_markdown_has_heading_story_tables_and_failures():
    text = markdown(made_up(failures=["a | b"]), "peeky.svg")
    assert text.startswith("# fasts2s bench, plan full, 2026-01-02 03:04")
    assert text.count("](peeky.svg)") == 1
    assert "](peeky.svg)" not in markdown(made_up())
    for said in (
        "**Peeky costs 15 % more per step and reaches 90 % after 13.5 epochs; the baseline does not",
        "**memory of Rnnlm step against N (T=35, V=10000, H=100)**",
        "* numba against book: ahead from the smallest size measured (H=4).",
        "* a \\| b",
    ):
        assert said in text


def test_files_are_written_over_an_older_report_whose_picture_goes(tmp_path):
    result, folder = made_up(groups=("steps",)), tmp_path / "a" / "b"
    paths = write_report(folder, result)
    assert paths == [folder / name for name in ("index.html", "report.md", "results.json", "peeky.svg")]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert results.read(paths[2]) == result
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert texts == [html(result), markdown(result, "peeky.svg"), results.text_of(result) + "\n", story_svg(result)]
    assert write_report(folder, made_up(groups=("start",), plan="new", seeds=0)) == paths[:3]
    assert "plan new" in paths[1].read_text(encoding="utf-8")
    assert sorted(folder.iterdir()) == sorted(paths[:3])
