"""How well and how fast the book's addition models learn: ``fasts2s train addition``, all four ways.

Its settings are those of the book's chapter 7, ``train_seq2seq.py``. The same seed gives the same losses and
accuracies, bit for bit, on one machine with the same versions and backend: only the seconds have noise.
"""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.bench.cases import ADDITION
from fasts2s.bench.results import Curve, Row
from fasts2s.bench.rows import measured
from fasts2s.sequence import addition_lines

#: The book's sizes: word vector, hidden units, rows of a batch. Accuracy whose reaching is reported.
WORDVEC, HIDDEN, BATCH, GOAL = ADDITION["D"], 128, ADDITION["N"], 0.9
_MODELS = {"Seq2seq": "seq2seq", "PeekySeq2seq": "peeky"}


class Variant(NamedTuple):
    """A model, and whether it reads the question backwards."""

    model: str
    reverse: bool

    @property
    def label(self) -> str:
        """What cases and lines call it, such as ``PeekySeq2seq reversed``."""
        return f"{self.model} reversed" if self.reverse else self.model


VARIANTS = tuple(Variant(model, reverse) for model in _MODELS for reverse in (False, True))


def _train(variant: Variant, seed: int, epochs: int, data: Path | None, folder: Path) -> list[dict[str, Any]]:
    """Run the command; return what its history says of every epoch. RuntimeError if it fails."""
    given = {"--model": _MODELS[variant.model], "--seed": seed, "--epochs": epochs, "--out": folder}
    given |= {"--data": data} if data else {}
    words = [str(word) for pair in given.items() for word in pair]
    words.append("--reverse" if variant.reverse else "--no-reverse")
    if import_module("fasts2s.cli").main(["train", "addition", *words]):
        raise RuntimeError(f"fasts2s train addition {' '.join(words)} failed: its reason stands in the log")
    found: list[dict[str, Any]] = json.loads((folder / "history.json").read_text(encoding="utf-8"))["epochs"]
    return found


def curve(variant: Variant, seed: int, epochs: int, data: Path | None = None) -> Curve:
    """Train one model with the backend in force, on the book's exercises or those of a file; 1984 is the book's seed.

    Raises RuntimeError if the command fails: for too few exercises, or for a loss that is not finite.
    """
    with tempfile.TemporaryDirectory(prefix="fasts2s-bench-learning-") as name:
        folder = Path(name)
        few = folder / "few.txt"
        few.write_text("\n".join(addition_lines(3 * BATCH)) + "\n", encoding="utf-8")
        _train(variant, seed, 1, few, folder / "few")  # thrown away: it compiles the kernels
        rows = _train(variant, seed, epochs, data, folder / "run")
    accuracy, loss, seconds = ([row[key] for row in rows] for key in ("accuracy", "loss", "seconds"))
    shares, spent = tuple(round(percent / 100, 9) for percent in accuracy), tuple(np.cumsum(seconds))
    return Curve(*variant, seed, get_backend().name, shares, tuple(loss), spent)


def rows(found: Iterable[Curve], disturbed: float = 0.0) -> list[Row]:
    """Return two rows for every variant and contestant: accuracy, and the time of an epoch.

    ``disturbed``: what :func:`~fasts2s.bench.noise.disturbance` says of the trainings.

    The accuracy, a share, is that after as many epochs as all curves of the row have; its rounds are the values of
    the seeds, in the order of the curves. Its noise is 0: the same seeds give the same bits on one machine with the
    same versions, so that another number means that something has changed. The time, in seconds, is that of training
    alone; its rounds are all epochs of all seeds.
    """
    groups: dict[tuple[str, bool, str], list[Curve]] = {}
    for one in found:
        groups.setdefault((one.model, one.reverse, one.contestant), []).append(one)
    return [row for group in groups.values() for row in _rows(group, disturbed)]


def _rows(group: list[Curve], disturbed: float) -> list[Row]:
    who, label, info = group[0].contestant, Variant(group[0].model, group[0].reverse).label, _info(group)
    epochs = min(len(one.accuracy) for one in group)
    ended = [one.accuracy[epochs - 1] for one in group]
    spent = [float(s) for one in group for s in np.diff(one.seconds, prepend=0.0)]
    accuracy = f"{label}: accuracy after {epochs} epoch{'s' if epochs > 1 else ''}"
    exact = replace(measured(("learning", accuracy, who), "share", ended, None, 0.0, info), noise=0.0)
    return [exact, measured(("learning", f"{label}: one epoch", who), "s", spent, None, disturbed, info)]


def _info(group: list[Curve]) -> dict[str, Any]:
    """Return what belongs to the rows: one entry for every seed; None where the goal was not reached."""
    reached = [one.reaches(GOAL) for one in group]
    return {
        "sizes": {"D": WORDVEC, "H": HIDDEN, "N": BATCH},
        "seeds": [one.seed for one in group],
        "epochs": [len(one.accuracy) for one in group],
        "epochs_to_90": [at and at[0] for at in reached],
        "seconds_to_90": [at and at[1] for at in reached],
    }
