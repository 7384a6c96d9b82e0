"""The way of data into a model, as cases: exercises, texts, padding, checkpoints. Plain loops are the truth."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s import __version__, models
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, Option, Runnable, UnsupportedError, nothing
from fasts2s.corpus import load_text
from fasts2s.models import load_model, save_model
from fasts2s.sequence import addition_lines, load_data, pad_batch

#: Rows N, words T, vocabulary V.
CASES = (
    Case("read 50000 additions", "data", "load", {"N": 50000}),
    Case("make 50000 additions", "data", "make", {"N": 50000}),
    Case("read a text of 200000 words", "data", "read", {"T": 200000, "V": 10000}),
    Case("pad 10000 sentences", "data", "pad", {"N": 10000, "T": 40, "V": 10000}),
    Case("save and load Rnnlm H=100", "data", "save", {"V": 10000, "D": 100, "H": 100}),
)
PAD = -1
_SPLIT_SEED = 1984


def tiny(case: Case) -> Case:
    """Return a small case of the same kind."""
    most = {"N": 50, "T": 60, "V": 30, "D": 5, "H": 7}
    return Case(case.name, case.group, case.kind, {k: min(v, most[k]) for k, v in case.sizes.items()})


def make(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    """Return the data of a case, and what has to come out."""
    return {"load": _exercises, "make": _additions, "read": _text, "pad": _rows, "save": _weights}[case.kind](
        case, rng
    )


def build(case: Case, data: Arrays, load: Callable[[str], Any] = load_data) -> Runnable:
    """Make a case ready; ``load`` reads a file of exercises, as the book's ``load_data``."""
    folder = Path(tempfile.mkdtemp(prefix="fasts2s-bench-data-"))
    maker = {"load": _read, "make": _made, "read": _words, "pad": _padded, "save": _saved}[case.kind]
    made: Runnable = maker(case, data, folder, load)
    weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    return made


class Pipeline:
    """This package as a contestant; no backend takes part."""

    def versions(self) -> dict[str, str]:
        """Return the version of this package."""
        return {"fasts2s": __version__}

    def options(self, case: Case) -> list[Option]:
        """Return the one way in which it runs."""
        return [{}]

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if case.group != "data":
            raise UnsupportedError("a backend computes it")
        return build(case, data)


def _bytes(text: str) -> Any:
    return np.frombuffer(text.encode(), np.uint8)


def _write(folder: Path, data: Arrays) -> Path:
    path = folder / "text.txt"
    path.write_bytes(data["text"].tobytes())
    return path


# ---- data and truth ---------------------------------------------------------------------------------------


def _exercises(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    lines = addition_lines(case["N"])
    ids: dict[str, int] = {}
    for line in lines:
        question, _, answer = line.partition("_")
        for c in question + "_" + answer:  # the book: numbers in the order of the file
            ids.setdefault(c, len(ids))
    rows = np.array([[ids[c] for c in line] for line in lines])
    width = lines[0].index("_")
    order = np.arange(len(rows))
    np.random.RandomState(_SPLIT_SEED).shuffle(order)
    rows, held_out = rows[order], len(rows) - len(rows) // 10
    parts = rows[:held_out, :width], rows[:held_out, width:], rows[held_out:, :width], rows[held_out:, width:]
    text = {"text": _bytes("\n".join(lines) + "\n")}
    return text, {f"ids_{k}": part for k, part in enumerate(parts)}


def _additions(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    right = np.ones((case["N"], 1), dtype=np.int64)
    return {"N": np.array(case["N"])}, {"ids_right": right}


def _text(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    drawn = rng.integers(0, case["V"], case["T"])
    length = min(20, case["T"] // 10)  # ten lines at least: fewer are split between words
    lines = [" ".join(f"w{n}" for n in drawn[k : k + length]) for k in range(0, case["T"], length)]
    kept = lines[: len(lines) - 2 * max(1, len(lines) // 10)]
    ids: dict[str, int] = {}
    tokens = []
    for line in kept:
        for word in [*line.split(), "<eos>"]:
            tokens.append(ids.setdefault(word, len(ids)))
    return {"text": _bytes("\n".join(lines) + "\n")}, {"ids_train": np.array(tokens)[:, None]}


def _rows(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    lengths = rng.integers(1, case["T"] + 1, case["N"])
    flat = rng.integers(0, case["V"], lengths.sum())
    padded, start = np.full((case["N"], lengths.max()), PAD), 0
    for row, length in zip(padded, lengths, strict=True):
        row[:length] = flat[start : start + length]
        start += length
    return {"lengths": lengths, "flat": flat}, {"ids": padded}


def _weights(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    shapes = [p.shape for p in models.Rnnlm(case["V"], case["D"], case["H"], backend="numpy").params]
    drawn = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    return {f"weight_{k:02d}": w for k, w in enumerate(drawn)}, {f"out_{k:02d}": w for k, w in enumerate(drawn)}


# ---- what is timed ----------------------------------------------------------------------------------------


def _read(case: Case, data: Arrays, folder: Path, load: Callable[[str], Any]) -> Runnable:
    path = _write(folder, data)

    def results() -> Arrays:
        (x_train, t_train), (x_test, t_test) = load(str(path))
        return {f"ids_{k}": a for k, a in enumerate((x_train, t_train, x_test, t_test))}

    return Runnable(lambda: _forget(load(str(path))), results, nothing)


def _made(case: Case, data: Arrays, folder: Path, load: Any) -> Runnable:
    count = int(data["N"])

    def results() -> Arrays:
        lines = set(addition_lines(count))
        right = [sum(map(int, line.partition("_")[0].split("+"))) == int(line.partition("_")[2]) for line in lines]
        return {"ids_right": np.array(right, dtype=np.int64)[:, None]}

    return Runnable(lambda: _forget(addition_lines(count)), results, nothing)


def _words(case: Case, data: Arrays, folder: Path, load: Any) -> Runnable:
    path = _write(folder, data)
    return Runnable(
        lambda: _forget(load_text(path)), lambda: {"ids_train": np.array(load_text(path).train)[:, None]}, nothing
    )


def _padded(case: Case, data: Arrays, folder: Path, load: Any) -> Runnable:
    rows = np.split(data["flat"], np.cumsum(data["lengths"])[:-1])
    return Runnable(lambda: _forget(pad_batch(rows, PAD)), lambda: {"ids": pad_batch(rows, PAD)}, nothing)


def _saved(case: Case, data: Arrays, folder: Path, load: Any) -> Runnable:
    model = models.Rnnlm(case["V"], case["D"], case["H"], backend="numpy")
    for param, name in zip(model.params, sorted(data), strict=True):
        param[...] = data[name]
    path = folder / "model.npz"

    def again() -> Any:
        save_model(path, model, {})
        return load_model(path, backend="numpy")[0]

    return Runnable(
        lambda: _forget(again()), lambda: {f"out_{k:02d}": p for k, p in enumerate(again().params)}, nothing
    )


def _forget(_: Any) -> None:
    return None


def book_loader(load: Callable[[str], Any], place: str) -> Callable[[str], Any]:
    """Return the book's ``load_data``, which looks in its own folder, for paths anywhere."""
    return lambda path: load(os.path.relpath(path, Path(place).parent))
