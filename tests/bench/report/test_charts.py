"""The pictures: who gets which, and that they show what they should."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.figure import Figure

from fasts2s.bench.report import charts, pictures
from fasts2s.bench.report.pictures import Bar
from fasts2s.bench.results import GROUPS
from tests.bench.results_of import made_up

OTHERS = "How many times as long as numba the others take"


@pytest.fixture(scope="module")
def usual():
    return {group: charts.charts(made_up(), group) for group in (*GROUPS, "story", "machine")}


def test_who_gets_which_pictures(usual):
    titles = {group: [picture.title for picture in found] for group, found in usual.items() if found}
    assert titles == {
        "steps": [
            OTHERS,
            "How long a step takes",
            "How many times as long as the plain model's the peeky model's step takes",
        ],
        "layers": [OTHERS, "Share of the processor's peak"],
        "answers": [OTHERS],
        "kernels": [OTHERS],
        "data": [OTHERS],
        "start": ["Until the first training step is done"],
        "memory": ["Most memory above that of the model"],
        "scaling": [
            "LSTM layer against N (T=35, D=100, H=100)",
            "LSTM layer against H (N=20, T=35, D=100)",
            "memory of Rnnlm step against N (T=35, V=10000, H=100)",
            "LSTM layer: times as fast as on one thread",
        ],
        "scripts": ["Until the script is done"],
        "story": ["Exactly right answers by epoch and by training time"],
    }


def test_a_picture_stands_in_a_page_alone_with_words_in_its_place(usual):
    for picture in (picture for found in usual.values() for picture in found):
        assert ElementTree.fromstring(picture.svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert picture.source.startswith("data:image/svg+xml;base64,")
        assert picture.told.startswith(picture.title)
    assert "as N^1.00" in usual["scaling"][0].told


def drawn(monkeypatch, draw):
    """The axes of what is drawn."""
    seen, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (seen.append(self), save(self, *a, **k))[1])
    draw()
    (figure,) = seen
    return figure.axes


def test_bars_are_as_long_as_their_numbers_and_have_them_at_their_ends(monkeypatch):
    bars = {"a": [Bar("numba", 2.0, 1.5, 2.5, "2.0×"), Bar("book", 3.0, 3.0, 3.0, "3.0×")], "b": []}
    (axes,) = drawn(monkeypatch, lambda: pictures.bar_chart(bars, "time", base=1.0, end=9.0))
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(1.0, 1.0), (1.0, 2.0)]
    assert [text.get_text() for text in axes.texts] == ["2.0×", "3.0×"]
    assert [bar.get_facecolor() for bar in axes.patches] == [
        matplotlib.colors.to_rgba(pictures.colour(name)) for name in ("numba", "book")
    ]
    assert axes.get_xlim()[1] >= 9.0


@pytest.mark.parametrize("base", [1.0, None])
def test_numbers_far_from_each_other_are_logarithmic(monkeypatch, base):
    bars = {"a": [Bar("numpy", 1.1, 1.1, 1.1), Bar("book", 300.0, 300.0, 300.0)]}
    (axes,) = drawn(monkeypatch, lambda: pictures.bar_chart(bars, "time", base=base))
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[0] < 1.1


def test_lines_go_through_the_numbers_in_the_unit_that_suits_them(monkeypatch):
    (axes,) = drawn(monkeypatch, lambda: pictures.line_chart({"numba": ((4, 8), (1e-3, 2e-3))}, "N", "s"))
    assert axes.lines[0].get_xydata().tolist() == [[4, 1], [8, 2]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("N", "ms")


def test_the_story_has_a_line_for_each_variant_over_epochs_and_over_seconds(monkeypatch):
    result = made_up()
    left, right = drawn(monkeypatch, lambda: charts.story_svg(result))
    lines = {line.get_label(): line for line in left.lines}
    assert {"Peeky, reversed", "Peeky", "Baseline, reversed", "Baseline"} <= set(lines)
    (first, second) = (c for c in result.curves if c.model == "PeekySeq2seq" and c.reverse)
    middle = [50 * (a + b) for a, b in zip(first.accuracy, second.accuracy, strict=True)]
    assert lines["Peeky, reversed"].get_ydata() == pytest.approx(middle)
    assert [line.get_xdata()[-1] for line in right.lines][:1] == [pytest.approx(25 * 1.71)]
    assert charts.story_svg(made_up(seeds=0)) == ""


def test_every_contestant_has_a_colour_of_its_own():
    assert len({pictures.colour(name) for name in pictures.COLOURS}) == len(pictures.COLOURS)
    assert pictures.colour("PyTorch eager") == pictures.colour("PyTorch") != pictures.colour("PyTorch compiled")
    assert pictures.colour("Somebody") == pictures.colour("Somebody")
    assert pictures.colour("Somebody") not in pictures.COLOURS.values()


def test_drawing_leaves_the_settings_of_matplotlib_and_heeds_none():
    plain = pictures.drawing((2, 2), lambda figure: figure.subplots().set_title("a $ b"))
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        before = dict(matplotlib.rcParams)
        assert pictures.drawing((2, 2), lambda figure: figure.subplots().set_title("a $ b")) == plain
        assert dict(matplotlib.rcParams) == before
