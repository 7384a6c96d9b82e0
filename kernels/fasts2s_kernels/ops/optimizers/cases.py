"""How the functions that clip gradients and update parameters are called."""

from functools import partial
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import Argument, Function, Row
from fasts2s_kernels.drawing import Draw

_LISTS = "V D; D 4H; H; "
_HARD = (({"V": 5, "D": 6555, "H": 1}, 1.0),)
#: The parameters of PeekySeq2seq, and of BetterRnnlm, where D is H; the tied matrix once.
PEEKY = "V D; D 4H; H 4H; 4H; V D; H+D 4H; H 4H; 4H; 2H V; V"
BETTER = "V H; H 4H; H 4H; 4H; H 4H; H 4H; 4H; V"
_PEEKY, _BETTER = (13, 16, 128), (10000, 650, 650)


def _real(low: float, high: float, d: Draw, _: Any) -> float:
    return float(d.rng.uniform(low, high))


def _number(low: float, high: float, usual: Any, **more: Any) -> Argument:
    return Argument("number", draw=partial(_real, low, high), usual=usual, **more)


def _steps(d: Draw, _: Any) -> int:
    return int(d.rng.integers(1, 1000))


def _params(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return numbers of the order of their change, which shows in them then."""
    return d.normal(shape, d.values["lr"])


def _began(d: Draw) -> bool:
    """Return whether slots are those of some step, rather than of the first."""
    return bool(d.values.setdefault("began", not d.odds(0.3)))


def _means(d: Draw, shape: tuple[int, ...]) -> Array:
    return d.normal(shape, 0.1 * _began(d))


def _squares(d: Draw, shape: tuple[int, ...]) -> Array:
    return np.asarray(d.rng.uniform(0.1, 1.5, shape) * _began(d), d.dtype)


def _update(name: str, means: str, squares: str, rows: tuple[Row, ...], **numbers: Argument) -> Function:
    """Return an update with slots: some are means, some are means of squares."""
    slots = {slot: Argument("list", draw=_means, written=True) for slot in means.split()}
    slots |= {slot: Argument("list", draw=_squares, written=True) for slot in squares.split()}
    arguments = {
        "params": Argument("list", draw=_params, role="leading", written=True),
        "grads": Argument("list"),
        **slots,
        "lr": _number(0.001, 0.5, 0.01),
        **numbers,
        # What clipping folds into an update.
        "scale": _number(0.01, 1.0, 0.5, optional=True),
    }
    return Function(f"{name}_update", "VDH", arguments, {}, rows=rows, hard=_HARD, lists=_LISTS)


def _shrinking(k: int) -> float:
    """Return a threshold a little lower in every call, so that every call has something to scale."""
    return float(5.0 * 0.9999**k)


_TO_PEEKY = Row("PeekySeq2seq", _PEEKY, "scale", lists=PEEKY)
_TO_BETTER = Row("BetterRnnlm", _BETTER, "scale", lists=BETTER)
_ONE = (_TO_PEEKY,)

_CLIP = Function(
    "clip_grads",
    "VDH",
    {
        "grads": Argument("list", role="leading", written=True),
        "max_norm": Argument("number", draw=partial(_real, 0.01, 50), optional=True),
    },
    {"out_norm": ""},
    lists=_LISTS,
    hard=_HARD,
    rows=(
        Row("PeekySeq2seq", _PEEKY, lists=PEEKY, unwritten="grads"),  # measures only
        Row("PeekySeq2seq, written", _PEEKY, "max_norm", {"max_norm": _shrinking}, lists=PEEKY),
        Row("BetterRnnlm", _BETTER, lists=BETTER, unwritten="grads"),
    ),
)
_RATE = Function(
    "clip_rate",
    "VDH",
    {
        "norm": Argument("double ", draw=lambda d, _: np.float64(d.rng.uniform(0, 60))),
        "max_norm": Argument("number", draw=partial(_real, 0.01, 50), optional=True),
    },
    {"out_rate": ""},
    rows=(Row("PeekySeq2seq", _PEEKY, "max_norm", {"max_norm": 5.0}),),
)

FUNCTIONS = (
    _CLIP,
    _RATE,
    _update("sgd", "", "", (_TO_BETTER,)),
    _update("momentum", "v", "", _ONE, momentum=_number(0.5, 0.999, 0.9)),
    _update("nesterov", "v", "", _ONE, momentum=_number(0.5, 0.999, 0.9)),
    _update("adagrad", "", "h", _ONE),
    _update("rmsprop", "", "h", _ONE, decay_rate=_number(0.5, 0.999, 0.99)),
    _update(
        "adam",
        "m",
        "v",
        (_TO_PEEKY, _TO_BETTER),
        beta1=_number(0.5, 0.999, 0.9),
        beta2=_number(0.5, 0.999, 0.999),
        step=Argument("number", draw=_steps, usual=10),
    ),
)
