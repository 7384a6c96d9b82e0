"""One training step (forward, backward, merge, clip, update): this package against the book's own code.

Both run in this process, in turn, on the same arrays and the same initial weights; medians of the ratios per pair.
"""

import os
import platform
import sys
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from fasts2s import models, optimizers

# Name, sizes (V, D, H), batch (N, source, target length), threshold of clipping; as in the book's scripts.
CASES = [
    ("Seq2seq", (13, 16, 128), (128, 7, 5), 5.0),
    ("PeekySeq2seq", (13, 16, 128), (128, 7, 5), 5.0),
    ("AttentionSeq2seq", (59, 16, 256), (128, 29, 11), 5.0),
    ("Rnnlm", (10000, 100, 100), (20, 35, 35), 0.25),
]
PAIRS = 15


# Where the book keeps what a step needs.
BOOK_MODULES = {
    "Seq2seq": "seq2seq",
    "PeekySeq2seq": "peeky_seq2seq",
    "AttentionSeq2seq": "attention_seq2seq",
    "Rnnlm": "rnnlm",
    "SGD": "common.optimizer",
    "Adam": "common.optimizer",
    "remove_duplicate": "common.trainer",
    "clip_grads": "common.util",
}


def book_code(checkout: Path) -> Any:
    """Import the book's classes from a checkout."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path[:0] = [str(checkout), *(str(checkout / chapter) for chapter in ("ch06", "ch07", "ch08"))]
    return SimpleNamespace(**{name: getattr(import_module(m), name) for name, m in BOOK_MODULES.items()})


def our_code() -> Any:
    """Return the same names of this package."""
    names = ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq", "Rnnlm")
    ours = {name: getattr(models, name) for name in names}
    return SimpleNamespace(
        **ours,
        SGD=optimizers.SGD,
        Adam=optimizers.Adam,
        remove_duplicate=optimizers.remove_duplicate,
        clip_grads=optimizers.clip_grads,
    )


def make_step(code: Any, name: str, sizes: tuple[int, int, int], max_grad: float) -> Any:
    """Return a function (xs, ts) -> loss that makes one step of a fresh model; the seed is always the same."""
    np.random.seed(1)
    model = getattr(code, name)(*sizes)
    optimizer = code.SGD(20.0) if name == "Rnnlm" else code.Adam()

    def step(xs: Any, ts: Any) -> float:
        loss = float(model.forward(xs, ts))
        model.backward()
        params, grads = code.remove_duplicate(model.params, model.grads)
        code.clip_grads(grads, max_grad)
        optimizer.update(params, grads)
        return loss

    return step


def measure(ours: Any, book: Any, batches: list[tuple[Any, Any]]) -> tuple[list[float], list[float], float]:
    """Return seconds per step of both, in turn, and the largest relative difference of their losses."""
    seconds: tuple[list[float], list[float]] = ([], [])
    worst = 0.0
    for xs, ts in batches:
        losses = []
        for step, spent in zip((ours, book), seconds, strict=True):
            started = time.perf_counter()
            losses.append(step(xs, ts))
            spent.append(time.perf_counter() - started)
        worst = max(worst, abs(losses[0] - losses[1]) / losses[1])
    return seconds[0][3:], seconds[1][3:], worst  # the first pairs warm up


def main() -> int:
    """Print one line per model; return 1 if the two do not learn alike."""
    if "FASTS2S_BOOK" not in os.environ:
        sys.exit("FASTS2S_BOOK is not set: give it the folder of a checkout of the book's repository")
    book, ours = book_code(Path(os.environ["FASTS2S_BOOK"])), our_code()
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "default")
    print(
        f"numpy {np.__version__}, python {platform.python_version()}, {os.cpu_count()} cores, BLAS threads {threads}"
    )
    print(f"{'model':<18}{'ours ms':>9}{'book ms':>9}{'book/ours (quartiles)':>26}{'loss differs by':>17}")
    rng, alike = np.random.default_rng(0), True
    for name, sizes, (N, source, target), max_grad in CASES:
        batches = [
            (rng.integers(0, sizes[0], (N, source)), rng.integers(0, sizes[0], (N, target))) for _ in range(PAIRS + 3)
        ]
        a, b, off = measure(make_step(ours, name, sizes, max_grad), make_step(book, name, sizes, max_grad), batches)
        low, middle, high = np.percentile(np.array(b) / np.array(a), [25, 50, 75])
        alike &= off < 1e-4
        ratio = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        print(f"{name:<18}{1e3 * np.median(a):>9.2f}{1e3 * np.median(b):>9.2f}{ratio:>26}{off:>17.1e}")
    return int(not alike)


if __name__ == "__main__":
    sys.exit(main())
