"""The CUDA C++ texts of this backend, and which of them make up a module. CuPy is not needed to read them."""

from functools import cache
from importlib import resources

#: Module -> the files that it is made of, in their order.
PARTS = {
    "lstm_fwd_rows": ("gpu/prelude", "gpu/rows", "ops/lstm/lstm_fwd_rows"),
    "lstm_bwd_rows": ("gpu/prelude", "gpu/rows", "ops/lstm/lstm_bwd_rows"),
    "lstm_greedy_rows": ("gpu/prelude", "gpu/rows", "ops/embedded_lstm/lstm_greedy_rows"),
    "lstm_slices": ("gpu/prelude", "ops/lstm/lstm_slices"),
    "lstm_steps": ("gpu/prelude", "ops/lstm/lstm_steps"),
    "gru": ("gpu/prelude", "ops/gru/gru"),
    "rnn": ("gpu/prelude", "ops/rnn/rnn"),
    "sums": ("gpu/prelude", "gpu/sums"),
    "embedding": ("gpu/prelude", "ops/embedding/embedding"),
    "softmax_loss": ("gpu/prelude", "ops/softmax_loss/softmax_loss"),
    "attention": ("gpu/prelude", "ops/attention/attention"),
    "decoding": ("gpu/prelude", "ops/decoding/decoding"),
    "updates": ("gpu/prelude", "ops/optimizers/updates"),
}


@cache
def text(module: str) -> str:
    """Return the source of a module of ``PARTS``."""
    folder = resources.files("fasts2s_kernels")
    return "\n".join(folder.joinpath(f"{part}.cu").read_text(encoding="utf-8") for part in PARTS[module])
