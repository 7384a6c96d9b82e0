"""What the training commands share: epochs with a progress bar, Ctrl-C, the best model, history and curve."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from fasts2s.commands import run_folder
from fasts2s.commands.curves import draw_curve
from fasts2s.commands.output import Beside, to_be_typed
from fasts2s.commands.progress import progress_bar
from fasts2s_kernels.interrupts import interrupts_held_back


class TrainingRun:
    """One training run. A subclass says how to train an epoch, what to measure and how to print it.

    Attributes
    ----------
    measure_name : str
        Key of the measure that the curve shows and that decides which epoch is the best.
    larger_is_better : bool
    """

    measure_name = ""
    larger_is_better = True

    def __init__(self, options: Any, name: str, model: Any, trainer: Any, facts: dict[str, Any]) -> None:
        self.options, self.model, self.trainer = options, model, trainer
        self.epochs: list[dict[str, Any]] = []
        self.history: dict[str, Any] = {
            "settings": asdict(options),
            "environment": run_folder.environment(model.backend.name),
            "parameters": model.parameter_count(),
            **facts,
            "epochs": self.epochs,
        }
        self._started = time.perf_counter()
        self._closing = False
        self._best_weights: list[Any] = []
        # What may fail in every epoch is said once.
        self._writing = Beside("writing history.json", OSError)
        self._drawing = Beside("drawing curve.png")
        self._printing = Beside("printing", (OSError, ValueError))
        self._place = run_folder.RunFolder(options.out, name, options.overwrite)
        self.folder = self._place.path

    def close(self) -> None:
        """Let others write to the folder."""
        self._place.close()

    def iterations(self) -> int:
        """Return the number of steps of an epoch."""
        raise NotImplementedError

    def fit(self) -> None:
        """Train one epoch."""
        raise NotImplementedError

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        """Return what is measured after an epoch."""
        raise NotImplementedError

    def show(self, row: dict[str, Any]) -> None:
        """Print the line of an epoch."""
        raise NotImplementedError

    def extra(self) -> dict[str, Any]:
        """Return what the model file needs beside the model."""
        raise NotImplementedError

    def write_beside(self) -> None:
        """Write what belongs to the model for all epochs, before the first of them is written."""

    def titles(self) -> tuple[str, str]:
        """Return the title of the curve and of its right half."""
        raise NotImplementedError

    def train(self) -> bool:
        """Train all epochs, or until that is enough; return False if Ctrl-C ended it early."""
        try:
            for number in range(1, self.options.epochs + 1):
                if not self._epoch(number):
                    return False
                reason = self.enough()
                if reason and number < self.options.epochs:
                    self.history["stopped"] = reason
                    self.save()
                    with self._printing:
                        print(f"stopped after epoch {number}: {reason}")
                    break
            return True
        except KeyboardInterrupt:
            if self._closing or not self.epochs:
                raise
            with self._printing:
                print(f"interrupted after epoch {len(self.epochs)}")  # outside the steps: all is saved
            return False

    def conclude(self, summarise: Callable[[bool], None]) -> int:
        """Train, then summarise, given whether all was trained; return the exit status: 0, or 130 after Ctrl-C."""
        finished = self.train()
        if self.epochs:
            summarise(finished)
        else:
            print("interrupted before the first step: nothing to save")
        return 0 if finished else 130

    def remarks(self, row: dict[str, Any], first_lr: float | None = None) -> str:
        """Return what stands at the end of the line of an epoch: another learning rate, and that it was not whole."""
        before = self.epochs[-2].get("lr") if len(self.epochs) > 1 else first_lr
        changed = f"  learning rate {row['lr']:g}" if row.get("lr") != before else ""
        return changed + ("" if row["finished"] else "  interrupted")

    def _epoch(self, number: int) -> bool:
        losses: list[float] = []
        started = time.perf_counter()
        with progress_bar(self.iterations(), f"epoch {number}/{self.options.epochs}") as advance:

            def on_step(loss: float) -> None:
                losses.append(loss)
                advance()

            self.trainer.on_step = on_step
            try:
                self.fit()
                finished = True
            except KeyboardInterrupt:
                finished = False
        if losses:
            # An interrupted epoch is measured and saved like a whole one: nothing learned is lost.
            # Who does not want to wait for that presses Ctrl-C again.
            with interrupts_held_back(second_at_once=True):
                self._closing = True
                self._close_epoch(number, losses, time.perf_counter() - started, finished)
                self._closing = False
        return finished

    def _close_epoch(self, number: int, losses: list[float], seconds: float, finished: bool) -> None:
        row: dict[str, Any] = {"epoch": number, "finished": finished, "loss": float(np.mean(losses))}
        row |= {"seconds": seconds, **self.measure(losses, seconds)}
        first = not self.epochs
        is_best = first or self._is_better(row, self.best())
        self.epochs.append(row)
        # Printing comes last: where it fails, all is saved.
        if is_best:
            extra = {**self.extra(), "epoch": number, self.measure_name: row[self.measure_name]}
            if first:
                run_folder.remove_vocabularies(self.folder)
                self.write_beside()
            run_folder.write_model(self.folder, self.model, extra, first=first)
            self._best_weights = [p.copy() for p in self.model.params]
        else:
            self.no_progress()
        self.save()
        with self._printing:
            self.show(row)

    def _is_better(self, row: dict[str, Any], other: dict[str, Any]) -> bool:
        a, b = row[self.measure_name], other[self.measure_name]
        return bool(a >= b if self.larger_is_better else a < b)

    def no_progress(self) -> None:
        """React to an epoch that was not the best."""

    def enough(self) -> str:
        """Return why no further epoch is worth its time, or "" to go on."""
        return ""

    def best(self) -> dict[str, Any]:
        """Return the row of the epoch whose model is in the folder: the last one no other is better than."""
        rows = self.epochs
        best = rows[0]
        for row in rows[1:]:
            best = row if self._is_better(row, best) else best
        return best

    def use_best(self) -> None:
        """Give the model the weights of the best epoch: kept here, for the file may be another's by now."""
        for p, kept in zip(self.model.params, self._best_weights, strict=True):
            p[...] = kept

    def save(self) -> None:
        """Write history.json and curve.png, if that can be done."""
        with self._writing:
            run_folder.write_history(self.folder, self.history)
        title, label = self.titles()
        with self._drawing:
            draw_curve(self.folder / run_folder.CURVE, self.epochs, title, self.measure_name, label)

    def save_costs(self) -> None:
        """Add the seconds since the start and the peak memory to history.json."""
        self.history["seconds"] = time.perf_counter() - self._started
        self.history["peak_memory_mb"] = run_folder.peak_memory_mb()
        self.save()

    def show_files(self, *example: str) -> None:
        """Print time, memory, the files written and a command to try, given without the program's name."""
        memory = run_folder.peak_memory_mb()
        seconds = time.perf_counter() - self._started
        print(f"time {seconds:.0f} s" + (f", peak memory {memory:.0f} MB" if memory else ""))
        print(f"model:   {self.folder / run_folder.MODEL} (epoch {self.best()['epoch']})")
        print(f"history: {self.folder / run_folder.HISTORY}\ncurve:   {self.folder / run_folder.CURVE}")
        # As it was started: in an environment that is not active, the bare name would not be found.
        program = "fasts2s" if shutil.which("fasts2s") else sys.argv[0]
        print(f"try:     {to_be_typed([program, *example])}")
