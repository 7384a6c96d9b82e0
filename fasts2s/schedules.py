"""Learning rates that change while a model learns, averages of weights, and when to stop.

A schedule has ``rate(step)``, the learning rate of the update number ``step``, which begins with 0; a
:class:`fasts2s.trainer.Trainer` with ``schedule=`` asks before each update. ``measured(value)`` tells it what was
measured on held-out data, where that counts. Steps are updates: with ``accumulate=4`` four batches make one.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TypeAlias

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import flag, integer, number
from fasts2s_kernels.checks.arguments import listed_arrays, one_of
from fasts2s_kernels.checks.scalars import bounded, shown

ScheduleName: TypeAlias = Literal["constant", "plateau", "inverse-root", "cosine", "one-cycle"]
SCHEDULES: tuple[ScheduleName, ...] = ("constant", "plateau", "inverse-root", "cosine", "one-cycle")


class Schedule(Protocol):
    """What a trainer needs of a schedule."""

    def rate(self, step: int, /) -> float:
        """Return the learning rate of an update, from 0."""
        ...


class _Schedule:
    """What all schedules share: lr, the highest rate, and a warm-up in a straight line over the first steps."""

    def __init__(self, lr: float, warmup: int = 0) -> None:
        self.lr, self.warmup = bounded("lr", lr, 0.01), integer("warmup", warmup, 0)

    def rate(self, step: int) -> float:
        """Return the learning rate of the update number step, from 0. ValueError if it is no such number."""
        step = integer("step", step, 0)
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return warm * self._after(step)

    def measured(self, value: float) -> None:
        """Hear what was measured on held-out data."""
        number("value", value)

    def _after(self, step: int) -> float:
        raise NotImplementedError


class Constant(_Schedule):
    """``lr`` after the warm-up."""

    def _after(self, step: int) -> float:
        return self.lr


class Plateau(_Schedule):
    """The book's rule (section 6.5): ``lr`` is divided whenever a measurement is not better than the best.

    Parameters
    ----------
    lr : float
    divisor : float
        > 1; the book's is 4.
    patience : int
        So many measurements without progress in a row are borne.
    larger_is_better : bool
        Of what is measured: False for a perplexity.
    warmup : int
    """

    def __init__(
        self, lr: float, divisor: float = 4.0, patience: int = 0, *, larger_is_better: bool = False, warmup: int = 0
    ) -> None:
        super().__init__(lr, warmup)
        self.divisor = number("divisor", divisor)
        if not 1 < self.divisor < math.inf:
            raise ValueError(f"divisor is {shown(divisor)}, expected a number > 1")
        self._stopping = EarlyStopping(integer("patience", patience, 0) + 1, larger_is_better=larger_is_better)
        self._now = self.lr

    def measured(self, value: float) -> None:
        """Hear what was measured on held-out data."""
        if self._stopping.enough(value):
            self._stopping.worse = 0
            self._now /= self.divisor

    def _after(self, step: int) -> float:
        return self._now


class InverseRoot(_Schedule):
    """``lr sqrt(warmup / step)`` after the warm-up (Vaswani et al. 2017, arXiv:1706.03762), steps from 1."""

    def __init__(self, lr: float, warmup: int = 4000) -> None:
        super().__init__(lr, integer("warmup", warmup, 1))

    def _after(self, step: int) -> float:
        return self.lr * math.sqrt(self.warmup / max(step + 1, self.warmup))


class Cosine(_Schedule):
    """Half a cosine from ``lr`` after the warm-up to ``least`` at the last step (Loshchilov and Hutter 2017).

    Parameters
    ----------
    lr : float
    steps : int
        Of the whole training, warm-up included; later ones have ``least``.
    least : float
    warmup : int
    """

    def __init__(self, lr: float, steps: int, least: float = 0.0, *, warmup: int = 0) -> None:
        super().__init__(lr, warmup)
        self.steps, self.least = integer("steps", steps, 1), _least(least, self.lr)

    def _after(self, step: int) -> float:
        return _half_cosine(self.lr, self.least, _share(step - self.warmup, self.steps - 1 - self.warmup))


class OneCycle(_Schedule):
    """Up from ``lr / 25`` to ``lr`` and down to ``lr / 250000``, both as half a cosine (Smith and Topin 2017).

    Parameters
    ----------
    lr : float
    steps : int
        Of the whole training; later ones have the last rate.
    warmup : int or None
        Steps up; None: 30 % of all.
    """

    def __init__(self, lr: float, steps: int, warmup: int | None = None) -> None:
        super().__init__(lr)
        self.steps = integer("steps", steps, 1)
        self.rise = max(1, round(0.3 * self.steps)) if warmup is None else integer("warmup", warmup, 0)

    def _after(self, step: int) -> float:
        if step < self.rise:
            return _half_cosine(self.lr / 25, self.lr, step / self.rise)
        return _half_cosine(self.lr, self.lr / 250_000, _share(step - self.rise, self.steps - 1 - self.rise))


def make_schedule(
    name: ScheduleName, lr: float, steps: int, warmup: int | None = None, *, larger_is_better: bool = False
) -> Any:
    """Return a schedule by its name.

    Parameters
    ----------
    name : {"constant", "plateau", "inverse-root", "cosine", "one-cycle"}
    lr : float
        The highest learning rate.
    steps : int
        Of the whole training.
    warmup : int or None
        Steps of the warm-up; None: none, for inverse-root a tenth of all, for one-cycle 30 % of them.
    larger_is_better : bool
        Of what is measured, for plateau.

    Raises ValueError for another name, and values out of range.
    """
    steps, name = integer("steps", steps, 1), one_of("name", name, SCHEDULES)
    if name == "one-cycle":
        return OneCycle(lr, steps, warmup)
    if name == "inverse-root":
        return InverseRoot(lr, max(1, steps // 10) if warmup is None else max(1, integer("warmup", warmup, 0)))
    warmup = 0 if warmup is None else integer("warmup", warmup, 0)
    if name == "cosine":
        return Cosine(lr, steps, warmup=warmup)
    if name == "plateau":
        return Plateau(lr, larger_is_better=larger_is_better, warmup=warmup)
    return Constant(lr, warmup)


class EarlyStopping:
    """Says when to stop: after ``patience`` measurements in a row that are not better than the best so far.

    Attributes
    ----------
    best : float or None
    worse : int
        Measurements since the best.
    """

    def __init__(self, patience: int, *, larger_is_better: bool = False) -> None:
        self.patience = integer("patience", patience, 1)
        self.larger_is_better = flag("larger_is_better", larger_is_better)
        self.best: float | None = None
        self.worse = 0

    def enough(self, value: float) -> bool:
        """Hear what was measured; return whether that is enough. NaN is never better. ValueError if no number."""
        value = number("value", value)
        better = self.best is None or (value > self.best if self.larger_is_better else value < self.best)
        if better and not math.isnan(value):
            self.best, self.worse = value, 0
        else:
            self.worse += 1
        return self.worse >= self.patience


class WeightAverage:
    """The running average of weights: ``mean = decay mean + (1 - decay) w`` after every update (Polyak averaging).

    The first updates count more, as in Adam: the mean is divided by ``1 - decay^updates``. In float32 as the weights.

    Parameters
    ----------
    decay : float
        From 0 to below 1.
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = bounded("decay", decay, 0.999, below=1)
        self.updates = 0
        self.sums: list[Array] | None = None

    def add(self, params: list[Array]) -> None:
        """Count weights in. ValueError if they are no list of arrays, or others than before."""
        params = listed_arrays("params", params)
        if self.sums is None:
            self.sums = [0 * p for p in params]
        self._require_same(params)
        for mean, p in zip(self.sums, params, strict=True):
            mean += p.dtype.type(1 - self.decay) * (p - mean)
        self.updates += 1

    @contextmanager
    def averaged(self, params: list[Array]) -> Iterator[None]:
        """Let params, changed in place, be the average inside of a block. Before the first update nothing changes."""
        params = listed_arrays("params", params)
        if self.sums is None:
            yield
            return
        self._require_same(params)
        kept = [p.copy() for p in params]
        try:
            for p, mean in zip(params, self.sums, strict=True):
                p[...] = mean / p.dtype.type(1 - self.decay**self.updates)
            yield
        finally:
            for p, before in zip(params, kept, strict=True):
                p[...] = before

    def _require_same(self, params: list[Array]) -> None:
        came, own = [p.shape for p in params], [s.shape for s in self.sums or ()]
        if came != own:
            raise ValueError(f"params have shapes {came}, expected those of the average, {own}")


def _least(least: float, lr: float) -> float:
    least = number("least", least)
    if not 0 <= least <= lr:
        raise ValueError(f"least is {shown(least)}, expected 0 to lr = {lr}")
    return least


def _share(step: int, steps: int) -> float:
    """Return which share of some steps is done, from 0 to 1."""
    return min(1.0, max(0.0, step / steps)) if steps > 0 else 1.0


def _half_cosine(begin: float, end: float, share: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2
