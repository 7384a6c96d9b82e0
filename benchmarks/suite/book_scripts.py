"""Scripts of a checkout of the book, run from a copy of it, by plain python or by the drop-in."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RUNNER = Path(__file__).resolve().parent.parent / "shortened.py"
#: Every script of chapters 5 to 8.
SCRIPTS = (
    "ch05/train.py",
    "ch05/train_custom_loop.py",
    "ch06/clip_grads.py",
    "ch06/rnn_gradient_graph.py",
    "ch06/train_rnnlm.py",
    "ch06/train_better_rnnlm.py",
    "ch06/eval.py",
    "ch07/show_addition_dataset.py",
    "ch07/generate_text.py",
    "ch07/generate_better_text.py",
    "ch07/train_seq2seq.py",
    "ch08/train.py",
    "ch08/visualize_attention.py",
)
_FOLDERS = ("common", "dataset", "ch05", "ch06", "ch07", "ch08")
#: Words that the scripts ask for by name.
_NAMED = ("<unk>", "N", "$", "you", "the", "meaning", "of", "life", "is")


def copy_checkout(checkout: Path, folder: Path) -> Path:
    """Copy what chapters 5 to 8 need of a checkout into a new folder; return that."""
    for name in _FOLDERS:
        shutil.copytree(
            checkout / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "ptb.t*", "ptb.v*")
        )
    return folder


def write_ptb(folder: Path, train: int, test: int) -> None:
    """Write a made-up text in the format of the Penn Treebank: 10,000 words, whose frequencies follow Zipf's law."""
    words = np.array([*_NAMED, *(f"w{k}" for k in range(9_999 - len(_NAMED)))])  # and <eos>
    rng, shares = np.random.default_rng(7), 1 / np.arange(1, len(words) + 1)
    for name, size in (("train", train), ("valid", test), ("test", test)):
        ids = rng.choice(len(words), size, p=shares / shares.sum())
        if name == "train":
            ids[: len(words)] = rng.permutation(len(words))  # every word at least once
        lines = (f" {' '.join(words[ids[k : k + 21]])} \n" for k in range(0, size, 21))
        (folder / "dataset" / f"ptb.{name}.txt").write_text("".join(lines), encoding="ascii")


@dataclass(frozen=True)
class Done:
    """What became of a script."""

    status: int
    seconds: float
    stdout: str
    stderr: str


def run(
    book: Path,
    script: str,
    way: str,
    *options: str,
    epochs: int = 1,
    blas: int | None = None,
    edits: str = "",
    path: Path | None = None,
) -> Done:
    """Run a script, with fewer epochs, in the folder of its chapter.

    Parameters
    ----------
    way : {"plain", "fasts2s"}
    options : str
        Of ``python -m fasts2s``.
    blas : int or None
        Threads of the BLAS; None: its own choice.
    edits : str
        See shortened.py.
    path : Path or None
        A folder in which modules are looked for as well.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FASTS2S_BOOK", "FASTS2S_TEST"))}
    environment |= {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1", "FASTS2S_TEST_EDITS": edits}
    environment |= {"PYTHONPATH": str(path)} if path is not None else {}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment.pop(name, None)
        if blas is not None:
            environment[name] = str(blas)
    chapter, _, name = script.partition("/")
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(RUNNER), way, str(epochs), *options, name],
        cwd=book / chapter, env=environment, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return Done(done.returncode, time.perf_counter() - started, done.stdout, done.stderr)


#: Relative difference of two printed numbers that are called the same: the last of the digits that the scripts print.
SAME = 1e-4
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


def agreement(one: str, other: str) -> str:
    """Return how much of two outputs is the same, elapsed seconds apart.

    Training is chaotic: once rounding has grown to a printed digit, the lines after it differ more and more. A
    mistake shows from the first line on.
    """
    pairs = list(zip(*(re.sub(r"\d+\[s\]", "[s]", text).splitlines() for text in (one, other)), strict=False))
    lines = max(len(text.splitlines()) for text in (one, other))
    same = next((k for k, pair in enumerate(pairs) if not _same(*pair)), len(pairs))
    return "same output" if same == lines else f"same for {same} of {lines} lines"


def _same(one: str, other: str) -> bool:
    if _NUMBER.sub("", one) != _NUMBER.sub("", other):
        return False
    numbers = zip(*([float(x) for x in _NUMBER.findall(line)] for line in (one, other)), strict=True)
    return all(a == b or abs(a - b) <= SAME * abs(b) for a, b in numbers)
