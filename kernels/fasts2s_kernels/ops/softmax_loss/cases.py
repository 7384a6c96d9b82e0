"""How the functions of softmax with cross entropy are called."""

from typing import Any

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import CACHE, Argument, Function, Row, gradient
from fasts2s_kernels.drawing import Draw

_ROWS = (Row("addition", (512, 13)), Row("BetterRnnlm", (700, 10000)))


def _scores(d: Draw, shape: tuple[int, ...]) -> Array:
    return d.normal(shape, 3 * d.scale)


def _label(d: Draw, _: Any) -> int:
    return int(d.rng.choice([-1, 0, -100, 10**6]))


def _number(d: Draw, _: Any) -> float:
    return float(d.rng.uniform(0.5, 2.0))


_FORWARD = Function(
    "softmax_loss_forward",
    "RV",
    {
        "xs": Argument("R V", draw=_scores, role="leading"),
        "ts": Argument("labels R"),
        "ignore_label": Argument("number", draw=_label, usual=-1),
    },
    {"out_loss": ""},
    cached=True,
    rows=_ROWS,
    hard=(({"R": 63, "V": 131}, 4.0), ({"R": 7, "V": 4100}, 1.0)),
)
_BACKWARD = Function(
    "softmax_loss_backward",
    "RV",
    {"dout": gradient("number", "out_loss", draw=_number, usual=1.0), "cache": CACHE},
    {"grad_xs": "R V"},
    forward=_FORWARD,
    rows=_ROWS,
    hard=(({"R": 63, "V": 131}, 4.0), ({"R": 7, "V": 4100}, 1.0)),
)

FUNCTIONS = (_FORWARD, _BACKWARD)
