"""Results that are not as one expects them; all of them must be shown, in every form."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from fasts2s.bench.report import tables
from fasts2s.bench.report.markdown import escaped, markdown
from fasts2s.bench.report.page import html
from fasts2s.bench.results import GROUPS, Curve
from tests.bench.results_of import curves, made_up, row

#: Whatever means something in HTML, in Markdown, in mathematical text, or nothing on a terminal.
EVIL = "<b>\"x\" & 'y'</b> | a_b*c* `d` $\\frac{e$ [f](g) </script><script>alert(1)</script>\n\x07 한글 _"
VOID = {"meta", "br", "img"}


def _evil():
    info = {
        **dict.fromkeys(("sweep", "letter", "base", "peak_share", "bound"), EVIL),
        "bound_share": 0.5,
        "gflops": "many",
        "settings": {EVIL: EVIL},
    }
    rows = [row("scaling", f"{EVIL} {k}", EVIL, 1.0 + k, info={**info, "size": k + 1}) for k in range(4)]
    pair = ((EVIL, None), ("b|<", 2.0))
    rows += [row(group, EVIL, name, 1.0, ratio) for group in ("steps", "start") for name, ratio in pair]
    named = {"plan": EVIL, "started": EVIL, "versions": {EVIL: EVIL}, "method": {EVIL: EVIL, "steps": EVIL}}
    named |= {"machine": {"processor": EVIL, EVIL: EVIL, "load_before": EVIL}, "failures": [EVIL]}
    named["curves"] = [replace(one, model=EVIL, contestant=EVIL) for one in curves(1, 3)]
    return replace(made_up(groups=()), rows=rows, **named)


def _nothing(**fields):
    empty = {"machine": {}, "versions": {}, "method": {}, "anchors": [], "drift": 0.0, "curves": []}
    return made_up(groups=(), **{**empty, **fields})


def _with(result, **changes):
    return replace(result, rows=[replace(one, **changes) for one in result.rows])


def _zero():
    none = {"low": 0.0, "high": 0.0, "noise": 0.0, "rounds": (0.0, 0.0), "ratio_low": 0.0, "ratio_high": 0.0}
    result = made_up(contestants=("numba", "numpy"), seeds=0)
    return replace(result, rows=[replace(one, value=0.0, ratio=one.ratio and 0.0, **none) for one in result.rows])


_USUAL = made_up(contestants=("numba", "numpy"), groups=("steps", "layers", "memory", "scaling"), seeds=1)
_OTHER_BASE = (row("steps", "odd", "numpy", 1.0), row("steps", "odd", "book", 2.0, 2.0))
ODD = {
    "nothing": _nothing(),
    "failures only": _nothing(failures=["numba does not start"]),
    "one contestant": made_up(contestants=("numba",)),
    "a stranger": made_up(contestants=("Somebody else",)),
    "no numba": made_up(contestants=("PyTorch", "book")),
    "many": made_up(contestants=("numba", "numpy", "cupy", "PyTorch", "PyTorch compiled", "JAX", "book")),
    "a GPU": made_up(plan="gpu", contestants=("cupy", "PyTorch cuda", "PyTorch cuda reduce-overhead"), seeds=0),
    "no ratio": _with(_USUAL, ratio=None, ratio_low=None, ratio_high=None),
    "ratio without quartiles": _with(_USUAL, ratio_low=None, ratio_high=None),
    "no rounds": _with(_USUAL, rounds=()),
    "no info": _with(_USUAL, info={}),
    "one seed, one epoch": made_up(seeds=1, epochs=1),
    "an empty curve": _nothing(curves=[Curve("Seq2seq", True, 0, "numba", (), (), ())]),
    "curves only": made_up(groups=()),
    "the peak alone": _nothing(rows=[row("layers", "LSTM", "FMA peak", 0.1)]),
    "another base in one line": made_up(groups=("steps",), more=_OTHER_BASE),
    "zeros": _zero(),
    "evil": _evil(),
}


class Reader(HTMLParser):
    """What a browser sees: elements, attributes, and texts by the element they stand in; all elements must end."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], Counter(), [], {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, key, value) for key, value in attrs]
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def of(self, key):
        return [value for _, name, value in self.attributes if name == key]


def cells(line):
    """The cells of a line of a table in Markdown."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize("result", ODD.values(), ids=ODD)
def test_an_odd_result_is_shown_in_every_form(result):
    text = tables.text(result)
    assert max(map(len, text.splitlines())) <= 100, "columns of a terminal"
    assert all(" " <= c <= "~" or c in "\n×±µ" for c in text)
    assert all(line == line.rstrip() for line in text.splitlines())
    for group in GROUPS:
        assert bool(tables.group_text(result, group)) == any(r.group == group for r in result.rows)
    width = 0
    for line in markdown(result).splitlines():
        found = len(cells(line)) if line.startswith("|") else 0
        assert not width or found in {0, width}, "as many cells as the head"
        width = found
    page = html(result)
    seen = Reader(page)
    assert not set(seen.tags) & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert "@import" not in page, "it fetches nothing"
    ids = Counter(seen.of("id"))
    assert set(ids.values()) <= {1}
    assert all(address.startswith("#") and address[1:] in ids for address in seen.of("href"))
    assert all(source.startswith("data:image/svg+xml;base64,") for source in seen.of("src"))
    assert not [key for _, key, _ in seen.attributes if key.startswith("on")]


def test_special_characters_are_shown_as_they_are():
    text = escaped(EVIL)
    assert "\n" not in text
    assert re.findall(r"(?<!\\)[|<>*`\[\]_$&]", text.replace("\\\\", "")) == []
    found = Reader(html(ODD["evil"]))
    assert EVIL.replace("\x07", "") in found.texts["li"]
    assert EVIL.replace("\x07", "") in found.texts["td"]
