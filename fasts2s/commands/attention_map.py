"""A picture of what a model looked at: a column for every symbol of the source, a row for every one of the answer."""

from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.commands.errors import CommandError
from fasts2s.commands.figures import write_figure
from fasts2s.commands.fonts import families_for, without_font
from fasts2s.commands.output import complain
from fasts2s.text_to_text import Said

#: Inches for a symbol, and around all of them.
_CELL, _AROUND = 0.32, 1.6
#: Symbols of either side that a picture has, at most.
_MOST = 120


def draw_attention(path: str | Path, said: Said) -> None:
    """Write the attention of an answer as a PNG; needs no display. Raises CommandError where there is none."""
    if said.attention is None:
        raise CommandError("the model has no attention to draw: train one with --attention dot, general or additive")
    asked, words = [*said.asked, "</s>"], [*said.words, "</s>"][: len(said.attention)]
    weights = np.asarray(said.attention)[: len(words), : len(asked)]
    asked, words, weights = asked[:_MOST], words[:_MOST], weights[:_MOST, :_MOST]
    size = (_CELL * len(asked) + _AROUND, _CELL * len(words) + _AROUND)
    write_figure(Path(path), size, lambda figure: _fill(figure.subplots(), weights, asked, words))
    unknown = without_font("".join([*asked, *words]))
    if unknown:
        complain(
            f"{path} shows boxes for {unknown[:20]}, which no font of this machine has: install one that has, "
            "such as Noto Sans CJK (Debian, Ubuntu: fonts-noto-cjk)"
        )


def _fill(axes: Any, weights: Any, asked: list[str], words: list[str]) -> None:
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    families = families_for("".join([*asked, *words]))
    for axis, symbols, turned in ((axes.xaxis, asked, 90), (axes.yaxis, words, 0)):
        labels = [symbol.replace(" ", "␣").replace("\n", "\\n") or "·" for symbol in symbols]
        axis.set_ticks(range(len(labels)), labels, fontfamily=families, parse_math=False)
        axis.set_tick_params(rotation=turned if max(map(len, labels)) > 1 else 0, length=0)
    axes.xaxis.tick_top()
    axes.figure.colorbar(image, ax=axes, label="attention", shrink=min(1.0, 6 / max(weights.shape)))
