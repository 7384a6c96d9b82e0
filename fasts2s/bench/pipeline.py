"""The way of data into a model, as cases: exercises, texts, padding, checkpoints. Plain loops are the truth."""

import datetime
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
from fasts2s.bench.peer import Arrays, Option, Peer, Runnable, UnsupportedError, numbered, weights_of
from fasts2s.corpus import load_text
from fasts2s.models import load_model, save_model
from fasts2s.sequence import addition_lines, date_lines, load_data, pad_batch

#: Rows N, words T, vocabulary V.
CASES = (
    Case("read 50000 additions", "data", "load", {"N": 50000}),
    Case("make 50000 additions", "data", "additions", {"N": 50000}),
    Case("make 50000 dates", "data", "dates", {"N": 50000}),
    Case("read a text of 200000 words", "data", "read", {"T": 200000, "V": 10000}),
    Case("pad 10000 sentences", "data", "pad", {"N": 10000, "T": 40, "V": 10000}),
    Case("save and load Rnnlm H=100", "data", "save", {"V": 10000, "D": 100, "H": 100}),
)
PAD = -1
_SPLIT_SEED = 1984


def make(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    """Return the data of a case, and what has to come out."""
    return _MAKERS[case.kind](case, rng)


def build(case: Case, data: Arrays, load: Callable[[str], Any] = load_data) -> Runnable:
    """Make a case ready; ``load`` reads a file of exercises, as the book's ``load_data``."""
    folder = Path(tempfile.mkdtemp(prefix="fasts2s-bench-data-"))
    once, named = _timed(case, data, folder, load)
    made = Runnable(once, lambda: named(once()))
    weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    return made


def book_loader(load: Callable[[str], Any], place: str) -> Callable[[str], Any]:
    """Return the book's ``load_data``, which looks in its own folder, for paths anywhere."""
    return lambda path: load(os.path.relpath(path, Path(place).parent))


class Pipeline(Peer):
    """This package as a contestant; no backend takes part."""

    def versions(self) -> dict[str, str]:
        """Return the version of this package."""
        return {"fasts2s": __version__}

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if case.group != "data":
            raise UnsupportedError("a backend computes it")
        return build(case, data)


# ---- data and truth ---------------------------------------------------------------------------------------


def _bytes(lines: list[str]) -> Any:
    return np.frombuffer(("\n".join(lines) + "\n").encode(), np.uint8)


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
    return {"text": _bytes(lines)}, numbered("ids", parts)


def _generated(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    return {}, {"ids_right": np.ones((case["N"], 1), dtype=np.int64)}


def _text(case: Case, rng: Any) -> tuple[Arrays, Arrays]:
    drawn = rng.integers(0, case["V"], case["T"])
    length = min(20, case["T"] // 10)  # ten lines at least: fewer are split between words
    lines = [" ".join(f"w{n}" for n in drawn[k : k + length]) for k in range(0, case["T"], length)]
    kept = lines[: len(lines) - 2 * max(1, len(lines) // 10)]
    ids: dict[str, int] = {}
    tokens = [ids.setdefault(word, len(ids)) for line in kept for word in [*line.split(), "<eos>"]]
    return {"text": _bytes(lines)}, {"ids_train": np.array(tokens)[:, None]}


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
    return numbered("weight", drawn), numbered("out", drawn)


_MAKERS: dict[str, Callable[[Case, Any], tuple[Arrays, Arrays]]] = {
    "load": _exercises,
    "additions": _generated,
    "dates": _generated,
    "read": _text,
    "pad": _rows,
    "save": _weights,
}

# ---- what is timed, and what comes out --------------------------------------------------------------------


def _timed(
    case: Case, data: Arrays, folder: Path, load: Callable[[str], Any]
) -> tuple[Callable[[], Any], Callable[[Any], Arrays]]:
    """Return what is timed of a case, and what gives names to what it returns."""
    text = folder / "text.txt"
    if case.kind == "additions":
        return lambda: addition_lines(case["N"]), _right_sums
    if case.kind == "dates":
        return lambda: date_lines(case["N"]), _right_dates
    if case.kind == "pad":
        return _padding(data), lambda found: {"ids": found}
    if case.kind == "save":
        return _saving(case, data, folder), lambda model: numbered("out", model.params)
    text.write_bytes(data["text"].tobytes())
    if case.kind == "load":
        return lambda: load(str(text)), _parts
    return lambda: load_text(text), lambda found: {"ids_train": np.array(found.train)[:, None]}


def _padding(data: Arrays) -> Callable[[], Any]:
    rows = np.split(data["flat"], np.cumsum(data["lengths"])[:-1])
    return lambda: pad_batch(rows, PAD)


def _saving(case: Case, data: Arrays, folder: Path) -> Callable[[], Any]:
    model, path = models.Rnnlm(case["V"], case["D"], case["H"], backend="numpy"), folder / "model.npz"
    for param, weight in zip(model.params, weights_of(data), strict=True):
        param[...] = weight

    def again() -> Any:
        save_model(path, model, {})
        return load_model(path, backend="numpy")[0]

    return again


def _parts(found: Any) -> Arrays:
    (x_train, t_train), (x_test, t_test) = found
    return numbered("ids", (x_train, t_train, x_test, t_test))


def _right_sums(lines: list[str]) -> Arrays:
    pairs = [line.split("_") for line in set(lines)]
    return {"ids_right": np.array([[sum(map(int, q.split("+"))) == int(a)] for q, a in pairs], np.int64)}


def _right_dates(lines: list[str]) -> Arrays:
    """Return for every date 1 if it is right; where the month is not named in full, nobody can tell."""
    told = [(_iso(line[:29].strip().title()), line[30:]) for line in set(lines)]
    assert sum(bool(day) for day, _ in told) > len(lines) // 10
    return {"ids_right": np.array([[day in {"", iso}] for day, iso in told], np.int64)}


def _iso(text: str) -> str:
    """Return the ISO form of "27 September 1994", "" for other forms."""
    try:
        return datetime.datetime.strptime(text, "%d %B %Y").date().isoformat()
    except ValueError:
        return ""
