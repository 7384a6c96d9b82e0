"""Cases of gpu_steps.py: whole training steps of the book's models, their data, and the losses of the first steps."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import get_backend, use_backend
from fasts2s.bench import cases as suite_cases
from fasts2s.bench import data as suite_data
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, read_data, weights_of
from fasts2s.bench.peers import book_interface
from gpu.program import Run

#: Steps whose losses the gate compares.
STEPS = 5
#: Of SGD. With the book's 20, rounding grows beyond the gate within five steps of BetterRnnlm; the time is the same.
RATE = 1.0
NO_DROPOUT = " no dropout"
_NAMES = ("Seq2seq H=128", "PeekySeq2seq H=128", "AttentionSeq2seq H=256", "Rnnlm H=100", "BetterRnnlm H=650")
_FOUND = tuple(suite_cases.case_of(name) for name in _NAMES)
# Our masks are drawn on the host: without dropout it shows what that costs.
CASES = (*_FOUND, replace(_FOUND[-1], name=_FOUND[-1].name + NO_DROPOUT))
GROUPS = ("steps",)
_TINY = {"N": 3, "S": 3, "T": 3, "D": 8, "H": 8, "V": 40}


@dataclass
class Work:
    """A case with what everybody starts from.

    Attributes
    ----------
    xs, ts : (N, S), (N, T) int64
    weights : list of float32 arrays
    seed : int
        Of dropout: drawn from NumPy, in the order of the book.
    masks : list of lists of bool arrays (N, T, H)
        What dropout lets through, by step, for who does not draw from NumPy.
    losses : list of float
        The reference.
    """

    case: Case
    xs: Any
    ts: Any
    weights: list[Any]
    seed: int
    masks: list[list[Any]]
    losses: list[float]

    @property
    def dropout(self) -> bool:
        """Whether there is dropout in this step."""
        return bool(self.masks)

    @property
    def options(self) -> dict[str, bool]:
        """What ``forward`` of a model with the book's interface gets beside xs and ts."""
        return {"train_flg": False} if self.case.name.endswith(NO_DROPOUT) else {}


def tiny(case: Case) -> Case:
    """Return a case with sizes for --dry."""
    return replace(case, sizes={k: min(n, _TINY[k]) for k, n in case.sizes.items()})


def make(case: Case, folder: Path) -> Work:
    """Return a case with its data and the losses of its first steps in float64."""
    suite_data.make(case, folder)
    arrays: Arrays = read_data(case, folder)
    seed = int(arrays["seed"])
    masks = []
    if case.kind == "BetterRnnlm" and not case.name.endswith(NO_DROPOUT):
        np.random.seed(seed)
        shape = (case["N"], case["T"], case["H"])
        masks = [[np.random.rand(*shape) > 0.5 for _ in range(3)] for _ in range(STEPS)]
    work = Work(case, arrays["xs"], arrays["ts"], weights_of(arrays), seed, masks, [])
    backend = get_backend("numpy", dtype="float64")
    with use_backend(backend):
        code = book_interface.our_code()
        model = book_interface.new_model(code, case, work.weights)
        once = step_of(code, model, work, work.xs, work.ts)
        work.losses = curve(work, once)
    return work


def step_of(code: Any, model: Any, work: Work, xs: Any, ts: Any) -> Callable[[], Any]:
    """Return the function that makes a training step of a model with the book's interface; it returns the loss."""
    optimizer = code.Adam() if work.case.adam else code.SGD(RATE)

    def once() -> Any:
        loss = model.forward(xs, ts, **work.options)
        model.backward()
        params, grads = code.remove_duplicate(model.params, model.grads)
        code.clip_and_update(optimizer, params, grads, work.case.max_grad)
        return loss

    return once


def curve(work: Work, once: Callable[[], Any]) -> list[float]:
    """Return the losses of the first steps, with the dropout of the seed."""
    np.random.seed(work.seed)
    return [float(once()) for _ in range(STEPS)]


@dataclass
class Stepper:
    """Somebody's training step, made ready.

    Attributes
    ----------
    label, note : str
    once : callable
        One step, which returns the loss.
    losses : callable
        Those of the first steps, for the gate. Called before anything else.
    reset : callable
        Weights, slots and states as at the beginning.
    """

    label: str
    once: Callable[[], Any]
    losses: Callable[[], list[float]]
    reset: Callable[[], None]
    note: str = ""


Maker = Callable[[Work, Run], list[Stepper]]
