"""The checkpoint of one call of ``fit``: taken up where it was left, kept while it trains."""

from __future__ import annotations

import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from fasts2s.backend import get_backend
from fasts2s.checkpoint import CheckpointWarning, previous_path
from fasts2s.resuming.environment import differences, environment
from fasts2s.resuming.keeper import Keeper, ResumeError, read_state
from fasts2s.resuming.lock import HeldError, Lock, lock_of
from fasts2s.resuming.signals import StopBetweenSteps, all_asked
from fasts2s.resuming.tree import Packed
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import as_path

#: A checkpoint is written after so many seconds, unless steps are counted.
SECONDS = 600.0


class StopFittingError(Exception):
    """Ctrl-C or SIGTERM came; the step is done, the state is saved."""


class Fitting:
    """``with Fitting(...) as kept:`` call ``kept.step()`` after each step, ``kept.epoch()`` after each epoch.

    Parameters
    ----------
    trainer : with ``take_state(arrays)`` and ``give_state(tree, arrays)``
    path : file of the checkpoint; None: nothing is kept
    every : int or None
        Steps between two checkpoints; None: ten minutes. After every epoch there is one in any case.
    facts : dict
        What must be as it was for the training to go on: JSON.
    ranks : fasts2s.distributed.Ranks
        Those that train; RankError, a ValueError, if their facts differ.

    The file is locked until the block ends. Raises ResumeError if another training has it, or has gone another way.
    """

    def __init__(self, trainer: Any, path: Any, every: Any, facts: dict[str, Any], ranks: Any) -> None:
        self._trainer, self._facts, self._ranks = trainer, facts, ranks
        ranks.require_same(**facts)
        self._path: Path | None = None if path is None else as_path("checkpoint", path)
        steps = None if every is None else integer("checkpoint_every", every, 1)
        if self._path is None:
            if steps is not None:
                raise ValueError(f"checkpoint_every is {steps} without a checkpoint, expected checkpoint=PATH too")
            return
        if self._path.is_dir() or not self._path.parent.is_dir():
            raise ValueError(f"checkpoint is {self._path}, expected the path of a file, in a folder that is there")
        self._lock: Lock | None = None
        ranks.shared(partial(self._take_lock, self._path))  # rank 0, which writes, has it
        try:
            self._begin(self._path, steps)
        except BaseException:
            self._release()
            raise

    def _take_lock(self, path: Path) -> None:
        """Lock the file. Raises ResumeError if another training has it."""
        try:
            self._lock = lock_of(path)
        except HeldError:
            raise ResumeError(
                f"another training is writing to {path}: wait for it, or give another checkpoint"
            ) from None
        except OSError:  # what cannot be written is said when it is written, and ends no training
            self._lock = None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _begin(self, path: Path, steps: int | None) -> None:
        """Make what keeps the state, and go on where the file says."""
        ranks = self._ranks
        backend = getattr(self._trainer.model, "backend", None) or get_backend()
        self._environment = environment(backend.name)
        is_there = path.exists() or previous_path(path).exists()
        ranks.require_same(checkpoint=is_there)
        self._keeper = Keeper(
            path,
            self._take,
            steps=steps,
            seconds=SECONDS if steps is None else None,
            say=_warn,
            fresh=False,
            ranks=ranks,
        )
        if is_there:
            self._go_on(path)

    def __enter__(self) -> Fitting:
        """Watch for signals."""
        self._stop = StopBetweenSteps() if self._path is not None else None
        if self._stop is not None:
            self._stop.__enter__()
        return self

    def __exit__(self, kind: Any, *_: object) -> bool:
        """Wait for the file; pass a signal on to whom it was for."""
        if self._stop is None:
            return False
        try:
            self._keeper.close()
        finally:
            self._release()
            self._stop.__exit__()
        if kind is StopFittingError or kind is None:
            self._stop.pass_on()
        return kind is StopFittingError

    def step(self) -> None:
        """Count a step; end the training if a signal came."""
        if self._stop is None:
            return
        asked = all_asked(self._ranks, self._stop.asked)
        if asked is None:
            self._keeper.step()
            return
        self._stop.asked = asked
        self._keeper.save()
        raise StopFittingError

    def epoch(self) -> None:
        """Save after an epoch."""
        if self._stop is not None:
            self._keeper.save(wait=False)

    def _take(self) -> Packed:
        packed = Packed()
        packed.tree = {
            "kind": type(self._trainer).__name__,
            "facts": self._facts,
            "environment": self._environment,
            "trainer": self._trainer.take_state(packed.arrays),
        }
        return packed

    def _go_on(self, path: Path) -> None:
        tree, arrays = read_state(path, _warn)
        kind = type(self._trainer).__name__
        if tree.get("kind") != kind:
            raise ResumeError(f"{path} is a checkpoint of {tree.get('kind')}, expected one of {kind}: give another")
        for name, value in self._facts.items():
            was = tree["facts"].get(name)
            if was != value:
                now, then = ("other data", "those") if name == "data" else (f"{name} = {value}", f"{was}")
                raise ResumeError(
                    f"{path} is the checkpoint of another training: {now} came, expected {then} it was started with; "
                    "give another path, or remove the file"
                )
        for line in differences(tree["environment"], self._environment):
            _warn(line)
        try:
            self._trainer.give_state(tree["trainer"], arrays)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ResumeError(f"{path} is the checkpoint of another model or optimizer: {error}") from None


def elapsed_since(start: float) -> float:
    """Return seconds since a moment of ``time.time()``."""
    return time.time() - start


def _warn(line: str) -> None:
    warnings.warn(line.removeprefix("warning: "), CheckpointWarning, stacklevel=5)
