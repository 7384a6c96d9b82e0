"""Which pictures a part of the report gets, and what they show."""

import statistics
import textwrap
from collections.abc import Sequence
from typing import Any

from fasts2s.bench.report import pictures, scaling, story, units, view
from fasts2s.bench.report.pictures import Bar, Bars, Picture
from fasts2s.bench.report.view import Line, Section, figure
from fasts2s.bench.results import Result

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
        return [_sweep(section)]
    found = []
    if section.group in AMOUNTS or (not section.others and section.group != "learning"):
        found.append(_amounts(section, AMOUNTS.get(section.group, "Time")))
    elif section.others:
        found.append(_ratios(section))
    if section.group == "steps" and section.others:
        found.append(_amounts(section, "How long a step takes"))
    if section.group == "steps":
        title = "How many times as long as the plain model's the peeky model's step takes"
        found.append(_bars(title, _overheads(result, section), "time / time of the plain model", _WHISKERS, 1.0))
    if section.group == "layers":
        note = "100 %: nothing but multiplications and additions on all cores."
        found.append(_bars("Share of the processor's peak", _shares(section), "% of peak", note, end=100.0))
    return found


def _bars(
    title: str, bars: Bars, label: str, note: str = "", base: float | None = None, end: float = 0.0
) -> Picture | None:
    kept = {case: own for case, own in bars.items() if own}
    return Picture(title, pictures.bar_chart(kept, label, base, end), note) if kept else None


def _ratios(section: Section) -> Picture | None:
    """Return the ratios case by case, or where there are too many their means by the first word of the case."""
    kinds: dict[str, list[Line]] = {}
    for line in section.lines:
        kinds.setdefault(line.name if len(section.lines) <= _MOST else line.name.split(" ")[0], []).append(line)
    few = len(kinds) == len(section.lines)
    note = _WHISKERS if few else "Each bar is the geometric mean over the cases whose names begin so."
    bars: Bars = {kind: [] for kind in kinds}
    for kind, lines in kinds.items():
        for other in section.others:
            mean = view.mean_ratio(section, other, lines)
            if mean is not None:
                row = lines[0].of(other)
                low, high = (row.ratio_low, row.ratio_high) if few and row is not None else (None, None)
                bars[kind].append(Bar(other, mean[0], low or mean[0], high or mean[0], units.times(mean[0])))
    title = f"How many times as long as {section.base} the others take"
    return _bars(title, bars, f"time / {section.base}", note, 1.0)


def _amounts(section: Section, title: str) -> Picture | None:
    """Return the numbers of a section that have the unit of its first one, above 0."""
    lines, unit = section.lines[:_MOST], section.lines[0].rows[0].unit
    kept = {line.name: [row for row in line.rows if row.unit == unit and row.value > 0] for line in lines}
    factor, name = units.scale(unit, [row.value for rows in kept.values() for row in rows])
    bars: Bars = {line.name: [] for line in lines}
    for line in lines:
        for row in kept[line.name]:
            ends = row.value / factor, row.low / factor, row.high / factor
            bars[line.name].append(Bar(row.contestant, *ends, line.shown(row.contestant)))
    return _bars(title, bars, name)


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


def _sweep(section: Section) -> Picture | None:
    members = scaling.series_of(section)
    gains = {name: own for name, own in scaling.speedups(members).items() if len(own) > 1}
    if gains:
        lines = {name: ([*own], [*own.values()]) for name, own in gains.items()}
        svg = pictures.line_chart(lines, "threads (dashed: as many times as fast)", "")
        return Picture(f"{section.sweep}: times as fast as on one thread", svg)
    own = {one.contestant: (one.sizes, one.values) for one in members if one.unit == members[0].unit}
    if not own:
        return None
    svg = pictures.line_chart(own, section.letter, members[0].unit)
    return Picture(section.title, svg, " ".join(scaling.sentences(section)))


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
    marker, style, label = "o" if len(xs) == 1 else "", "-" if reverse else "--", story.variant(model, reverse)
    axes.plot(xs, middle, color=tone, marker=marker, linestyle=style, label=units.clip(label, 30))
    axes.fill_between(xs, [min(p) for p in points], [max(p) for p in points], color=tone, alpha=0.18, linewidth=0)
