"""Pictures by matplotlib: bars and lines. Colours and signs tell contestants apart, the same ones everywhere."""

import base64
import io
import math
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fasts2s.bench.report import units

#: Contestant -> colour: those of Okabe and Ito, which the colour-blind tell apart, too.
COLOURS = {
    "numba": "#0072b2",
    "numpy": "#e69f00",
    "cupy": "#009e73",
    "PyTorch": "#d55e00",
    "PyTorch compiled": "#cc79a7",
    "JAX": "#56b4e9",
    "book": "#5c5c5c",
    "FMA peak": "#a8a8a8",
    "device peak": "#c4c4c4",
}
MARKERS = {"numba": "o", "numpy": "s", "cupy": "D", "PyTorch": "^", "PyTorch compiled": "v", "JAX": "P", "book": "X"}
#: Whole programs stand for what runs in them.
_SAME = {"fasts2s": "numba", "python -m fasts2s": "numba", "python": "book"}
_SPARE = ("#8c564b", "#b8a400", "#7b4fa3", "#17807e")
_STYLE: Any = {
    "text.parse_math": False,
    "font.size": 11,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e6ea",
    "lines.markersize": 5.5,
    "svg.hashsalt": "fasts2s",
}
WIDTH, HEIGHT = 6.4, 4.2
#: Inches that a bar takes, and what stands above and below.
_LINE, _FRAME = 0.21, 1.2
#: Ratio of the largest to the smallest from which on an axis is logarithmic.
_FAR = 15.0
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Picture:
    """A picture: a title, a drawing as SVG, a line below it. The text in its place is title and line."""

    title: str
    svg: str
    note: str = ""

    @property
    def source(self) -> str:
        """The drawing as an address that a page can hold."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"

    @property
    def told(self) -> str:
        """What the picture shows, for those who cannot see it."""
        return f"{self.title}. {self.note}".strip()


@dataclass(frozen=True)
class Bar:
    """A bar: whose it is, its length, the ends of its whisker, the text at its end."""

    contestant: str
    value: float
    low: float
    high: float
    text: str = ""


#: Name of a case -> its bars; contestant -> sizes and values.
Bars = dict[str, list[Bar]]
Lines = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def colour(contestant: str) -> str:
    """Return the colour of a contestant, always the same; "PyTorch eager" has that of PyTorch."""
    contestant = _SAME.get(contestant, contestant)
    near = [name for name in COLOURS if f"{contestant} ".startswith(f"{name} ")]
    return COLOURS[max(near, key=len)] if near else _SPARE[zlib.crc32(contestant.encode()) % len(_SPARE)]


def drawing(size: tuple[float, float], draw: Callable[[Any], None]) -> str:
    """Return what ``draw`` draws into a Figure of ``size`` inches, as SVG; the settings of the user do not matter."""
    import matplotlib  # noqa: PLC0415 - only who draws pays for it
    from matplotlib.figure import Figure  # noqa: PLC0415

    written = io.StringIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        warnings.simplefilter("ignore")  # of letters that the font lacks
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator")))
    return written.getvalue()


def bar_chart(bars: Bars, label: str, base: float | None = None, end: float = 0.0) -> str:
    """Return bars from top to bottom, case by case; they begin at base, or 0, and the axis goes to end at least.

    Numbers far from each other are shown on a logarithmic axis.
    """

    def draw(figure: Any) -> None:
        axes, names = figure.subplots(), dict.fromkeys(bar.contestant for own in bars.values() for bar in own)
        ends = [x for own in bars.values() for bar in own for x in (bar.value, bar.low, bar.high) if x > 0]
        far = max(ends, default=1.0) > _FAR * min(*ends, base or math.inf, math.inf)
        begin = base or (min(ends) / 2 if far else 0.0)
        y, places = 0, []
        for own in bars.values():
            places.append(y + (len(own) - 1) / 2)
            for bar in own:
                spread = [[max(0.0, bar.value - bar.low)], [max(0.0, bar.high - bar.value)]]
                tone = colour(bar.contestant)
                axes.barh(y, bar.value - begin, 0.8, begin, color=tone, xerr=spread, error_kw={"lw": 1})
                tip = max(bar.value, bar.high, begin)
                axes.annotate(bar.text, (tip, y), (4, 0), textcoords="offset points", va="center", fontsize="small")
                y += 1
            y += 1
        axes.set_yticks(places, [_short(name, 30) for name in bars])
        axes.set_ylim(y - 1, -1)
        if base is not None:
            axes.axvline(base, color="#30343b", linewidth=1.2)
        if far:
            _logarithmic(axes.xaxis)
        axes.margins(x=0.15)
        axes.set_xlim(right=max(end, axes.get_xlim()[1]))
        _finish(figure, axes, label, names, dict.fromkeys(names, "s"))

    return drawing((WIDTH, _FRAME + _LINE * sum(len(own) + 1 for own in bars.values())), draw)


def line_chart(lines: Lines, label: str, unit: str) -> str:
    """Return contestant -> (sizes, values) as lines, both axes logarithmic; unit is one of UNITS.

    With the unit "" values are how many times as fast threads are; the dashed line is what they could bring.
    """
    factor, name = (
        units.scale(unit, [v for _, own in lines.values() for v in own]) if unit else (1.0, "times as fast")
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for who, (sizes, values) in lines.items():
            axes.plot(sizes, [value / factor for value in values], color=colour(who), marker=MARKERS.get(who, "o"))
        axes.set_ylabel(name)
        if unit:
            _logarithmic(axes.xaxis)
            _logarithmic(axes.yaxis)
        else:
            threads = sorted({n for sizes, _ in lines.values() for n in sizes})
            axes.plot([1, threads[-1]], [1, threads[-1]], color="#8a8f98", linestyle="--")
            axes.set_xticks(threads)
            axes.set_ylim(bottom=0)
        _finish(figure, axes, label, lines, MARKERS)

    return drawing((WIDTH, HEIGHT), draw)


def _short(text: str, width: int) -> str:
    return units.clip(_CONTROL.sub("", " ".join(text.split())), width)


def _finish(figure: Any, axes: Any, label: str, contestants: Iterable[str], markers: Mapping[str, str]) -> None:
    """Label the axis; name the contestants above it."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    axes.set_xlabel(_short(label, 100))
    handles = [Line2D([], [], linestyle="", color=colour(who), label=_short(who, 24)) for who in contestants]
    for who, handle in zip(contestants, handles, strict=True):
        handle.set_marker(markers.get(who, "o"))
    figure.legend(handles=handles, loc="outside upper left", ncols=5, handlelength=1, columnspacing=1)


def _logarithmic(axis: Any) -> None:
    """Let an axis be logarithmic, with ticks at 1, 2, 5, 10 (or 1, 10, 100 on a long one), written plainly."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter  # noqa: PLC0415

    axis._set_axes_scale("log")
    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1, 3) if decades < 3 else (1,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
