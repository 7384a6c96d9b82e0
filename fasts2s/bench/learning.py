"""How well and how fast the book's addition models learn: chapter 7, ``train_seq2seq.py``, all four ways.

Sizes and settings are the book's, and ``fasts2s train addition``'s: the run of a seed is number for number what
``fasts2s train addition --model seq2seq|peeky [--no-]reverse --seed S`` does. The same seed gives the same losses and
accuracies, bit for bit, on one machine with the same versions and backend: only the seconds have noise.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.bench.cases import ADDITION
from fasts2s.bench.noise import combined, quartiles, scatter
from fasts2s.bench.results import Curve, Row
from fasts2s.commands.train_sequence import DATA_SEED
from fasts2s.evaluation import exact_answers
from fasts2s.models import PeekySeq2seq, Seq2seq
from fasts2s.optimizers import Adam
from fasts2s.sequence import SequenceData, load_file
from fasts2s.trainer import Trainer

#: The book's sizes: word vector, hidden units, rows of a batch; and its threshold of clipping, an L2 norm.
WORDVEC, HIDDEN, BATCH, MAX_GRAD = ADDITION["D"], 128, ADDITION["N"], 5.0
#: Accuracy whose reaching is reported, and the epochs that are done after ``stop_at`` has been reached.
GOAL, FURTHER = 0.9, 2

_MODELS = {"Seq2seq": Seq2seq, "PeekySeq2seq": PeekySeq2seq}
Say = Callable[[str], None]


class Variant(NamedTuple):
    """A model, and whether it reads the question backwards."""

    model: str
    reverse: bool

    @property
    def label(self) -> str:
        """What cases and lines call it, such as ``PeekySeq2seq reversed``."""
        return f"{self.model} reversed" if self.reverse else self.model


VARIANTS = tuple(Variant(model, reverse) for model in _MODELS for reverse in (False, True))


def load() -> SequenceData:
    """Return the book's addition exercises, 45,000 to learn and 5,000 to answer, split as the book splits them."""
    return load_file("addition.txt", seed=DATA_SEED)


class _Training:
    """One training, epoch by epoch; draws from NumPy's global generator, which it seeds, as the command does."""

    def __init__(self, variant: Variant, data: SequenceData, seed: int) -> None:
        self.data = data
        np.random.seed(seed)
        if seed == DATA_SEED:
            # The book's seed shuffles the data, and the weights are drawn after that from the same generator.
            np.random.shuffle(np.arange(len(data.x_train) + len(data.x_test)))
        backend = get_backend()
        make = _MODELS[variant.model]
        self.model = make(data.vocab_size, WORDVEC, HIDDEN, reverse=variant.reverse, backend=backend)
        self.step_losses: list[float] = []
        self.trainer = Trainer(self.model, Adam(0.001, backend=backend), on_step=self.step_losses.append)
        self.accuracy: list[float] = []
        self.loss: list[float] = []
        self.seconds: list[float] = []

    def fit(self, rows: int | None = None) -> float:
        """Train an epoch, on all rows or the first few; return its seconds."""
        self.step_losses.clear()
        x, t = self.data.x_train[:rows], self.data.t_train[:rows]
        started = time.perf_counter()
        self.trainer.fit(x, t, 1, BATCH, MAX_GRAD, eval_interval=None)
        return time.perf_counter() - started

    def epoch(self) -> str:
        """Train an epoch, answer all test questions, write both down; return a line about it."""
        spent = self.fit()
        right = exact_answers(self.model, self.data.x_test, self.data.t_test)
        self.loss.append(float(np.mean(self.step_losses)))
        self.seconds.append(spent + (self.seconds[-1] if self.seconds else 0.0))
        self.accuracy.append(float(right.mean()))
        return f"loss {self.loss[-1]:.4f}, accuracy {100 * self.accuracy[-1]:.2f} %, {spent:.2f} s"

    def enough(self, stop_at: float | None) -> bool:
        """Return whether the accuracy ``stop_at`` was reached long enough ago."""
        reached = None if stop_at is None else epochs_to(self.accuracy, stop_at)
        return reached is not None and len(self.accuracy) >= reached + FURTHER


def curve(
    variant: Variant,
    seed: int,
    epochs: int,
    *,
    stop_at: float | None = None,
    data: SequenceData | None = None,
    contestant: str | None = None,
    after_epoch: Say | None = None,
) -> Curve:
    """Train one model with the backend in force.

    seed, of weights and shuffling, goes to NumPy's global generator; 1984 is the book's. stop_at, an accuracy from 0
    to 1, ends it before all epochs, 2 after that was first reached. data are other exercises than the built-in ones,
    at least 128 to learn and 1 to answer. contestant is the curve's name instead of the backend's. after_epoch is
    called with a line of text after every epoch.

    Raises ValueError for too few epochs or exercises, FloatingPointError if the loss becomes infinite or NaN.
    """
    data = load() if data is None else data
    if epochs < 1 or len(data.x_test) == 0:
        raise ValueError(
            f"epochs is {epochs} and {len(data.x_test)} exercises are to be answered, expected 1 or more"
        )
    _Training(variant, data, seed).fit(BATCH)  # thrown away: it compiles the kernels
    training = _Training(variant, data, seed)
    for number in range(1, epochs + 1):
        line = training.epoch()
        if after_epoch is not None:
            after_epoch(f"{variant.label}, seed {seed}: epoch {number}/{epochs}, {line}")
        if training.enough(stop_at):
            break
    series = (tuple(numbers) for numbers in (training.accuracy, training.loss, training.seconds))
    return Curve(variant.model, variant.reverse, seed, contestant or get_backend().name, *series)


def curves(
    seeds: Iterable[int],
    epochs: int,
    *,
    variants: Sequence[Variant] = VARIANTS,
    stop_at: float | None = None,
    data: SequenceData | None = None,
    contestant: str | None = None,
    after_epoch: Say | None = None,
) -> list[Curve]:
    """Return :func:`curve` of every variant for the first seed, then for the next: all meet the same weather."""
    data = load() if data is None else data
    return [
        curve(variant, seed, epochs, stop_at=stop_at, data=data, contestant=contestant, after_epoch=after_epoch)
        for seed in seeds
        for variant in variants
    ]


def epochs_to(accuracy: Sequence[float], goal: float) -> int | None:
    """Return how many epochs it took to reach an accuracy (0 to 1) for the first time, or None."""
    return next((k for k, reached in enumerate(accuracy, start=1) if reached >= goal), None)


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
    label = Variant(group[0].model, group[0].reverse).label
    epochs = min(len(one.accuracy) for one in group)
    at_the_end = tuple(one.accuracy[epochs - 1] for one in group)
    spent = tuple(float(s) for one in group for s in np.diff(one.seconds, prepend=0.0))
    plural = "s" if epochs > 1 else ""
    accuracy = f"{label}: accuracy after {epochs} epoch{plural}"
    return [
        _row(accuracy, group, "share", at_the_end, 0.0),
        _row(f"{label}: one epoch", group, "s", spent, combined(scatter(spent), disturbed)),
    ]


def _row(case: str, group: list[Curve], unit: str, rounds: tuple[float, ...], noise: float) -> Row:
    low, median, high = quartiles(rounds)
    who, info = group[0].contestant, _info(group)
    return Row("learning", case, who, unit, median, low, high, noise, rounds, info=info)


def _info(group: list[Curve]) -> dict[str, Any]:
    """Return what belongs to the rows: one entry for every seed; None where the goal was not reached."""
    reached = [epochs_to(one.accuracy, GOAL) for one in group]
    return {
        "sizes": {"D": WORDVEC, "H": HIDDEN, "N": BATCH},
        "seeds": [one.seed for one in group],
        "epochs": [len(one.accuracy) for one in group],
        "epochs_to_90": reached,
        "seconds_to_90": [k and one.seconds[k - 1] for k, one in zip(reached, group, strict=True)],
    }
