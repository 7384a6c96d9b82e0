"""How the functions that choose ids from scores are called. No choice is so close that rounding decides."""

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import Argument, Function, Row
from fasts2s_kernels.drawing import Draw

#: How far the number that is drawn lies from the ends of its id's part, at least.
CLEAR = 2e-6


def _scores(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return scores, now and then rounded: then several are equal, and the first of them is right."""
    scores = d.normal(shape, 3 * d.scale)
    return np.round(scores) if d.odds(0.3) else scores


def _uniforms(d: Draw, shape: tuple[int, ...]) -> Array:
    """Draw an id that is not too unlikely, and from its part the middle, or a number just beside one of its ends."""
    scores, rows = d.values["scores"].astype(np.float64), np.arange(shape[0])
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    likely = np.where(p > 10 * CLEAR, p, 0.0).cumsum(axis=1)
    ids = (likely <= d.rng.random((shape[0], 1)) * likely[:, -1:]).sum(axis=1)
    part, end = p[rows, ids], p.cumsum(axis=1)[rows, ids]
    inside = np.stack([part / 2, np.full(shape, CLEAR), part - CLEAR])
    which = np.zeros(shape, int) if d.plain else d.rng.integers(0, 3, shape)
    return np.clip(end - inside[which, rows], 0, 1 - 1e-9)


def _mask(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return a mask with k ids, or more, in every row: a log that is not finite could not be compared."""
    (R, V), k = shape, d.sizes["K"]
    found = d.rng.random(shape) < d.rng.choice([0.1, 0.5, 0.9])
    return found | ((np.arange(V) - d.rng.integers(0, V, (R, 1))) % V < k)


_SCORES = Argument("R V", draw=_scores, role="leading")


def _choice(name: str, more: dict[str, Argument], *rows: Row) -> Function:
    hard = (({"R": 50, "V": 700}, 1.0),)
    return Function(name, "RV", {"scores": _SCORES, **more}, {"ids": "R"}, rows=rows, hard=hard, least="V")


_BEST = Function(
    "best",
    "RVK",
    {"scores": _SCORES, "k": Argument("size K"), "mask": Argument("mask R V", draw=_mask, optional=True)},
    {"out_logs": "R K", "ids": "R K"},
    rows=(Row("beam search", (2500, 2000, 5)), Row("Rnnlm", (1, 10000, 40), given="mask")),
    hard=(({"R": 50, "V": 700, "K": 33}, 1.0), ({"R": 9, "V": 67, "K": 67}, 1.0)),
    least="VK",
    within={"K": "V"},
)

FUNCTIONS = (
    _choice("argmax", {}, Row("dates", (1, 59)), Row("dates", (1000, 59))),
    _choice("sample", {"uniforms": Argument("double R", draw=_uniforms)}, Row("Rnnlm", (1, 10000))),
    _BEST,
)
