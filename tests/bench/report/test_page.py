"""The page: whole, alone, and harmless whatever stands in a result."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import json
import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from fasts2s.bench import results
from fasts2s.bench.report.page import html
from tests.bench.report.odd_results import EVIL, odd_results
from tests.bench.results_of import made_up

ODD = odd_results()
VOID = {"meta", "br"}
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


class Reader(HTMLParser):
    """What a browser sees: elements, ids, attributes, and texts by the element they stand in."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes, self.texts = [], Counter(), Counter(), [], {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1
        self.ids.update(value for key, value in attrs if key == "id")
        self.attributes += [(tag, key, value) for key, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


@pytest.fixture(scope="module")
def usual():
    return Reader(html(made_up(failures=["JAX is <not> there"])))


def test_the_page_says_what_a_phone_and_a_screen_reader_need(usual):
    assert ("meta", "name", "viewport") in usual.attributes
    assert ("html", "lang", "en") in usual.attributes
    assert usual.texts["title"][0] == "fasts2s bench: full, 2026-01-02 03:04"
    (style,) = usual.texts["style"]
    assert "prefers-color-scheme:dark" in style
    assert "overflow-x:auto" in style


def test_every_part_is_there(usual):
    sections = {value for tag, key, value in usual.attributes if (tag, key) == ("section", "id")}
    assert sections == {*results.GROUPS, "story", "machine", "method", "failures", "raw"}
    assert usual.tags["svg"] == 2 + 3 + 2 + 1 + 1 + 1 + 1 + 1 + 4 + 1
    assert usual.texts["figcaption"] == [
        "Peeky costs 15 % more per step and reaches 90 % after 13.5 epochs; "
        "the baseline does not reach 90 % within 25 epochs (best 48 %, where Peeky is 2.7 times sooner)."
    ]
    assert "JAX is <not> there" in usual.texts["li"]
    assert "3.0×" in usual.texts["b"]


def test_the_table_has_all_numbers_of_a_row():
    page = html(made_up(groups=("steps", "layers"), seeds=0))
    rows = [re.sub(r"<[^>]+>", "|", part) for part in page.split("<tr")]
    (row,) = (row for row in rows if "numpy" in row and "11.5 ms" in row)
    assert [cell for cell in row.split("|") if cell.strip(" >")] == [
        *("numpy", "11.5 ms", "3.0× ", "2.9-3.1", "11.2-11.9 ms", "±4 %", "37.3", "44.4 k"),
    ]
    assert '<th scope="col">of peak</th>' in page
    assert "<td>27 %</td>" in page


@pytest.mark.parametrize("name", ODD)
def test_whatever_comes_makes_a_whole_page_that_fetches_nothing(name):
    page = html(ODD[name])
    found = Reader(page)  # which looks for the end of every element
    assert [key for key, count in found.ids.items() if count > 1] == []
    assert not set(found.tags) & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert set(re.findall(r"https?:[^\"'\s<)]*", page)) <= NAMESPACES
    assert "@import" not in page
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert ElementTree.fromstring(picture).get("aria-label")
    addresses = [value for _, key, value in found.attributes if key in {"href", "xlink:href", "src", "srcset"}]
    assert all(value.startswith("#") and value[1:] in found.ids for value in addresses)
    assert not [key for _, key, _ in found.attributes if key.startswith("on")]


def test_the_raw_data_is_the_result(tmp_path):
    for result in (made_up(), ODD["evil"]):
        text = "".join(Reader(html(result)).texts["pre"])
        path = tmp_path / "result.json"
        path.write_text(text, encoding="utf-8")
        assert results.read(path) == result
        results.write(path, result)
        assert json.loads(text) == json.loads(path.read_text(encoding="utf-8"))


def test_special_characters_are_shown_as_they_are():
    found = Reader(html(ODD["evil"]))
    assert EVIL in found.texts["li"]
    assert EVIL in found.texts["th"]
    assert "script" not in found.tags


@pytest.mark.parametrize(("load", "warned"), [(0.9, True), (0.2, False), (None, False)])
def test_a_busy_machine_is_warned_of(load, warned):
    page = html(made_up(groups=(), seeds=0, machine={"load_before": load}))
    assert ('class="caution"' in page) == warned
