"""How the functions of the embedding layer are called."""

from fasts2s_kernels.cases import Argument, Function, Row, buffers, gradient, weight
from fasts2s_kernels.drawing import scaled

_ROWS = (Row("addition", (128, 7, 13, 16)), Row("BetterRnnlm", (20, 35, 10000, 650)))
_EDGES = ({"T": 0, "V": 0}, {"N": 0, "V": 0})  # no words, and nobody asks for one

_FORWARD = Function(
    "embedding_forward",
    "NTVD",
    {"W": weight("V D", draw=scaled, reads="* D"), "ids": Argument("ids *")},
    {"out": "* D"},
    rows=_ROWS,
    edges=_EDGES,
    hard=(({"N": 11, "T": 63, "V": 7}, 4.0),),
    least="V",
)
_BACKWARD = Function(
    "embedding_backward",
    "NTVD",
    {"dout": gradient("* D", "out"), "ids": Argument("ids *"), **buffers(_FORWARD, "W")},
    {},
    forward=_FORWARD,
    rows=_ROWS,
    edges=_EDGES,
    hard=(({"N": 11, "T": 63, "V": 7}, 4.0),),
    least="V",
)

FUNCTIONS = (_FORWARD, _BACKWARD)
