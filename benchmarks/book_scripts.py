"""Scripts of a checkout of the book with fewer epochs, by plain python or by the drop-in; the files stay as they are.

    python benchmarks/book_scripts.py plain 1 train_seq2seq.py
    python benchmarks/book_scripts.py fasts2s 1 --profile train_seq2seq.py

When the script is compiled, the number in its line ``max_epoch = ...`` is exchanged. With
FASTS2S_TEST_EDITS=reverse,peeky its two switches are set, too, as the book tells its readers to do by hand; the other
edits are in ``_EDITS``. NumPy's
generator is seeded, so that two runs of a script that does not do so can be compared.
"""

import builtins
import linecache
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

#: Every script of the book, and the folders that they need. ``ch04/eval.py`` reads what the next one writes over.
SCRIPTS = (
    *("ch01/forward_net.py", "ch01/show_spiral_dataset.py", "ch01/train.py", "ch01/train_custom_loop.py"),
    *("ch02/similarity.py", "ch02/most_similar.py", "ch02/ppmi.py", "ch02/count_method_small.py", "ch02/show_ptb.py"),
    *("ch02/count_method_big.py", "ch03/cbow_predict.py", "ch03/train.py", "ch04/eval.py", "ch04/train.py"),
    *("ch05/train.py", "ch05/train_custom_loop.py", "ch06/clip_grads.py", "ch06/rnn_gradient_graph.py"),
    *("ch06/train_rnnlm.py", "ch06/train_better_rnnlm.py", "ch06/eval.py", "ch07/show_addition_dataset.py"),
    *("ch07/generate_text.py", "ch07/generate_better_text.py", "ch07/train_seq2seq.py", "ch08/train.py"),
    "ch08/visualize_attention.py",
)
_FOLDERS = ("common", "dataset", "ch01", "ch02", "ch03", "ch04", "ch05", "ch06", "ch07", "ch08")
#: Words that the scripts ask for by name.
_NAMED = (
    *("<unk>", "N", "$", "you", "the", "meaning", "of", "life", "is"),
    *("year", "car", "toyota", "happy", "lexus"),
)
#: Edit -> pattern of a line, and what takes its place.
_EDITS = {
    "reverse": (r"^is_reverse = False", "is_reverse = True"),
    "skip-gram": (r"^model = CBOW\(", "model = SkipGram("),
    "50 steps": (r"^(contexts, target = create.*)", r"\1; contexts, target = contexts[:5000], target[:5000]"),
    "500 steps": (r"^(contexts, target = create.*)", r"\1; contexts, target = contexts[:50000], target[:50000]"),
    "peeky": (r"^model = (Attention)?Seq2seq\(", "model = PeekySeq2seq("),
}
#: Relative difference of two printed numbers that are called the same: the last of the digits that the scripts print.
SAME = 1e-4
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
_compile = builtins.compile


def copy_checkout(checkout: Path, folder: Path, train: int, test: int, vocabulary: int = 10_000) -> Path:
    """Copy a checkout into a new folder; return that.

    In the place of the Penn Treebank is a made-up text of so many words in its format, ``vocabulary`` different ones,
    whose frequencies follow Zipf's law.
    """
    left_out = shutil.ignore_patterns("__pycache__", "ptb.t*", "ptb.v*")
    for name in _FOLDERS:
        shutil.copytree(checkout / name, folder / name, ignore=left_out)
    made_up_ptb(folder / "dataset", train, test, vocabulary)
    return folder


def made_up_ptb(folder: Path, train: int, test: int, vocabulary: int = 10_000) -> None:
    """Write a text of so many words in the format of the Penn Treebank, see :func:`copy_checkout`."""
    words = np.array([*_NAMED, *(f"w{k}" for k in range(vocabulary - 1 - len(_NAMED)))])  # and <eos>
    rng, shares = np.random.default_rng(7), 1 / np.arange(1, len(words) + 1)
    for name, size in (("train", train), ("valid", test), ("test", test)):
        ids = rng.choice(len(words), size, p=shares / shares.sum())
        if name == "train":
            ids[: len(words)] = rng.permutation(len(words))  # every word at least once
        lines = (f" {' '.join(words[ids[k : k + 21]])} \n" for k in range(0, size, 21))
        (folder / f"ptb.{name}.txt").write_text("".join(lines), encoding="ascii")


class Done(NamedTuple):
    """What became of a script."""

    status: int
    seconds: float
    stdout: str
    stderr: str


def run(
    book: Path, script: str, way: str, *options: str, epochs: int = 1, blas: int | None = None, **more: str
) -> Done:
    """Run a script, with fewer epochs, in the folder of its chapter.

    Parameters
    ----------
    way : {"plain", "fasts2s"}
    options : str
        Of ``python -m fasts2s``.
    blas : int or None
        Threads of the BLAS; None: its own choice.
    more : str
        Variables of the environment.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FASTS2S_BOOK", "FASTS2S_TEST"))}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment.pop(name, None)
        more |= {name: str(blas)} if blas is not None else {}
    environment |= {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1", **more}
    chapter, _, name = script.partition("/")
    command = [sys.executable, __file__, way, str(epochs), *options, name]
    started = time.perf_counter()
    how: Any = {"cwd": book / chapter, "env": environment, "capture_output": True, "encoding": "utf-8"}
    done = subprocess.run(command, check=False, **how)
    return Done(done.returncode, time.perf_counter() - started, done.stdout, done.stderr)


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


def shorten(script: str, epochs: int, edits: list[str]) -> None:
    """Let this one script be compiled from its edited text, and let that be the text that others find."""
    wanted = str(Path(script).resolve())
    exchanged = [(r"^max_epoch = \d+", f"max_epoch = {epochs}"), *(_EDITS[edit] for edit in edits)]

    def compile_edited(source: Any, filename: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fsdecode(filename)
        if isinstance(source, bytes | str) and str(Path(name).resolve()) == wanted:
            source = source if isinstance(source, str) else source.decode("utf-8")
            for pattern, line in exchanged:
                source = re.sub(pattern, line, source, flags=re.MULTILINE)
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        return _compile(source, filename, *args, **kwargs)

    builtins.compile = compile_edited


def main() -> int:
    """Run it; return the exit status."""
    way, epochs, rest = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    script = next(word for word in rest if word.endswith(".py"))
    edits = os.environ.pop("FASTS2S_TEST_EDITS", "")
    shorten(script, epochs, edits.split(",") if edits else [])
    np.random.seed(0)
    if way == "fasts2s":
        from fasts2s.dropin.run import launch  # noqa: PLC0415 - plain python must not load it

        return launch.main(rest)
    sys.argv = rest
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
