"""Which charts a group gets, and what they show: bars for ratios and amounts, lines for sizes and threads."""

import math
from collections.abc import Sequence

from fasts2s.bench.report import scaling, units, view
from fasts2s.bench.report.axes import Bar, Bars, draw_bars, draw_dots, draw_gains, draw_sizes, legend_height
from fasts2s.bench.report.curves import story_charts, story_svg
from fasts2s.bench.report.story import overheads
from fasts2s.bench.report.svg import Chart, drawing
from fasts2s.bench.report.view import Line, Section, figure
from fasts2s.bench.results import Result, Row

__all__ = ["Chart", "charts", "story_charts", "story_svg"]

WIDTH, HEIGHT = 4.8, 3.4
#: Inches that a bar and a line of dots take, and what stands above and below.
_BAR, _DOT, _FRAME = 0.22, 0.26, 0.65
#: The most cases that a chart shows one by one.
_MOST = 16
#: Groups whose numbers are shown as they are -> the title of their chart.
AMOUNTS = {
    "memory": "Most memory above that of the model",
    "start": "Until the first training step is done",
    "scripts": "Until the script is done",
}

_WHISKERS = "Whiskers: quartiles over the rounds."


def charts(result: Result, group: str) -> list[Chart]:
    """Return the charts of a group, none for a group without rows; names, and so ids, differ between groups."""
    sections = view.sections(result, group)
    if group == "scaling":
        return [chart for k, section in enumerate(sections) for chart in _sweep(result, section, f"scaling-{k}")]
    return [chart for section in sections for chart in _of_group(result, section)]


def _of_group(result: Result, section: Section) -> list[Chart]:
    found, unit = [], section.lines[0].rows[0].unit
    if section.group in AMOUNTS or (not section.others and section.group != "learning"):
        found.append(_bars(section, "amounts", AMOUNTS.get(section.group, "Time"), _amounts(section, unit)))
    elif section.others:
        found.append(_ratios(section))
    if section.group == "steps" and section.others:
        found.append(_dots(section, "times", "How long a step takes", _times(section, unit)))
    if section.group == "steps":
        title = "How many times as long as the plain model's the peeky model's step takes"
        found.append(_bars(section, "peeky", title, _overheads(result, section), _WHISKERS))
    note = "100 %: nothing but multiplications and additions on all cores."
    if section.group == "layers":
        found.append(_bars(section, "shares", "Share of the processor's peak", _shares(section), note))
    return [chart for chart in found if chart is not None]


def _ratios(section: Section) -> Chart | None:
    title = f"How many times as long as {section.base} the others take"
    if len(section.lines) <= _MOST:
        cases = [(line.name, [line]) for line in section.lines]
        return _bars(section, "ratios", title, _ratio_bars(section, cases), _WHISKERS)
    kinds: dict[str, list[Line]] = {}
    for line in section.lines:
        kinds.setdefault(line.name.split(" ")[0], []).append(line)
    note = "Each dot is the geometric mean over the cases whose names begin so."
    return _dots(section, "ratios", title, _ratio_bars(section, list(kinds.items())), note)


def _bars(section: Section, what: str, title: str, bars: Bars, note: str = "") -> Chart | None:
    cases = [len(own) for _, own in bars.cases]
    size = WIDTH, _FRAME + legend_height(bars.contestants) + _BAR * (sum(cases) + 1.25 * len(cases))
    name, label = f"{section.group}-{what}", f"{title}: {section.title}"
    return Chart(title, drawing(name, label, size, lambda canvas: draw_bars(canvas, bars)), note) if cases else None


def _dots(section: Section, what: str, title: str, bars: Bars, note: str = "") -> Chart | None:
    size = WIDTH, _FRAME + legend_height(bars.contestants) + _DOT * max(4, len(bars.cases))
    name, label = f"{section.group}-{what}", f"{title}: {section.title}"
    return (
        Chart(title, drawing(name, label, size, lambda canvas: draw_dots(canvas, bars)), note) if bars.cases else None
    )


def _ratio_bars(section: Section, groups: Sequence[tuple[str, Sequence[Line]]]) -> Bars:
    """Return the ratios of the lines of each group, or their geometric mean."""
    cases = []
    for name, lines in groups:
        own = [line for line in lines if line.base == section.base]
        bars = [bar for other in section.others if (bar := _ratio_bar(own, other)) is not None]
        cases += [(name, tuple(bars))] if bars else []
    return Bars(f"time / {section.base}", tuple(cases), 1.0)


def _ratio_bar(lines: Sequence[Line], contestant: str) -> Bar | None:
    rows = [row for line in lines if (row := line.of(contestant)) is not None and row.ratio]
    if not rows:
        return None
    middle = math.exp(sum(math.log(row.ratio or 1.0) for row in rows) / len(rows))
    low = rows[0].ratio_low if len(rows) == 1 else middle
    high = rows[0].ratio_high if len(rows) == 1 else middle
    return Bar(contestant, middle, low or middle, high or middle, units.times(middle))


def _amounts(section: Section, unit: str) -> Bars:
    """Return the numbers of a section that have a unit."""
    factor, name = units.scale(unit, [row.value for line in section.lines for row in line.rows if row.unit == unit])
    cases = []
    for line in section.lines[:_MOST]:
        own = [row for row in line.rows if row.unit == unit]
        bars = tuple(_amount_bar(row, factor, line.shown(row.contestant)) for row in own)
        cases += [(line.name, bars)] if bars else []
    return Bars(name, tuple(cases))


def _amount_bar(row: Row, factor: float, text: str) -> Bar:
    return Bar(row.contestant, row.value / factor, row.low / factor, row.high / factor, text)


def _times(section: Section, unit: str) -> Bars:
    """Return the numbers of a section for dots: those above 0, in the unit of the rows."""
    cases = []
    for line in section.lines:
        own = tuple(_amount_bar(row, 1.0, "") for row in line.rows if row.unit == unit and row.value > 0)
        cases += [(line.name, own)] if own else []
    return Bars("median", tuple(cases), unit=unit)


def _shares(section: Section) -> Bars:
    cases = []
    for line in section.lines[:_MOST]:
        shares = [(row, share) for row in line.rows if (share := figure(row, "peak_share")) is not None]
        bars = tuple(Bar(r.contestant, 100 * s, 100 * s, 100 * s, units.percent(s)) for r, s in shares)
        cases += [(line.name, bars)] if bars else []
    return Bars("% of peak", tuple(cases), end=100.0)


def _overheads(result: Result, section: Section) -> Bars:
    """Return what being peeky costs everybody, for each H."""
    cases: dict[str, tuple[Bar, ...]] = {}
    for name in section.contestants:
        for one in overheads(result, name):
            bar = Bar(name, one.middle, one.low, one.high, units.times(one.middle))
            cases[f"H={one.hidden}"] = (*cases.get(f"H={one.hidden}", ()), bar)
    return Bars("time / time of the plain model", tuple(cases.items()), 1.0)


def _sweep(result: Result, section: Section, name: str) -> list[Chart]:
    own = [s for s in scaling.all_series(result) if (s.sweep, s.letter) == (section.sweep, section.letter)]
    gains = [g for g in scaling.speedups(result) if g.sweep == section.sweep and len(g.threads) > 1]
    size = (WIDTH, HEIGHT)
    if section.letter == scaling.THREADS and gains:
        title = f"{section.sweep}: times as fast as on one thread"
        return [Chart(title, drawing(name, section.title, size, lambda canvas: draw_gains(canvas, gains)))]
    own = [one for one in own if one.unit == own[0].unit]
    if not own:
        return []
    note = " ".join(scaling.sentences(result, section.sweep, section.letter))
    return [Chart(section.title, drawing(name, section.title, size, lambda canvas: draw_sizes(canvas, own)), note)]
