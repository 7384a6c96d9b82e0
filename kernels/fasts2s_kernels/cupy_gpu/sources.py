"""The CUDA C++ texts of this backend, and which of them make up a module. CuPy is not needed to read them."""

from functools import cache
from importlib import resources

#: Module -> the files that it is made of, in their order.
PARTS = {
    "lstm_fwd_rows": ("prelude", "rows", "lstm_fwd_rows"),
    "lstm_bwd_rows": ("prelude", "rows", "lstm_bwd_rows"),
    "lstm_greedy_rows": ("prelude", "rows", "lstm_greedy_rows"),
    "lstm_slices": ("prelude", "lstm_slices"),
    "lstm_steps": ("prelude", "lstm_steps"),
    "gru": ("prelude", "gru"),
    "rnn": ("prelude", "rnn"),
    "sums": ("prelude", "sums"),
    "embedding": ("prelude", "embedding"),
    "softmax_loss": ("prelude", "softmax_loss"),
    "attention": ("prelude", "attention"),
    "decoding": ("prelude", "decoding"),
    "updates": ("prelude", "updates"),
}


@cache
def text(module: str) -> str:
    """Return the source of a module of ``PARTS``."""
    folder = resources.files("fasts2s_kernels.cupy_gpu")
    return "\n".join(folder.joinpath(f"{part}.cu").read_text(encoding="utf-8") for part in PARTS[module])
