"""The learning curve, as a picture and as text."""

import warnings
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.commands.fonts import families_for
from fasts2s.commands.output import fitting

_BAR = 40


def text_curve(epochs: list[dict[str, Any]], key: str, unit: str, top: float | None = None) -> str:
    """Return one line per epoch with a bar of the value; ``top`` is the value of a full bar (the largest)."""
    values = [float(e[key]) for e in epochs]
    top = top or max((v for v in values if isfinite(v)), default=1.0) or 1.0
    full, empty = fitting(("█", "·"), ("#", "."))
    lines = []
    for e, v in zip(epochs, values, strict=True):
        filled = round(_BAR * min(v / top, 1.0)) if isfinite(v) else 0
        lines.append(f"{e['epoch']:>4} |{full * filled}{empty * (_BAR - filled)}| {v:.2f}{unit}")
    return "\n".join(lines)


def draw_curve(path: Path, epochs: list[dict[str, Any]], title: str, key: str, label: str) -> None:
    """Draw loss (left) and the measure ``key`` (right) against the epoch into a PNG; needs no display.

    The title may hold anything, such as the name of a file: it is no formula, and what is no text becomes ``?``.
    """
    with warnings.catch_warnings():
        # Of letters that no font has, and of what matplotlib will change: a picture is drawn all the same.
        warnings.simplefilter("ignore")
        # The figure's own canvas, not pyplot: no global state, no display, no choice of a window system.
        from matplotlib import rc_context  # noqa: PLC0415
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

        with rc_context({"text.usetex": False}):
            figure = Figure(figsize=(9, 4), dpi=120, layout="constrained")
            FigureCanvasAgg(figure)
            _fill(figure, epochs, key, label)
            text = "".join(c if c.isprintable() else "?" for c in " ".join(title.split()))
            figure.suptitle(text, parse_math=False, fontfamily=families_for(text))

            def write(file: BinaryIO) -> None:
                figure.savefig(file, format="png")

            write_atomically(path, write)


def _fill(figure: Any, epochs: list[dict[str, Any]], key: str, label: str) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    left, right = figure.subplots(1, 2)
    xs = [e["epoch"] for e in epochs]
    left.plot(xs, [e["loss"] for e in epochs], marker="o", markersize=4, color="#b04a2f")
    left.set_title("training loss")
    left.set_ylabel("nats per symbol")
    left.set_ylim(bottom=0)
    right.plot(xs, [e[key] for e in epochs], marker="o", markersize=4, color="#2f6db0")
    right.set_title(label)
    if key == "accuracy":
        right.set_ylim(-2, 102)
        right.set_ylabel("%")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.set_xlim(xs[0] - 0.5, xs[-1] + 0.5)  # one epoch alone has its tick in the middle
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
