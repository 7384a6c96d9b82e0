"""The checkpoint of a training command: what a run keeps beside its trainer, and where it goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fasts2s import distributed
from fasts2s.commands.folder_lock import CHECKPOINT
from fasts2s.commands.output import complain
from fasts2s.commands.session import Session
from fasts2s.resuming import Keeper, Packed, ResumeError, fingerprint, pack, read_state, unpack
from fasts2s.resuming.environment import differences, environment
from fasts2s.resuming.objects import give_model, give_object, take_object
from fasts2s_kernels.arrays import Array

if TYPE_CHECKING:
    from fasts2s.commands.training_run import TrainingRun


#: What a state of another form makes who reads it raise.
_UNFIT = (KeyError, TypeError, AttributeError, ValueError)


class RunState:
    """Keeps a run in its folder, or takes up the one that is there.

    Parameters
    ----------
    run : TrainingRun
    session : Session
    """

    def __init__(self, run: TrainingRun, session: Session) -> None:
        self._run, self._session = run, session
        self._environment = environment(run.model.backend.name)
        self._data = fingerprint(*run.learned_from())
        self.keeper = Keeper(
            run.folder / CHECKPOINT,
            self._take,
            steps=session.steps,
            seconds=session.seconds,
            say=complain,
            fresh=session.folder is None,
            ranks=distributed.current(),
        )
        if session.folder is not None:
            self._go_on()

    def _take(self) -> Packed:
        packed, run = Packed(), self._run
        arrays = packed.arrays
        own = {
            "epochs": run.epochs,
            "losses": np.array(run.losses),
            "seconds": run.seconds_of_epoch(),
            "all_seconds": run.seconds(),
            "best": run.best_weights,
            "beforehand": run.beforehand,
        }
        packed.tree = {
            "kind": "run",
            "arguments": self._session.arguments,
            "data": self._data,
            "environment": self._environment,
            "trainer": run.trainer.take_state(arrays),
            "run": pack(own, arrays, "run"),
            "drawn": {name: take_object(_Holder(g), arrays, name) for name, g in run.generators().items()},
        }
        return packed

    def _go_on(self) -> None:
        path, run = self.keeper.path, self._run
        tree, arrays = _read(path)
        if tree["data"] != self._data:
            raise ResumeError(
                f"{path}: the data are not those that the run was started with: bring them back, or train anew"
            )
        for line in differences(tree["environment"], self._environment):
            complain(line)
        try:
            run.trainer.give_state(tree["trainer"], arrays)
            for name, generator in run.generators().items():
                give_object(_Holder(generator), tree["drawn"][name], arrays, None)
        except _UNFIT as error:
            raise _unfit(path, error) from None
        own = unpack(tree["run"], arrays)
        run.epochs[:] = own["epochs"]
        run.beforehand = own.get("beforehand", {})
        run.losses = own["losses"].tolist()
        run.best_weights = own["best"]
        for kept in run.best_weights:
            kept.setflags(write=False)
        run.count_from(time.perf_counter() - own["all_seconds"], own["seconds"])


def take_up_weights(run: TrainingRun) -> None:
    """Give a run the weights of its checkpoint, and what it found out before its first epoch. Raises ResumeError.

    For what is computed by the model before it trains; all else is taken up when it does.
    """
    path = run.folder / CHECKPOINT
    tree, arrays = _read(path)
    try:
        give_model(run.model, tree["trainer"]["model"], arrays)
        run.beforehand = unpack(tree["run"], arrays).get("beforehand", {})
    except _UNFIT as error:
        raise _unfit(path, error) from None


def _read(path: Path) -> tuple[Any, dict[str, Array]]:
    """Return the state that a command wrote. Raises ResumeError."""
    tree, arrays = read_state(path, lambda _: None)  # what is wrong with it was said when the command was read
    if tree.get("kind") != "run":
        raise ResumeError(f"{path} was not written by a command: go on with it in Python")
    return tree, arrays


def _unfit(path: Path, error: Exception) -> ResumeError:
    return ResumeError(f"{path} does not fit what this release trains with these options: {error}")


class _Holder:
    """Something with one attribute: a generator."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator
