"""The way of data into a model, as cases: exercises, texts, padding, checkpoints. Plain loops are the truth."""

import datetime
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s import __version__, models
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, Option, Peer, Runnable, UnsupportedError, numbered
from fasts2s.corpus import load_text
from fasts2s.models import load_model, save_model
from fasts2s.sequence import addition_lines, date_lines, load_data, pad_batch
from fasts2s.text import EOS, MARKS

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


def build(case: Case, load: Callable[[str], Any] = load_data) -> Runnable:
    """Make a case ready; ``load`` reads a file of exercises, as the book's ``load_data``."""
    folder = Path(tempfile.mkdtemp(prefix="fasts2s-bench-data-"))
    once, named, _ = _prepared(case, folder, load)
    made = Runnable(once, lambda: named(once()))
    weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    return made


def reference(case: Case) -> Arrays:
    """Return what has to come out."""
    with tempfile.TemporaryDirectory(prefix="fasts2s-bench-data-") as folder:
        return _prepared(case, Path(folder), load_data)[2]


class Pipeline(Peer):
    """This package as a contestant; no backend takes part."""

    def versions(self) -> dict[str, str]:
        """Return the version of this package."""
        return {"fasts2s": __version__}

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if case.group != "data":
            raise UnsupportedError("a backend computes it")
        return build(case)


# ---- what is timed, what gives names to what it returns, and what has to come out -------------------------

Prepared = tuple[Callable[[], Any], Callable[[Any], Arrays], Arrays]


def _prepared(case: Case, folder: Path, load: Callable[[str], Any]) -> Prepared:
    np.random.seed(1)  # everybody draws the same
    kinds: dict[str, Callable[..., Prepared]]
    kinds = {"load": partial(_loading, load), "additions": _adding, "dates": _dating}
    kinds |= {"read": _reading, "pad": _padding, "save": _saving}
    return kinds[case.kind](case, np.random.default_rng(2), folder / "data")


def _loading(load: Callable[[str], Any], case: Case, rng: Any, path: Path) -> Prepared:
    lines = addition_lines(case["N"])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ids: dict[str, int] = {}
    for c in "".join(lines):  # the book: numbers in the order of the file
        ids.setdefault(c, len(ids))
    rows, width = np.array([[ids[c] for c in line] for line in lines]), lines[0].index("_")
    order = np.arange(len(rows))
    np.random.RandomState(_SPLIT_SEED).shuffle(order)
    train, test = np.split(rows[order], [len(rows) - len(rows) // 10])
    parts = [part for some in (train, test) for part in (some[:, :width], some[:, width:])]
    return partial(load, str(path)), lambda found: numbered("ids", [*found[0], *found[1]]), numbered("ids", parts)


def _adding(case: Case, rng: Any, path: Path) -> Prepared:
    return partial(addition_lines, case["N"]), _right_sums, {"ids_right": np.ones((case["N"], 1), np.int64)}


def _dating(case: Case, rng: Any, path: Path) -> Prepared:
    return partial(date_lines, case["N"]), _right_dates, {"ids_right": np.ones((case["N"], 1), np.int64)}


def _reading(case: Case, rng: Any, path: Path) -> Prepared:
    drawn = rng.integers(0, case["V"], case["T"])
    length = min(20, case["T"] // 10)  # ten lines at least: fewer are split between words
    lines = [" ".join(f"w{n}" for n in drawn[k : k + length]) for k in range(0, case["T"], length)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    kept = lines[: len(lines) - 2 * max(1, len(lines) // 10)]
    words = [line.split() for line in kept]
    counts = Counter(word for line in words for word in line)
    order = [*MARKS, *sorted(counts, key=lambda word: (-counts[word], word))]
    ids = {word: i for i, word in enumerate(order)}
    tokens = [ids[word] for line in words for word in [*line, MARKS[EOS]]]

    def named(found: Any) -> Arrays:
        return {"ids_train": np.array(found.train)[:, None]}

    return partial(load_text, path), named, {"ids_train": np.array(tokens)[:, None]}


def _padding(case: Case, rng: Any, path: Path) -> Prepared:
    rows = [rng.integers(0, case["V"], length) for length in rng.integers(1, case["T"] + 1, case["N"])]
    padded = np.full((case["N"], max(map(len, rows))), PAD)
    for line, row in zip(padded, rows, strict=True):
        line[: len(row)] = row
    return partial(pad_batch, rows, PAD), lambda found: {"ids": found}, {"ids": padded}


def _saving(case: Case, rng: Any, path: Path) -> Prepared:
    model = models.Rnnlm(case["V"], case["D"], case["H"], backend="numpy")

    def again() -> Any:
        save_model(path.with_suffix(".npz"), model, {})
        return load_model(path.with_suffix(".npz"), backend="numpy")[0]

    return again, lambda made: numbered("out", made.params), numbered("out", model.params)


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
