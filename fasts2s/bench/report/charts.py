"""Which pictures a part of the report gets, and what they show."""

import math
import statistics
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from fasts2s.bench.report import pictures, scaling, story, units, view
from fasts2s.bench.report.pictures import Bar, Bars, Picture
from fasts2s.bench.report.view import Line, Section, figure
from fasts2s.bench.results import Result, Row

#: The most cases that a chart shows one by one.
_MOST = 16
#: Groups whose numbers are shown as they are -> the title of their chart.
AMOUNTS = {
    "memory": "Most memory above that of the model",
    "start": "Until the first training step is done",
    "scripts": "Until the script is done",
}
_WHISKERS = "Whiskers: quartiles over the rounds."
#: Model -> colour; a line is dashed where the question is read forwards.
_COLOURS = {story.BASELINE: "#d55e00", story.PEEKY: "#0072b2"}
_STORY_NOTE = (
    "Lines: medians over the seeds; bands: from the least to the most. Solid: the question is read backwards "
    "(reversed); dashed: as it stands."
)


def charts(result: Result, key: str) -> list[Picture]:
    """Return the pictures of a part; none where it has nothing to draw."""
    if key == "story":
        svg = story_svg(result)
        return [Picture("Exactly right answers by epoch and by training time", svg, _STORY_NOTE)] if svg else []
    found = [chart for section in view.sections(result, key) for chart in _of_section(result, section)]
    return [picture for picture in found if picture is not None]


def _of_section(result: Result, section: Section) -> list[Picture | None]:
    if section.group == "scaling":
        return [_sweep(result, section)]
    found, unit = [], section.lines[0].rows[0].unit
    if section.group in AMOUNTS or (not section.others and section.group != "learning"):
        factor, name = units.scale(unit, [r.value for line in section.lines for r in line.rows if r.unit == unit])
        found.append(_bars(AMOUNTS.get(section.group, "Time"), _amounts(section, unit, factor), name))
    elif section.others:
        found.append(_ratios(section))
    if section.group == "steps":
        times = _amounts(section, unit, 1.0) if section.others else {}
        found.append(_bars("How long a step takes", times, "median", draw=pictures.dot_chart, unit=unit))
        title = "How many times as long as the plain model's the peeky model's step takes"
        found.append(_bars(title, _overheads(result, section), "time / time of the plain model", _WHISKERS, base=1.0))
    if section.group == "layers":
        note = "100 %: nothing but multiplications and additions on all cores."
        found.append(_bars("Share of the processor's peak", _shares(section), "% of peak", note, end=100.0))
    return found


def _bars(
    title: str, bars: Bars, label: str, note: str = "", draw: Callable[..., str] = pictures.bar_chart, **how: Any
) -> Picture | None:
    kept = {case: own for case, own in bars.items() if own}
    return Picture(title, draw(kept, label, **how), note) if kept else None


def _ratios(section: Section) -> Picture | None:
    title, label = f"How many times as long as {section.base} the others take", f"time / {section.base}"
    if len(section.lines) <= _MOST:
        bars = {line.name: _ratio_bars(section, [line]) for line in section.lines}
        return _bars(title, bars, label, _WHISKERS, base=1.0)
    kinds: dict[str, list[Line]] = {}
    for line in section.lines:
        kinds.setdefault(line.name.split(" ")[0], []).append(line)
    note = "Each dot is the geometric mean over the cases whose names begin so."
    bars = {kind: _ratio_bars(section, lines) for kind, lines in kinds.items()}
    return _bars(title, bars, label, note, pictures.dot_chart, base=1.0)


def _ratio_bars(section: Section, lines: Sequence[Line]) -> list[Bar]:
    """Return everybody's ratio in these lines, or its geometric mean."""
    found = []
    for other in section.others:
        rows = [
            row for line in lines if line.base == section.base and (row := line.of(other)) is not None and row.ratio
        ]
        if rows:
            middle = math.exp(sum(math.log(row.ratio or 1.0) for row in rows) / len(rows))
            low, high = (rows[0].ratio_low, rows[0].ratio_high) if len(rows) == 1 else (None, None)
            found.append(Bar(other, middle, low or middle, high or middle, units.times(middle)))
    return found


def _amounts(section: Section, unit: str, factor: float) -> Bars:
    """Return the numbers of a section that have a unit, above 0."""

    def bar(line: Line, row: Row) -> Bar:
        return Bar(
            row.contestant, row.value / factor, row.low / factor, row.high / factor, line.shown(row.contestant)
        )

    return {
        line.name: [bar(line, row) for row in line.rows if row.unit == unit and row.value > 0]
        for line in section.lines[:_MOST]
    }


def _shares(section: Section) -> Bars:
    found: Bars = {}
    for line in section.lines[:_MOST]:
        shares = {row.contestant: share for row in line.rows if (share := figure(row, "peak_share")) is not None}
        found[line.name] = [Bar(who, 100 * s, 100 * s, 100 * s, units.percent(s)) for who, s in shares.items()]
    return found


def _overheads(result: Result, section: Section) -> Bars:
    """Return what being peeky costs everybody, for each H."""
    found: Bars = {}
    for name in section.contestants:
        for one in story.overheads(result, name):
            bar = Bar(name, one.middle, one.low, one.high, units.times(one.middle))
            found.setdefault(f"H={one.hidden}", []).append(bar)
    return found


def _sweep(result: Result, section: Section) -> Picture | None:
    members = scaling.series_of(result, section.sweep, section.letter)
    gains = {name: own for name, own in scaling.speedups(members).items() if len(own) > 1}
    if gains:
        svg = pictures.against_threads({name: ([*own], [*own.values()]) for name, own in gains.items()})
        return Picture(f"{section.sweep}: times as fast as on one thread", svg)
    own = {one.contestant: (one.sizes, one.values) for one in members if one.unit == members[0].unit}
    if not own:
        return None
    svg = pictures.against_sizes(own, section.letter, members[0].unit)
    return Picture(section.title, svg, " ".join(scaling.sentences(result, section.sweep, section.letter)))


# ---- the story --------------------------------------------------------------------------------------------


def story_svg(result: Result) -> str:
    """Return accuracy over epochs and over training time, for the plain and the peeky model; "" without curves."""
    ends = {(one.model, one.reverse): one.final for one in story.learning(result)}
    variants = sorted(story.chosen(result).items(), key=lambda item: -ends[item[0]])
    head = story.headline(result) or "Learning to add"

    def draw(canvas: Any) -> None:
        left, right = canvas.subplots(1, 2, sharey=True)
        for variant, curves in variants:
            points = [
                [100 * share for share in shares] for shares in zip(*(c.accuracy for c in curves), strict=False)
            ]
            spent = [statistics.median(seconds) for seconds in zip(*(c.seconds for c in curves), strict=False)]
            _draw(left, variant, range(1, 1 + len(points)), points)
            _draw(right, variant, spent, points)
        for axes, label in ((left, "epoch"), (right, "seconds of training")):
            axes.axhline(100 * story.TARGET, color="#8a8f98", linestyle=":")
            axes.set(xlabel=label, ylim=(-2, 103), xlim=(0, None))
        left.set_ylabel("exactly right answers, %")
        canvas.suptitle("\n".join(textwrap.wrap(head, 78)), fontweight="bold", x=0.01, ha="left")
        canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)

    return pictures.drawing((9.6, 4.7), draw) if variants else ""


def _draw(axes: Any, variant: tuple[str, bool], xs: Sequence[float], points: list[list[float]]) -> None:
    """Draw a variant as the median over its seeds, in a band from the least to the most."""
    model, reverse = variant
    tone, middle = _COLOURS.get(model, "#5c5c5c"), [statistics.median(p) for p in points]
    look = {
        "color": tone,
        "linestyle": "-" if reverse else "--",
        "label": units.clip(story.variant(model, reverse), 30),
    }
    axes.plot(xs, middle, marker="o" if len(xs) == 1 else "", **look)
    axes.fill_between(xs, [min(p) for p in points], [max(p) for p in points], color=tone, alpha=0.18, linewidth=0)
