"""Pictures that commands draw: no display, no global state."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from fasts2s.checkpoint.atomic import write_atomically


def write_figure(path: Path, size: tuple[float, float], fill: Callable[[Any], None], dpi: int = 120) -> None:
    """Write a figure of a size in inches as a PNG; ``fill`` draws into it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that no font has
        from matplotlib import rc_context  # noqa: PLC0415 - only who draws pays for it
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

        with rc_context({"text.usetex": False}):
            figure = Figure(figsize=size, dpi=dpi, layout="constrained")
            FigureCanvasAgg(figure)
            fill(figure)

            def write(file: BinaryIO) -> None:
                figure.savefig(file, format="png")

            write_atomically(path, write)
