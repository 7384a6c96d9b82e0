"""Drawing bars and lines into a figure of matplotlib."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fasts2s.bench.report import units
from fasts2s.bench.report.scaling import Series, Speedup
from fasts2s.bench.report.svg import colour, marker

#: Ratio of the largest to the smallest from which on an axis is logarithmic.
_FAR = 15.0


@dataclass(frozen=True)
class Bar:
    """A bar: whose it is, its length, the ends of its whisker, the text at its end."""

    contestant: str
    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Bars:
    """A chart of horizontal bars or dots, some for each case.

    Attributes
    ----------
    label : str
        What stands below the axis.
    cases : tuple
        Pairs of the name of a case and its bars.
    base : float or None
        Where bars begin; None for 0.
    end : float
        The axis goes at least so far.
    unit : str
        One of UNITS for dots that are written with it; "" for plain numbers.
    """

    label: str
    cases: tuple[tuple[str, tuple[Bar, ...]], ...]
    base: float | None = None
    end: float = 0.0
    unit: str = ""

    @property
    def contestants(self) -> list[str]:
        """Whose bars there are."""
        return list(dict.fromkeys(bar.contestant for _, bars in self.cases for bar in bars))


def draw_bars(canvas: Any, bars: Bars) -> None:
    """Draw bars from top to bottom, the name of a case above its own."""
    axes, begin, y = canvas.subplots(), bars.base or 0.0, 0.0
    for name, own in bars.cases:
        where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        style = {"fontsize": 11.5, "fontweight": "bold", "zorder": 5}
        paper = {"facecolor": "#ffffff", "edgecolor": "none", "pad": 1.0}
        axes.annotate(units.clip(name, 40), (0, y), (2, 0), **where, **style, bbox=paper)
        for bar in own:
            y += 1
            axes.barh(y, bar.value - begin, left=begin, height=0.8, color=colour(bar.contestant), zorder=2)
            if bar.high > bar.low:
                axes.plot([bar.low, bar.high], [y, y], "|-", color="#1c1f24", linewidth=1.3, markersize=6, zorder=3)
            tip = max(bar.value, bar.high, begin)
            axes.annotate(bar.text, (tip, y), (5, 0), textcoords="offset points", va="center", fontsize=11)
        y += 1.25
    _limits(axes, bars)
    _finish_bars(canvas, axes, bars, y)


def _limits(axes: Any, bars: Bars) -> None:
    """Leave room for the texts at the ends; take logarithms of ratios that are far from each other."""
    ends = [x for _, own in bars.cases for bar in own for x in (bar.value, bar.low, bar.high) if x > 0]
    ends += [bars.base] if bars.base else []
    right, left = max(ends, default=1.0), min(ends, default=1.0)
    if bars.base is not None and right > _FAR * left:
        axes.set_xscale("log")
        axes.set_xlim(left / 1.3, right * (right / left) ** 0.22 * 1.05)
        _plain_log(axes.xaxis, lambda x: f"{x:g}")
        return
    begin = bars.base or 0.0
    before = 0.08 * right if left < begin else 0.0
    axes.set_xlim(min(left, begin) - before, max(bars.end, right + 0.22 * (right - min(left, begin))))


def _finish_bars(canvas: Any, axes: Any, bars: Bars, bottom: float) -> None:
    axes.set_ylim(bottom - 0.35, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if bars.base is not None:
        axes.axvline(bars.base, color="#30343b", linewidth=1.2, zorder=4)
    axes.grid(axis="x")
    axes.set_xlabel(bars.label)
    _legend(canvas, bars.contestants)


def draw_dots(canvas: Any, bars: Bars) -> None:
    """Draw the values of bars as dots on a logarithmic axis, a line for each case with its name at the left."""
    axes = canvas.subplots()
    for y, (_, own) in enumerate(bars.cases):
        for bar in own:
            axes.plot(bar.value, y, marker(bar.contestant), color=colour(bar.contestant), markersize=6.5, zorder=3)
    axes.set_xscale("log")
    axes.margins(x=0.06)
    _plain_log(axes.xaxis, lambda x: tick(x, bars.unit), 2.0 if bars.unit else 1.0)
    axes.set_yticks(range(len(bars.cases)), [units.clip(name, 24) for name, _ in bars.cases])
    axes.set_ylim(len(bars.cases) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    if bars.base is not None:
        axes.axvline(bars.base, color="#30343b", linewidth=1.2, zorder=2)
    axes.grid()
    axes.set_xlabel(bars.label)
    _legend(canvas, bars.contestants, dots=True)


def tick(value: float, unit: str) -> str:
    """Return what stands at a tick: 5 ms, without zeros behind the point."""
    if not unit:
        return f"{value:g}"
    factor, name = units.scale(unit, [value * 1.0001])
    return f"{value / factor:.4g} {name}"


def _legend(canvas: Any, contestants: Sequence[str], dots: bool = False) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - only who draws pays for it
    from matplotlib.patches import Patch  # noqa: PLC0415

    found: list[Any] = []
    for name in contestants:
        look: dict[str, Any] = {"color": colour(name), "label": units.clip(name, 24)}
        found.append(Line2D([], [], linestyle="", marker=marker(name), **look) if dots else Patch(**look))
    _place_legend(canvas, found, 1.1)


def _place_legend(canvas: Any, handles: Sequence[Any], length: float) -> None:
    """Place a legend above the axes, filled row by row (matplotlib fills column by column)."""
    ncols = legend_columns([handle.get_label() for handle in handles])
    by_column = [handle for k in range(ncols) for handle in handles[k::ncols]]
    canvas.legend(handles=by_column, loc="outside upper left", ncols=ncols, handlelength=length, columnspacing=1.2)


def legend_columns(labels: Sequence[str]) -> int:
    """Return in how many columns a legend, filled row by row, fits above a chart of about 47 letters."""
    for columns in range(len(labels), 1, -1):
        if sum(max(map(len, labels[k::columns])) + 5 for k in range(columns)) <= 47:
            return columns
    return 1


def legend_height(labels: Sequence[str]) -> float:
    """Return how many inches a legend takes."""
    return 0.23 * math.ceil(len(labels) / legend_columns(labels))


def _plain_log(axis: Any, form: Callable[[float], str], room: float = 1.0) -> None:
    """Set ticks at 1, 2, 5, 10 (or 1, 10, 100 on a long axis), written as ``form`` has them, none between.

    ``room``: 2 where labels need twice as much of it.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator  # noqa: PLC0415

    low, high = sorted(axis.get_view_interval())
    decades = room * math.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1, 3) if decades < 3 else (1,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: form(x)))
    axis.set_minor_formatter(NullFormatter())


def draw_sizes(canvas: Any, own: Sequence[Series]) -> None:
    """Draw numbers, all of one unit, against sizes, both logarithmic."""
    axes, unit = canvas.subplots(), own[0].unit
    factor, name = (1.0, "") if unit == "s" else units.scale(unit, [v for one in own for v in one.values])
    for one in own:
        look = {
            "color": colour(one.contestant),
            "marker": marker(one.contestant),
            "label": units.clip(one.contestant, 24),
        }
        axes.plot(one.sizes, [value / factor for value in one.values], **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _sizes_below(axes, sorted({size for one in own for size in one.sizes}))
    _plain_log(axes.yaxis, lambda y: tick(y, "" if name else unit))
    axes.set_ylabel(name)
    _finish_lines(canvas, axes, own[0].letter)


def draw_gains(canvas: Any, gains: Sequence[Speedup]) -> None:
    """Draw speed-ups against threads; the dashed line is what threads could bring."""
    axes, most = canvas.subplots(), max(max(gain.threads) for gain in gains)
    axes.plot([1, most], [1, most], color="#8a8f98", linestyle=(0, (4, 3)), linewidth=1.3)
    for one in gains:
        axes.plot(
            one.threads, one.times, color=colour(one.contestant), marker=marker(one.contestant), label=one.contestant
        )
    axes.set_xticks(sorted({n for gain in gains for n in gain.threads}))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("times as fast")
    _finish_lines(canvas, axes, "threads (dashed: as many times as fast)")


def _sizes_below(axes: Any, sizes: Sequence[float]) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator  # noqa: PLC0415

    step = math.ceil(len(sizes) / 7)
    kept = list(sizes[::-1][::step][::-1])
    axes.set_xticks(kept, [f"{size:g}" for size in kept])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _finish_lines(canvas: Any, axes: Any, label: str) -> None:
    axes.grid()
    axes.set_xlabel(label)
    _place_legend(canvas, axes.get_legend_handles_labels()[0], 1.6)
