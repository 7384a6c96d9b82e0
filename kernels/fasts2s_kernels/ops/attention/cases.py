"""How the functions of dot-product attention are called."""

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import CACHE, Argument, Function, Row, gradient, optional
from fasts2s_kernels.drawing import Draw
from fasts2s_kernels.letters import Sizes


def _flops(sizes: Sizes) -> int:
    return 4 * sizes["N"] * sizes["T"] * sizes["S"] * sizes["H"]


def side(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return what meets in scores: these are of one order for every H."""
    return d.normal(shape, d.scale / max(shape[-1], 1) ** 0.25)


_HARD = (({"S": 63, "H": 33}, 1.0),)
_DATES = Row("dates", (128, 10, 29, 256))

_FORWARD = Function(
    "attention_forward",
    "NTSH",
    {
        "hs_enc": Argument("N S H", draw=side, role="leading"),
        "hs_dec": Argument("N T H", draw=side),
        "mask": optional("mask N S"),
    },
    {"out_context": "N T H", "out_weights": "N T S"},
    cached=True,
    rows=(_DATES, Row("dates", (1, 1, 29, 256))),
    hard=_HARD,
    flops=_flops,
)
_BACKWARD = Function(
    "attention_backward",
    "NTSH",
    {"dout": gradient("N T H", "out_context"), "cache": CACHE},
    {"grad_hs_enc": "N S H", "grad_hs_dec": "N T H"},
    forward=_FORWARD,
    rows=(_DATES,),
    hard=_HARD,
    flops=lambda sizes: 2 * _flops(sizes),
)

FUNCTIONS = (_FORWARD, _BACKWARD)
