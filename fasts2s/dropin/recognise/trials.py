"""What a reader's class and ours are tried on, side by side: sequences of calls, in shapes, dtypes and magnitudes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasts2s.dropin.recognise.bench import Bench
from fasts2s.dropin.recognise.cases import SHAPES, Case
from fasts2s.dropin.recognise.dice import Dice, Shape
from fasts2s.dropin.recognise.records import Tolerance
from fasts2s.dropin.recognise.sequences import (
    another_batch,
    basic,
    changed_input,
    changed_output,
    changed_state,
    changed_weights,
    copied,
    generates,
    held_state,
    looked_at,
    other_settings,
    repeated,
    updates,
)


@dataclass(frozen=True)
class Trial:
    """A sequence of calls, and on what."""

    run: Callable[[Bench], None]
    shape: Shape
    dtype: Any = np.float32
    given: Any = np.float32
    scale: float = 1.0
    upstream: float = 1.0
    kind: str = ""
    stateful: bool = False

    def dice(self, seed: int) -> Dice:
        """Return what draws its numbers."""
        rng = np.random.default_rng(seed)
        return Dice(rng, self.shape, self.dtype, self.given, self.scale, self.upstream, self.kind, self.stateful)

    @property
    def is_special(self) -> bool:
        """Return whether these are labels or ids that not every reader's class takes."""
        return self.kind in {"one-hot", "ignored", "all ignored", "negative"}

    @property
    def is_plain(self) -> bool:
        """Return whether inputs are of the plain kind, and neither large nor small: what is computed is finite."""
        return not self.kind and self.scale == self.upstream == 1.0

    def tolerance(self) -> Tolerance:
        """Return how far the two sides may be apart: where gates are saturated, differences are all but zero.

        Of single weights and double inputs ours compute in single, and leave states in double, as the book does.
        """
        floor = max(self.scale, self.upstream) if (self.scale, self.upstream) != (1.0, 1.0) else 0.0
        single = 3e-6 if self.dtype == self.given == np.float64 else 6e-6
        return Tolerance(single, 1e-11 if self.dtype == self.given else single, floor)


def trials(case: Case) -> Iterator[Trial]:
    """Yield what a class is tried on, what is most likely to differ first."""
    double, single = np.float64, np.float32
    if case.is_model:
        yield from _trials_of_models(case)
        return
    if case.method == "update":
        yield from _trials_of_updates()
        return
    ways = (False, True) if case.stateful else (False,)
    for k, shape in enumerate(SHAPES):
        for stateful in ways[-1:] if k > 2 else ways:
            yield Trial(basic, shape, double, double, stateful=stateful)
    yield Trial(basic, SHAPES[0], stateful=ways[-1])
    for stateful in ways:
        for k, run in enumerate(
            (repeated, looked_at, changed_input, changed_output, changed_weights, another_batch, other_settings)
        ):
            yield Trial(run, SHAPES[(k + 1) % 2], stateful=stateful)
    yield Trial(copied, SHAPES[0])
    if case.stateful:
        yield from (Trial(run, SHAPES[1], stateful=way) for way in ways for run in (held_state, changed_state))
    if case.is_loss:
        yield Trial(other_settings, SHAPES[0], kind="ignored")
    for kind in case.kinds:
        yield Trial(basic, SHAPES[0], double, double, kind=kind, stateful=ways[-1])
        yield Trial(looked_at, SHAPES[1], kind=kind)
    for dtype, given in ((single, double), (double, single)):
        yield Trial(basic, SHAPES[1], dtype, given)
    for size in (1e-2, 30.0, 1e3):
        yield Trial(basic, SHAPES[0], double, double, scale=size, stateful=ways[-1])
        yield Trial(basic, SHAPES[0], double, double, upstream=size, stateful=ways[-1])


def _trials_of_updates() -> Iterator[Trial]:
    for shape in SHAPES[:3]:
        yield Trial(updates, shape, np.float64, np.float64)
        yield Trial(updates, shape)
    yield Trial(updates, SHAPES[0], np.float64, np.float64, kind="fortran")
    for size in (1e-2, 30.0, 1e3):
        yield Trial(updates, SHAPES[0], np.float64, np.float64, upstream=size)


def _trials_of_models(case: Case) -> Iterator[Trial]:
    if not case.gradient(Trial(basic, SHAPES[0]).dice(0)):  # only its answers are replaced
        yield from (Trial(generates, shape) for shape in SHAPES)
        return
    for k, shape in enumerate(SHAPES):
        yield Trial(basic, shape)
        if k % 2 == 0:
            yield Trial(generates, shape)
    for k, run in enumerate((repeated, looked_at, changed_input, changed_weights, another_batch, copied)):
        yield Trial(run, SHAPES[k % 2])
    for size in (1e-2, 30.0):
        yield Trial(basic, SHAPES[0], upstream=size)
