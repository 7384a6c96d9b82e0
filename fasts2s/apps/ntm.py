"""``fasts2s app ntm``: a machine with a memory learns to copy, and copies what is longer than all it learned from."""

import argparse
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.apps.arguments import add_common, quick_enough
from fasts2s.apps.bits_lstm import BitsLstm
from fasts2s.apps.worlds.copying import BITS, INPUTS, copy_batch
from fasts2s.commands.figures import write_figure
from fasts2s.commands.output import Beside
from fasts2s.commands.progress import progress_bar
from fasts2s.commands.training_run import TrainingRun
from fasts2s.models import NeuralTuringMachine
from fasts2s.optimizers import Adam
from fasts2s.trainer import Trainer
from fasts2s_kernels.arrays import Array

MEMORY = "memory.png"
#: Lengths to learn from, and those that are measured at the end.
LONGEST = 10
MEASURED = (1, 5, 10, 15, 20, 30)
#: The best epoch is the one with the least loss at lengths after LONGEST up to this one.
_CHOSEN_BY = 15
#: Steps of an epoch, epochs.
_STEPS, _EPOCHS = 250, 16
#: Sequences of each length that are copied: after an epoch, at the end.
_AFTER, _AT_THE_END = 40, 400


@dataclass(frozen=True)
class NtmOptions:
    """The options of a training; sizes in units and rows, ``max_grad`` an L2 norm."""

    out: str
    overwrite: bool
    seed: int
    epochs: int
    quick: bool
    hidden: int = 100
    rows: int = 40
    width: int = 20
    batch_size: int = 16
    lr: float = 0.003
    max_grad: float = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_common(parser, "ntm")


def run(a: argparse.Namespace) -> int:
    """Train; return the exit status."""
    np.random.seed(a.seed)
    with closing(NtmRun(NtmOptions(a.out, a.overwrite, a.seed, a.epochs or _EPOCHS, a.quick))) as training:
        print(
            f"copying of 1 to {LONGEST} vectors of {BITS} bits; a memory of {training.options.rows} x "
            f"{training.options.width}, {training.model.parameter_count():,} parameters"
        )
        return training.conclude(partial(_summarise, training))


class NtmRun(TrainingRun):
    """The training of the machine. An epoch is a number of steps: sequences are drawn anew for each."""

    measure_name = "nats"
    larger_is_better = False

    def __init__(self, options: NtmOptions) -> None:
        o = options
        model = NeuralTuringMachine(INPUTS, BITS, o.hidden, o.rows, o.width)
        self.teacher = Teacher(model, o)
        super().__init__(o, "ntm", model, self.teacher.trainer, {"application": "ntm"})

    def iterations(self) -> int:
        """Return the number of steps of an epoch."""
        return _STEPS

    def fit(self) -> None:
        """Train one epoch."""
        self.teacher.epoch(self.skipped)

    def generators(self) -> dict[str, Any]:
        """Return that of the sequences."""
        return {"sequences": self.teacher.rng}

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        """Return the loss at lengths half as long again, and the share of wrong bits at those learned, in percent.

        The loss decides which epoch is the best: that of lengths never seen tells one that counts from one that does
        not. Twice the longest, the score, is looked at only at the end.
        """
        rng = np.random.default_rng([self.options.seed, 1])
        nats = [self.model.forward(*copy_batch(rng, _AFTER, length)) for length in range(LONGEST + 1, _CHOSEN_BY + 1)]
        wrong = [error_at(self.model, length, _AFTER, rng) for length in range(1, LONGEST + 1)]
        return {"nats": float(np.mean(nats)), "error": float(np.mean(wrong))}

    def enough(self) -> str:
        """Return why a quick training ends, if it does."""
        return quick_enough(self.options.quick, self._started)

    def show(self, row: dict[str, Any]) -> None:
        """Print the line of an epoch."""
        print(
            f"step {row['epoch'] * _STEPS:>5}/{self.options.epochs * _STEPS}  loss {row['loss']:.4f}  "
            f"wrong bits at 1 to {LONGEST}: {row['error']:.3f} %  ({row['seconds']:.1f} s)"
            + ("" if row["finished"] else "  interrupted")
        )

    def extra(self) -> dict[str, Any]:
        """Return what the model file needs beside the model."""
        return {"task": "copy"}

    def titles(self) -> tuple[str, str]:
        """Return the title of the curve and of its right half."""
        return "Neural Turing Machine, copying", f"nats per bit, lengths {LONGEST + 1} to {_CHOSEN_BY}"


class Teacher:
    """Trains the machine, or what it is compared with: sequences are the same for the same seed."""

    def __init__(self, model: Any, options: NtmOptions) -> None:
        self.options, self.optimizer = options, Adam(options.lr)
        self.trainer = Trainer(model, self.optimizer)
        self.rng = np.random.default_rng([options.seed, 0])

    def epoch(self, skipped: int = 0) -> None:
        """Train the steps of an epoch but the first ones; over the second half of all the learning rate falls."""
        o = self.options
        for _ in range(skipped, _STEPS):
            left = 1 - self.trainer.updates / (o.epochs * _STEPS)
            self.optimizer.lr = o.lr * min(1.0, 2 * left + 0.01)
            self.trainer.train_step(
                *copy_batch(self.rng, o.batch_size, int(self.rng.integers(1, LONGEST + 1))), o.max_grad
            )


def error_at(model: Any, length: int, count: int, rng: np.random.Generator) -> float:
    """Return the share of wrong bits in copies of a length, in percent."""
    xs, bits = copy_batch(rng, count, length)
    said = model.scores(xs)[:, -length:] > 0
    return 100 * float(np.mean(said != (bits > 0)))


def _summarise(training: NtmRun, finished: bool) -> None:
    training.use_best()
    lstm = _lstm(training)
    print("\nwrong bits, %" + "".join(f"{f'length {length}':>12}" for length in MEASURED))
    errors = {}
    for name, model in (("NTM", training.model), ("LSTM", lstm)):
        rng = np.random.default_rng([training.options.seed, 2])
        errors[name] = {length: error_at(model, length, _AT_THE_END, rng) for length in MEASURED}
        print(f"{name:<13}" + "".join(f"{error:>12.3f}" for error in errors[name].values()))
    learned = float(np.mean([error_at(training.model, n, _AT_THE_END, rng) for n in range(1, LONGEST + 1)]))
    twice, other = errors["NTM"][2 * LONGEST], errors["LSTM"][2 * LONGEST]
    print(
        f"score: wrong bits {learned:.3f} % at lengths 1 to {LONGEST}; {twice:.3f} % at twice the longest, where an "
        f"LSTM of as many parameters, trained in as many steps, has {other:.2f} %"
    )
    training.history["test"] = {"error": learned, "by length": errors}
    at = f"at length {2 * LONGEST}"
    training.history["report"] = {"right bits": 100 - learned, at: 100 - twice, f"LSTM {at}": 100 - other}
    training.save_costs()
    with Beside("drawing the memory"):
        draw_memory(training.folder / MEMORY, training.model, 2 * LONGEST, training.options.seed)
        print(f"memory:  {training.folder / MEMORY}")
    training.show_files("app", "ntm", "--seed", str(training.options.seed + 1), "--out", f"{training.folder}-2")


def _lstm(training: NtmRun) -> BitsLstm:
    """Return an LSTM that was trained as long as the machine."""
    np.random.seed(training.options.seed)
    model = BitsLstm.as_large_as(training.model.parameter_count(), INPUTS, BITS, training.model.backend)
    teacher, epochs = Teacher(model, training.options), len(training.epochs)
    with progress_bar(epochs * _STEPS, "LSTM") as advance:
        teacher.trainer.on_step = lambda _: advance()
        for _ in range(epochs):
            teacher.epoch()
    return model


def draw_memory(path: Path, model: NeuralTuringMachine, length: int, seed: int) -> None:
    """Draw a copy of a length: what is seen and said, and where in the memory is written and read."""
    xs, _ = copy_batch(np.random.default_rng([seed, 3]), 1, length)
    said = 1 / (1 + np.exp(-model.scores(xs)[0]))
    seen = model.watch(xs)
    rows: list[tuple[str, Array]] = [
        ("seen", xs[0].T),
        ("said", said.T),
        ("written to", seen.writes.T),
        ("read from", seen.reads.T),
    ]

    def fill(figure: Any) -> None:
        sides = [len(values) for _, values in rows]
        axes = figure.subplots(len(rows), 1, sharex=True, height_ratios=[max(n, 14) for n in sides])
        for one, (name, values) in zip(axes, rows, strict=True):
            one.imshow(values, aspect="auto", cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
            one.set_ylabel(name)
        axes[-1].set_xlabel("step")
        figure.suptitle(f"copying {length} vectors, learned from 1 to {LONGEST}")

    write_figure(path, (9, 10), fill)
