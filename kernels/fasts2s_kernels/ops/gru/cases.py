"""How the functions of the GRU layer are called. It stands in the book's appendix C, without a script."""

from fasts2s_kernels.cases import Row
from fasts2s_kernels.ops.lstm.cases import cell

FUNCTIONS = cell(
    "gru",
    3,
    "h",
    (Row("addition", (128, 7, 16, 128), "b dhs"),),
    (Row("Rnnlm", (1, 100, 100), "b"),),
    # With large weights it is chaotic over many steps: there every rounding grows without bound.
    (({"T": 63}, 2.0), ({"T": 7}, 4.0)),
)
