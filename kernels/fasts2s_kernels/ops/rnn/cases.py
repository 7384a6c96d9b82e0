"""How the functions of the Elman RNN layer are called."""

from fasts2s_kernels.cases import Row
from fasts2s_kernels.ops.lstm.cases import cell

FUNCTIONS = cell(
    "rnn",
    1,
    "h",
    (Row("SimpleRnnlm", (10, 5, 100, 100), "b h0 dhs"),),
    (Row("SimpleRnnlm", (1, 100, 100), "b"),),
    # Chaotic over many steps, as the GRU, and sooner.
    (({"T": 63}, 1.0), ({"T": 7}, 2.0), ({"T": 2}, 4.0)),
)
