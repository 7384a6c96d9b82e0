"""Sheets of pictures with what is said of them, and what a model looked at while it said a word."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.commands.figures import write_figure
from fasts2s.text_to_text import Said
from fasts2s_kernels.arrays import Array

_GOOD, _BAD = "#1d7a34", "#b3261e"
_COLUMNS = 6


def draw_sheet(path: Path, pictures: Array, said: Sequence[str], right: Sequence[str]) -> None:
    """Draw pictures (N, 3, H, W) in rows, each with what was said of it: red where it is wrong."""
    rows = ceil(len(pictures) / _COLUMNS)

    def fill(figure: Any) -> None:
        for axes, picture, text, wanted in zip(
            _panels(figure, rows, len(pictures)), pictures, said, right, strict=True
        ):
            axes.imshow(_pixels(picture), interpolation="nearest")
            axes.set_title(_in_lines(text), fontsize=8, color=_GOOD if text == wanted else _BAD, parse_math=False)

    write_figure(path, (1.75 * _COLUMNS, 2.1 * rows), fill)


def draw_looks(path: Path, picture: Array, said: Said, rows: int, columns: int) -> None:
    """Draw what a model looked at for each of its words: a picture (3, H, W), attention over rows x columns."""
    weights = np.asarray(said.attention)[: len(said.words)]
    factor = picture.shape[1] // rows, picture.shape[2] // columns

    def fill(figure: Any) -> None:
        down = ceil(len(weights) / _COLUMNS)
        for axes, word, part in zip(_panels(figure, down, len(weights)), said.words, weights, strict=True):
            axes.imshow(_pixels(picture), interpolation="nearest")
            veil = part.reshape(rows, columns).repeat(factor[0], axis=0).repeat(factor[1], axis=1)
            axes.imshow(
                np.zeros(veil.shape), cmap="gray", vmin=0, vmax=1, alpha=0.8 * (1 - veil / max(veil.max(), 1e-9))
            )
            axes.set_title(word, fontsize=10, parse_math=False)
        figure.suptitle(said.text, fontsize=10, parse_math=False)

    write_figure(path, (1.75 * _COLUMNS, 2.1 * ceil(len(weights) / _COLUMNS) + 0.3), fill)


def _panels(figure: Any, rows: int, count: int) -> list[Any]:
    panels = list(np.ravel(figure.subplots(rows, _COLUMNS, squeeze=False)))
    for axes in panels:
        axes.set_axis_off()
    return panels[:count]


def _pixels(picture: Array) -> Array:
    return np.clip(np.asarray(picture).transpose(1, 2, 0), 0, 1)


def _in_lines(text: str) -> str:
    """Break a text so that three words stand in a line."""
    words = text.split()
    return "\n".join(" ".join(words[k : k + 3]) for k in range(0, len(words), 3))
