"""How the functions of the affine layer are called."""

from fasts2s_kernels.cases import Argument, Function, Row, buffers, gradient, optional, weight
from fasts2s_kernels.letters import Sizes

_ROWS = (
    Row("addition", (512, 128, 13), "b"),
    Row("Rnnlm", (700, 100, 10000), "b"),
    Row("BetterRnnlm", (700, 650, 10000), "b", turned="W"),  # the matrix is the embedding's
)
_HARD = (({"R": 63, "D": 131, "M": 33}, 4.0), ({"R": 3, "D": 300, "M": 2}, 1.0), ({"R": 257, "D": 3, "M": 65}, 1.0))


def _flops(sizes: Sizes) -> int:
    return 2 * sizes["R"] * sizes["D"] * sizes["M"]


_FORWARD = Function(
    "affine_forward",
    "RDM",
    {"x": Argument("R D"), "W": weight("D M"), "b": optional("M")},
    {"out": "R M"},
    rows=_ROWS,
    hard=_HARD,
    flops=_flops,
)
_BACKWARD = Function(
    "affine_backward",
    "RDM",
    {"dout": gradient("R M", "out"), "x": Argument("R D"), "W": weight("D M"), **buffers(_FORWARD, "W", "b")},
    {"grad_x": "R D"},
    forward=_FORWARD,
    rows=_ROWS,
    hard=_HARD,
    flops=lambda sizes: 2 * _flops(sizes),
)

FUNCTIONS = (_FORWARD, _BACKWARD)
