"""Figures of matplotlib as SVG that can stand in a page beside others: own ids, no style sheet, real text."""

import io
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF, _USED = f"{{{_XLINK}}}href", re.compile(r"url\(#([^)]+)\)")
#: Characters that XML may not have.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

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

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 11.5,
    "axes.labelsize": 11.5,
    "axes.titlesize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8f98",
    "axes.labelcolor": "#30343b",
    "axes.axisbelow": True,
    "text.color": "#1c1f24",
    "xtick.color": "#8a8f98",
    "ytick.color": "#8a8f98",
    "xtick.labelcolor": "#30343b",
    "ytick.labelcolor": "#30343b",
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
}


@dataclass(frozen=True)
class Chart:
    """A picture: a title in words, the element <svg>, and a line below it."""

    title: str
    svg: str
    note: str = ""


def colour(contestant: str) -> str:
    """Return the colour of a contestant, always the same; "PyTorch eager" has that of PyTorch."""
    contestant = _SAME.get(contestant, contestant)
    near = [name for name in COLOURS if f"{contestant} ".startswith(f"{name} ")]
    return COLOURS[max(near, key=len)] if near else _SPARE[zlib.crc32(contestant.encode()) % len(_SPARE)]


def marker(contestant: str) -> str:
    """Return the sign of a contestant in charts with lines."""
    return MARKERS.get(contestant, "o")


def drawing(
    name: str, label: str, size: tuple[float, float], draw: Callable[[Any], None], background: str = "none"
) -> str:
    """Return what ``draw`` draws into a Figure of ``size`` inches, as an element <svg>.

    name
        Stands before every id: two drawings of one page have two names.
    label
        What the picture shows, for those who cannot see it.
    """
    import matplotlib  # noqa: PLC0415 - only who draws pays for it
    from matplotlib.figure import Figure  # noqa: PLC0415

    silent, written = dict.fromkeys(("Date", "Creator", "Format", "Type")), io.StringIO()
    settings: Any = {**_STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # whatever the user has set
        matplotlib.rcParams.update(settings)
        warnings.simplefilter("ignore")  # of letters that the font lacks: the page's fonts may have them
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(written, format="svg", facecolor=background, metadata=silent)
    return cleaned(written.getvalue(), name, label)


def cleaned(text: str, name: str, label: str) -> str:
    """Return the element <svg> of a file of matplotlib: only ids that are used, each with ``name`` before it."""
    for prefix, space in (("", _SVG), ("xlink", _XLINK)):
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.fromstring(_CONTROL.sub("", text))
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}]:
            parent.remove(child)
    used = {m for part in root.iter() for value in part.attrib.values() for m in _USED.findall(value)}
    used |= {part.attrib[_HREF][1:] for part in root.iter() if _HREF in part.attrib}
    prefix = re.sub(r"[^A-Za-z0-9]+", "-", name)
    for part in root.iter():
        part.tail = None
        given = dict(part.attrib)
        part.attrib.clear()
        for key, value in given.items():
            if key == _HREF:
                part.set(key, f"#{prefix}-{value[1:]}")
            elif key != "id":
                part.set(key, _USED.sub(rf"url(#{prefix}-\1)", value))
            elif value in used:
                part.set(key, f"{prefix}-{value}")
    spoken = _CONTROL.sub("", " ".join(label.split()))
    root.attrib.update({"role": "img", "aria-label": spoken, "stroke-linejoin": "round"})
    title = ElementTree.Element(f"{{{_SVG}}}title")
    title.text = spoken
    root.insert(0, title)
    return ElementTree.tostring(root, encoding="unicode").strip()
