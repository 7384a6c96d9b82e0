"""What the training commands share: epochs with a progress bar, Ctrl-C, the best model, history and curve."""

import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s import distributed
from fasts2s.commands import run_folder
from fasts2s.commands.curves import draw_curve
from fasts2s.commands.output import Beside, to_be_typed
from fasts2s.commands.progress import progress_bar
from fasts2s.commands.run_log import RunLog
from fasts2s.commands.run_plan import is_out_of_patience, plan
from fasts2s.commands.run_state import RunState, take_up_weights
from fasts2s.commands.session import current
from fasts2s.resuming import StopBetweenSteps, all_asked, frozen
from fasts2s_kernels.checks.either import beside
from fasts2s_kernels.interrupts import interrupts_held_back


class TrainingRun:
    """One training run. A subclass says how to train an epoch, what to measure and how to print it.

    Of several processes that train together, all have the run; rank 0 measures, prints and writes.

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
        self._ranks = distributed.current()
        self.epochs: list[dict[str, Any]] = []
        self.history: dict[str, Any] = {
            "settings": asdict(options),
            "environment": run_folder.environment(model.backend.name),
            "parameters": model.parameter_count(),
            **({"ranks": self._ranks.size} if self._ranks.size > 1 else {}),
            **facts,
            "epochs": self.epochs,
        }
        self._started = time.perf_counter()
        self._closing = False
        self.best_weights: list[Any] = []
        #: Facts found out before the first epoch; a run that goes on has them too.
        self.beforehand: dict[str, Any] = {}
        self._is_new, self._is_unsaved = True, False
        #: Of the steps of this epoch.
        self.losses: list[float] = []
        #: Steps of this epoch that were done before the run went on.
        self.skipped = 0
        self._epoch_started = self._started
        self._term = StopBetweenSteps(signal.SIGTERM)
        self._state: RunState | None = None
        self._log: RunLog | None = None
        # What may fail in every epoch is said once.
        self._writing = Beside("writing history.json", OSError)
        self._drawing = Beside("drawing curve.png")
        self._printing = Beside("printing", (OSError, ValueError))
        self._logging = Beside("writing log.jsonl", OSError)
        self._saving = Beside("writing model.npz", OSError)  # tried again at the end, where it must succeed
        self._place: run_folder.RunFolder | None = None
        self.folder = self._ranks.shared(partial(self._take_folder, name))

    def _take_folder(self, name: str) -> Path:
        self._place = run_folder.RunFolder(self.options.out, name, self.options.overwrite)
        return self._place.path

    def close(self) -> None:
        """Let others write to the folder."""
        if self._place is not None:
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

    def learned_from(self) -> tuple[Any, ...]:
        """Return the data, by whose hash a run that goes on knows that they are the same."""
        return ()

    def generators(self) -> dict[str, Any]:
        """Return generators of random numbers, beside NumPy's and those in the model, that training draws from."""
        return {}

    def take_up_weights(self) -> bool:
        """Give the model the weights of the run that goes on, before it does; return False if this is a new run."""
        session = current()
        if session is None or session.folder is None:
            return False
        take_up_weights(self)
        return True

    def train(self) -> bool:
        """Train all epochs, or until that is enough; return False if Ctrl-C or SIGTERM ended it early."""
        self._prepare()
        try:
            with self._term:
                for number in range(len(self.epochs) + 1, self.options.epochs + 1):
                    reason = self._reason() if self.epochs else ""
                    if reason:
                        self._stop(reason)
                        break
                    if not self._epoch(number):
                        return False
            return True
        except KeyboardInterrupt:
            if self._term.asked:
                return False
            if self._closing or not self.epochs:
                raise
            with self._printing:
                print(f"interrupted after epoch {len(self.epochs)}")  # outside the steps: all is saved
            return False
        finally:
            if self._state is not None:
                self._state.keeper.close()

    def _prepare(self) -> None:
        """Put the schedule in force; take up the run that is in the folder, if that is asked for."""
        session = current()
        plan(self.options, self.trainer, self.options.epochs * self.iterations(), self.larger_is_better)
        if session is not None:
            self._state = RunState(self, session)
            done = len(self.epochs) * self.iterations() + len(self.losses)
            if self._ranks.rank == 0:
                with self._logging:
                    self._log = RunLog(self.folder, self.trainer, done)
            if session.folder is not None:
                self._show_place()

    def _show_place(self) -> None:
        """Say where the run goes on; its folder becomes what it was there."""
        with self._printing:
            place = f", after step {len(self.losses)} of {self.iterations()}" if self.losses else ""
            print(f"goes on after epoch {len(self.epochs)} of {self.options.epochs}{place}: {self.folder}")
        if self.epochs:
            self._is_new = False
            self._write_kept()
            self.save()

    def _reason(self) -> str:
        """Return why no further epoch is trained, or ""."""
        values = [row[self.measure_name] for row in self.epochs]
        if is_out_of_patience(self.options, values, self.larger_is_better):
            said = f"no progress in {self.options.patience} epochs (--patience)"
            return f"{said}; epoch {self.best()['epoch']} was the best"
        return self.enough() if self.trainer.schedule is None else ""

    def _stop(self, reason: str) -> None:
        self.history["stopped"] = reason
        self.save()
        with self._printing:
            print(f"stopped after epoch {len(self.epochs)}: {reason}")

    def conclude(self, summarise: Callable[[bool], None]) -> int:
        """Train, then summarise, given whether all was trained.

        Return the exit status: 0, 130 after Ctrl-C, 143 after SIGTERM, which waits for no summary.
        """
        finished = self.train()
        if self._ranks.rank:
            return self._status(finished)
        if self._is_unsaved and not self._term.asked:
            self._write_kept()
        if self._term.asked:
            print(f"ended by SIGTERM after {len(self.epochs)} epochs and {len(self.losses)} steps")
        elif self.epochs:
            summarise(finished)
        else:
            print("interrupted before the first step: nothing to save")
        if not finished and self._state is not None and self._state.keeper.path.exists():
            print(f"go on:   {to_be_typed([_program(), 'train', '--resume', str(self.folder)])}")
        return self._status(finished)

    def _status(self, finished: bool) -> int:
        return 143 if self._term.asked and not finished else 0 if finished else 130

    def remarks(self, row: dict[str, Any], first_lr: float | None = None) -> str:
        """Return what stands at the end of the line of an epoch: another learning rate, and that it was not whole."""
        before = self.epochs[-2].get("lr") if len(self.epochs) > 1 else first_lr
        changed = f"  learning rate {row['lr']:g}" if row.get("lr") != before else ""
        return changed + ("" if row["finished"] else "  interrupted")

    def seconds(self) -> float:
        """Return the seconds that the run has taken, before it went on too."""
        return time.perf_counter() - self._started

    def seconds_of_epoch(self) -> float:
        """Return those of this epoch."""
        return time.perf_counter() - self._epoch_started

    def count_from(self, started: float, seconds_of_epoch: float) -> None:
        """Go on counting seconds, and steps, from where a run was left."""
        self._started, self.skipped = started, len(self.losses)
        self._epoch_started = time.perf_counter() - (seconds_of_epoch if self.losses else 0.0)

    def _epoch(self, number: int) -> bool:
        if not self.losses:
            self._epoch_started = time.perf_counter()
        losses, interrupt = self.losses, StopBetweenSteps(signal.SIGINT)
        with progress_bar(self.iterations(), f"epoch {number}/{self.options.epochs}") as advance:
            for _ in losses:
                advance()

            def on_step(loss: float) -> None:
                losses.append(loss)
                advance()
                self._after_step(number, self._is_asked(interrupt))

            self.trainer.on_step = on_step
            try:
                with interrupt:
                    self.fit()
                finished = True
            except KeyboardInterrupt:
                finished = False
        if self._term.asked and not finished:
            return False
        if losses:
            # An interrupted epoch is measured and saved like a whole one: nothing learned is lost.
            # Who does not want to wait for that presses Ctrl-C again.
            with interrupts_held_back(second_at_once=True):
                self._closing = True
                self._close_epoch(number, losses, self.seconds_of_epoch(), finished)
                self._closing = False
        if finished:
            interrupt.pass_on()  # it came after the last step
        return finished and not self._term.asked

    def _is_asked(self, interrupt: StopBetweenSteps) -> bool:
        """Return whether the run ends after this step; then the signal has come on all ranks."""
        asked = all_asked(self._ranks, self._term.asked or interrupt.asked)
        if asked == signal.SIGTERM:
            self._term.asked = asked
        elif asked is not None:
            interrupt.asked = asked
        return asked is not None

    def _after_step(self, number: int, is_asked: bool) -> None:
        """Log and keep what a step has done; raise KeyboardInterrupt if that was the last one."""
        if self._log is not None:
            with self._logging:
                self._log.step(number, self.losses, self.iterations())
        if self._state is not None and not is_asked:
            self._state.keeper.step()
        elif self._state is not None:
            self._state.keeper.save()
        if is_asked:
            raise KeyboardInterrupt

    def _end_epoch(self) -> None:
        """Begin the next epoch with no step done, and keep that."""
        self.losses, self.skipped = [], 0
        if self._state is not None:
            self._state.keeper.save(wait=False)

    def _close_epoch(self, number: int, losses: list[float], seconds: float, finished: bool) -> None:
        row: dict[str, Any] = {"epoch": number, "finished": finished, "loss": float(np.mean(losses))}
        with self.trainer.averaged():
            row |= {"seconds": seconds, **self._ranks.shared(partial(self.measure, losses, seconds))}
            if self._ranks.rank and hasattr(self.model, "reset_state"):
                self.model.reset_state()  # as measuring does
            is_best = not self.epochs or self._is_better(row, self.best())
            self.epochs.append(row)
            if is_best:
                self._is_unsaved = True
                with self._saving:
                    self._write_best(row)
                self.best_weights = [frozen(p) for p in self.model.params]
        schedule = self.trainer.schedule
        if schedule is not None and hasattr(schedule, "measured"):
            schedule.measured(row[self.measure_name])
        elif schedule is None and not is_best:
            self.no_progress()
        if finished:
            self._end_epoch()
        # Printing comes last: where it fails, all is saved.
        self.save()
        with self._printing, self.trainer.averaged():
            if self._ranks.rank == 0:
                self.show(row)
        self._ranks.shared(lambda: None)  # nobody waits in a step for rank 0 while it writes

    def _write_best(self, row: dict[str, Any]) -> None:
        """Write the model as it is now, with what its row says of it. Raises OSError."""
        if self._ranks.rank:
            return
        extra = {**self.extra(), "epoch": row["epoch"], self.measure_name: row[self.measure_name]}
        if self._is_new:
            run_folder.remove_vocabularies(self.folder)
            self.write_beside()
        run_folder.write_model(self.folder, self.model, extra, first=self._is_new)
        self._is_new = self._is_unsaved = False

    def _write_kept(self) -> None:
        """Write the best model anew, where what is in the folder may be another. Raises OSError."""
        now = [p.copy() for p in self.model.params]
        self.use_best()
        try:
            self._write_best(self.best())
        finally:
            self._put(now)

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
        self._put(self.best_weights)

    def _put(self, weights: list[Any]) -> None:
        for p, kept in zip(self.model.params, weights, strict=True):
            p[...] = beside(p, kept) if isinstance(kept, np.ndarray) else kept

    def save(self) -> None:
        """Write history.json and curve.png, if that can be done."""
        if self._ranks.rank:
            return
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
        print(f"try:     {to_be_typed([_program(), *example])}")


def _program() -> str:
    return "fasts2s" if shutil.which("fasts2s") else sys.argv[0]
