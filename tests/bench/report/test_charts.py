"""The charts: well-formed, alone in the world, and about what they should be about."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import re
from collections import Counter
from xml.etree import ElementTree

import matplotlib
import pytest

from fasts2s.bench.report import axes, charts, svg
from fasts2s.bench.report.curves import extended
from fasts2s.bench.results import GROUPS, Curve
from tests.bench.report.odd_results import odd_results
from tests.bench.results_of import made_up

ODD = odd_results()
SPACE = "{http://www.w3.org/2000/svg}"


def texts(picture):
    """All texts that are drawn."""
    return [part.text or "" for part in ElementTree.fromstring(picture).iter(f"{SPACE}text")]


def all_charts(result):
    return [*charts.story_charts(result), *(chart for group in GROUPS for chart in charts.charts(result, group))]


@pytest.fixture(scope="module")
def usual():
    return {group: charts.charts(made_up(), group) for group in GROUPS}


def test_who_gets_which_charts(usual):
    titles = {group: [chart.title for chart in found] for group, found in usual.items()}
    assert titles == {
        "steps": [
            "How many times as long as numba the others take",
            "How long a step takes",
            "How many times as long as the plain model's the peeky model's step takes",
        ],
        "layers": ["How many times as long as numba the others take", "Share of the processor's peak"],
        "answers": ["How many times as long as numba the others take"],
        "kernels": ["How many times as long as numba the others take"],
        "data": ["How many times as long as numba the others take"],
        "start": ["Until the first training step is done"],
        "memory": ["Most memory above that of the model"],
        "scaling": [
            "LSTM layer against N (T=35, D=100, H=100)",
            "LSTM layer against H (N=20, T=35, D=100)",
            "memory of Rnnlm step against N (T=35, V=10000, H=100)",
            "LSTM layer: times as fast as on one thread",
        ],
        "learning": [],
        "scripts": ["Until the script is done"],
    }


def test_numbers_are_written_at_the_bars(usual):
    ratios, _, peeky = usual["steps"]
    drawn = texts(ratios.svg)
    assert drawn.count("3.0×") == drawn.count("1.50×") == drawn.count("2.8×") == 7
    assert {"Seq2seq H=128", "BetterRnnlm H=650", "numpy", "PyTorch", "book", "time / numba"} <= set(drawn)
    assert "numba" not in drawn  # it is the line at 1
    assert {"1.15×", "1.11×", "H=128", "H=256", "numba"} <= set(texts(peeky.svg))
    assert {"80 %", "27 %", "numba"} <= set(texts(usual["layers"][1].svg))
    assert {"216 MiB", "648 MiB"} <= set(texts(usual["memory"][0].svg))
    assert {"11.7 s", "0.710 s"} <= set(texts(usual["start"][0].svg))
    assert {"4", "8", "16", "32", "64", "128", "256", "N"} <= set(texts(usual["scaling"][0].svg))


def lengths_of_bars(picture, contestant):
    """How long the bars of a contestant are, in units of the picture, which is 345.6 wide."""
    found = []
    for path in ElementTree.fromstring(picture).iter(f"{SPACE}path"):
        if svg.COLOURS[contestant] in path.get("style", "") and "clip-path" in path.attrib:
            xs = [float(x) for x in re.findall(r"[ML] (\S+) ", path.get("d"))]
            found.append(max(xs) - min(xs))
    return found


def test_a_bar_is_as_long_as_its_number():
    bars = axes.Bars("", (("a", (axes.Bar("numba", 2.0, 2.0, 2.0, ""), axes.Bar("book", 3.0, 3.0, 3.0, ""))),), 1.0)
    drawn = svg.drawing("a", "a", (4.8, 3.4), lambda canvas: axes.draw_bars(canvas, bars))
    (short,), (long,) = (lengths_of_bars(drawn, name) for name in ("numba", "book"))
    assert long == pytest.approx(2 * short, rel=1e-4)


def test_shares_of_the_peak_stand_on_an_axis_to_a_hundred(usual):
    drawn = usual["layers"][1].svg
    assert lengths_of_bars(drawn, "numba") == pytest.approx([0.8 * 330] * 2, rel=0.05)
    assert lengths_of_bars(drawn, "numpy") == pytest.approx([0.8 / 3 * 330] * 2, rel=0.05)


def test_the_story_is_one_figure_with_the_headline_as_its_title():
    drawn = charts.story_svg(made_up())
    said = " ".join(texts(drawn))
    for part in (
        "Peeky costs 15 % more per step and reaches 90 %",
        "(best 48 %, where Peeky is",
        "90 %",
        "epoch",
        "seconds of training",
    ):
        assert part in said
    assert {"Peeky, reversed", "Peeky", "Baseline, reversed", "Baseline"} <= set(texts(drawn))
    root = ElementTree.fromstring(drawn)
    assert "fill: #ffffff" in next(root.iter(f"{SPACE}path")).get("style")
    assert charts.story_svg(made_up(seeds=0)) == ""


@pytest.mark.parametrize("name", ["many", "evil"])  # test_page.py draws all of them
def test_whatever_comes_is_drawn_and_no_id_comes_twice(name):
    found = all_charts(ODD[name])
    ids = Counter()
    for chart in found:
        root = ElementTree.fromstring(chart.svg)
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert root.find(f"{SPACE}title").text == root.get("aria-label")
        assert not {part.tag for part in root.iter()} & {f"{SPACE}style", f"{SPACE}metadata", f"{SPACE}script"}
        own = [part.get("id") for part in root.iter() if part.get("id")]
        ids.update(own)
        used = re.findall(r'(?:href="#|url\(#)([^")]+)', re.sub(r">[^<]*<", "><", chart.svg))
        assert set(used) == set(own)
        assert chart.svg.startswith("<svg ")
        assert re.findall(r"https?:[^\"]*", chart.svg) == [
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        ]
    assert [key for key, count in ids.items() if count > 1] == []


def test_every_contestant_has_a_colour_of_its_own():
    assert len({svg.colour(name) for name in svg.COLOURS}) == len(svg.COLOURS)
    assert svg.colour("PyTorch eager") == svg.colour("PyTorch")
    assert svg.colour("PyTorch compiled") != svg.colour("PyTorch")
    assert svg.colour("Somebody") == svg.colour("Somebody")
    assert svg.colour("Somebody") not in svg.COLOURS.values()


def test_drawing_leaves_the_settings_of_matplotlib_and_heeds_none():
    def draw(canvas):
        canvas.subplots().set_title("a $ b")

    plain = svg.drawing("a", "b", (2, 2), draw)
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        before = dict(matplotlib.rcParams)
        assert svg.drawing("a", "b", (2, 2), draw) == plain
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (["numba", "numpy", "book"], 3),
        (["numba"] * 5, 4),
        ([*["numba"] * 4, "PyTorch compiled"], 3),
        (["PyTorch compiled"] * 3, 2),
        (["a" * 60] * 2, 1),
    ],
)
def test_a_legend_is_as_wide_as_the_chart_allows(labels, columns):
    assert axes.legend_columns(labels) == columns


def test_a_training_that_came_to_its_goal_may_end():
    stopped = Curve("PeekySeq2seq", True, 0, "numba", (0.5, 0.92), (1.0, 1.0), (2.0, 4.0))
    longer = Curve("PeekySeq2seq", True, 1, "numba", (0.3, 0.6, 0.8, 0.95), (1.0,) * 4, (2.0, 4.0, 6.0, 9.0))
    failed = Curve("PeekySeq2seq", True, 2, "numba", (0.1, 0.2, 0.3), (1.0,) * 3, (2.0, 4.0, 6.0))
    epochs, points, seconds = extended([stopped, longer])
    assert epochs == [1, 2, 3, 4]
    assert points == [[50, 30], [92, 60], [92, 80], [92, 95]]
    assert seconds == [[2, 2], [4, 4], [6, 6], [8, 9]]
    broken = Curve("PeekySeq2seq", True, 3, "numba", (0.1,), (1.0,), (2.0,))
    assert extended([stopped, longer, failed])[0] == [1, 2, 3]
    assert extended([stopped, broken, failed])[0] == [1]
