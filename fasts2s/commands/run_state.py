"""The checkpoint of a training command: what a run keeps beside its trainer, and where it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fasts2s import distributed
from fasts2s.commands.output import complain
from fasts2s.commands.session import CHECKPOINT, Session
from fasts2s.resuming import Keeper, Packed, ResumeError, fingerprint, pack, read_state, unpack
from fasts2s.resuming.environment import differences, environment
from fasts2s.resuming.objects import give_object, take_object

if TYPE_CHECKING:
    from fasts2s.commands.training_run import TrainingRun


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
        tree, arrays = read_state(path, lambda _: None)  # what is wrong with it was said when the command was read
        if tree.get("kind") != "run":
            raise ResumeError(f"{path} was not written by a command: go on with it in Python")
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
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ResumeError(f"{path} does not fit what this release trains with these options: {error}") from None
        own = unpack(tree["run"], arrays)
        run.epochs[:] = own["epochs"]
        run.losses = own["losses"].tolist()
        run.best_weights = own["best"]
        for kept in run.best_weights:
            kept.setflags(write=False)
        run.count_from(time.perf_counter() - own["all_seconds"], own["seconds"])


class _Holder:
    """Something with one attribute: a generator."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator
