"""The page: everything that a result has, filled into its template."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import json
from xml.etree import ElementTree

import pytest

from fasts2s.bench import results
from fasts2s.bench.report.page import fill, html
from tests.bench.report.test_odd_results import Reader
from tests.bench.results_of import made_up


def test_a_template_repeats_elements_and_escapes_what_it_is_filled_with():
    template = '<ul data-id="name"><li data-each="rows" data-dir="kind" data-text="text"/><b data-text="name"/></ul>'
    rows = [{"kind": 'a "', "text": "1 < 2"}, {"kind": "", "text": "\x07x"}]
    filled = fill(ElementTree.fromstring(template), {"name": "n", "rows": rows})
    expected = '<ul id="n"><li dir="a &quot;">1 &lt; 2</li><li>x</li><b>n</b></ul>'
    assert ElementTree.tostring(filled, "unicode", method="html") == expected


def test_every_part_is_there(tmp_path):
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
    results.write(tmp_path / "result.json", result)
    assert json.loads("".join(page.texts["pre"])) == json.loads(
        (tmp_path / "result.json").read_text(encoding="utf-8")
    )


def test_the_table_has_all_numbers_of_a_row():
    cells = Reader(html(made_up(groups=("steps", "layers"), seeds=0))).texts["td"]
    first = cells.index("11.5 ms")
    expected = ["numpy", "11.5 ms", "11.2-11.9 ms", "3.0× 2.9-3.1", "±4 %", "37.3", "44.4 k", "11.1 k"]
    assert cells[first - 1 : first + 7] == expected
    assert "27 %" in cells


@pytest.mark.parametrize(("load", "warned"), [(0.9, True), (0.2, False), (None, False)])
def test_a_busy_machine_is_warned_of(load, warned):
    page = html(made_up(groups=(), seeds=0, machine={"load_before": load}))
    assert ('class="caution"' in page) == warned
