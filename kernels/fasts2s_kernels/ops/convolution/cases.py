"""How convolution and pooling are called: filters of 3 x 3 with a rim of 1, windows of 2 x 2.

Pictures of T x S with D channels. Other windows, distances and rims: ``tests/kernels/test_convolution.py``.
"""

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import CACHE, Argument, Function, Row, buffers, gradient, optional, weight
from fasts2s_kernels.drawing import Draw
from fasts2s_kernels.letters import Sizes

_ROWS = (Row("captions, first", (128, 3, 24, 24, 12), "b"), Row("captions, last", (128, 24, 6, 6, 32), "b"))
_POOLED = (Row("captions", (128, 12, 12, 12)),)


def _flops(sizes: Sizes) -> int:
    return 18 * sizes["N"] * sizes["D"] * sizes["T"] * sizes["S"] * sizes["M"]


def _filters(d: Draw, shape: tuple[int, ...]) -> Array:
    return d.normal(shape, d.scale / max(9 * shape[1], 1) ** 0.5)


_FORWARD = Function(
    "convolution_forward",
    "NDTSM",
    {
        "x": Argument("N D T S"),
        "W": weight("M D 3 3", draw=_filters),
        "b": optional("M"),
        "stride": Argument("number", usual=1),
        "pad": Argument("number", usual=1),
    },
    {"out": "N M T S"},
    cached=True,
    rows=_ROWS,
    hard=(({"N": 2, "D": 65, "T": 12}, 4.0),),
    flops=_flops,
)
_BACKWARD = Function(
    "convolution_backward",
    "NDTSM",
    {
        "dout": gradient("N M T S", "out"),
        "W": weight("M D 3 3", draw=_filters),
        "cache": CACHE,
        **buffers(_FORWARD, "W", "b"),
    },
    {"grad_x": "N D T S"},
    forward=_FORWARD,
    rows=_ROWS,
    hard=(({"N": 2, "D": 65, "T": 12}, 4.0),),
    flops=lambda sizes: 2 * _flops(sizes),
)
_POOL = Function(
    "pooling_forward",
    "NDTS",
    {
        "x": Argument("N D 2T 2S", role="leading"),
        "pool_h": Argument("number", usual=2),
        "pool_w": Argument("number", usual=2),
        "stride": Argument("number", usual=2),
        "pad": Argument("number", usual=0),
    },
    {"out": "N D T S"},
    cached=True,
    rows=_POOLED,
)
_POOL_BACKWARD = Function(
    "pooling_backward",
    "NDTS",
    {"dout": gradient("N D T S", "out"), "cache": CACHE},
    {"grad_x": "N D 2T 2S"},
    forward=_POOL,
    rows=_POOLED,
)

FUNCTIONS = (_FORWARD, _BACKWARD, _POOL, _POOL_BACKWARD)
