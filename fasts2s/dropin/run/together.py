"""``--distributed mpi``: the book's ``fit`` on several processes, each of which runs the script.

While ``fit`` of a ``Trainer`` or ``RnnlmTrainer`` runs, something stands for its model that computes on the rows of
this process in every batch, and sums the gradients over all processes. The text of ``fit`` does not matter: it has to
call ``forward(x, t)`` and ``backward()`` of its model, with the batch. All else of the script, every process does.
"""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from fasts2s import distributed
from fasts2s.backend import set_environment
from fasts2s.distributed import Ranks
from fasts2s.dropin.replace import originals
from fasts2s_kernels.arrays import Array

_CLASSES = {"Trainer", "RnnlmTrainer"}
_open = builtins.open
#: Steps that were taken together.
_steps: list[int] = [0]
#: What open is asked for by who writes.
_WRITING = set("wax+")


class ScriptError(Exception):
    """The script has failed, and Python has said how."""


class Together:
    """Stands for a model while it is trained: of every batch it computes this rank's rows.

    All attributes but its own are the model's.
    """

    def __init__(self, model: Any, ranks: Ranks) -> None:
        self._model, self._ranks, self._weight = model, ranks, 0.0

    def __getattr__(self, name: str) -> Any:
        """Return what the model has."""
        return getattr(self._model, name)

    def forward(self, x: Any, t: Any, *more: Any, **named: Any) -> Any:
        """Return the loss of the whole batch, x and t (N, ...)."""
        ranks = self._ranks
        with ranks.part(len(t)) as (rows, counts):
            loss = self._model.forward(x[rows], t[rows], *more, **named)
        total, mine = _labels(t), _labels(t[rows])
        self._weight = 0.0 if not counts else mine / total if total else 1 / ranks.size
        _, whole = ranks.mean([], loss, self._weight)
        # The book's own layers draw for this rank's rows: the next shuffle must be the same on all ranks.
        ranks.spread([])
        return whole

    def backward(self, *args: Any) -> Any:
        """Put the gradients of the whole batch into the arrays of the model's ``grads``."""
        result = self._model.backward(*args)
        grads: list[Array] = self._model.grads
        sums, _ = self._ranks.mean(_each_once(grads), 0.0, self._weight)
        for grad, total in zip(_each_once(grads), sums, strict=True):
            grad[...] = total
        _steps[0] += 1
        return result


def _each_once(arrays: list[Array]) -> list[Array]:
    return list({id(a): a for a in arrays}.values())


def _labels(t: Any) -> float:
    """Return how many labels of a batch count: -1 is what the book's time layers pass over."""
    return float(t.size - (t == -1).sum()) if hasattr(t, "dtype") and t.dtype.kind == "i" else float(len(t))


def offer(found: type) -> None:
    """Let ``fit`` of a trainer of the book train with all ranks, if there are several."""
    if distributed.current().size > 1 and found.__name__ in _CLASSES and callable(vars(found).get("fit")):
        originals.replace(found, "fit", _of_all(vars(found)["fit"]))


def _of_all(fit: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fit)
    def call(self: Any, *args: Any, **named: Any) -> Any:
        ranks, model = distributed.current(), self.model
        if isinstance(model, Together) or ranks.size == 1:
            return fit(self, *args, **named)
        ranks.require_same(model=f"{type(model).__name__} of shapes {[p.shape for p in model.params]}")
        ranks.spread(model.params)
        self.model = Together(model, ranks)
        try:
            result = fit(self, *args, **named)
        finally:
            self.model = model
        ranks.require_same_weights(model.params)
        return result

    return call


def leave_files_to_rank_0() -> None:
    """Let what other ranks write into files go nowhere, from now on; pictures open no windows there."""
    if distributed.current().rank == 0:
        return
    set_environment({"MPLBACKEND": "Agg"})

    @wraps(_open)
    def open_to_read(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
        writes = isinstance(mode, str) and bool(_WRITING & set(mode)) and not isinstance(file, int)
        return _open(os.devnull if writes else file, mode.replace("x", "w") if writes else mode, *args, **named)

    builtins.open = io.open = open_to_read


def warning() -> str:
    """Return what to say at the end where several processes ran and none of their steps was one of all."""
    size = distributed.current().size
    if size == 1 or _steps[0]:
        return ""
    return (
        f"nothing was trained together: the {size} processes did the same. Only fit of the book's Trainer and "
        "RnnlmTrainer is; a loop of one's own is left alone"
    )
