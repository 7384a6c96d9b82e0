"""What both trainers share. Source: the book's ``common/trainer.py``; printed lines are its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from fasts2s import distributed
from fasts2s.backend import to_cpu
from fasts2s.generation import weights_at_fault
from fasts2s.optimizers import clip_grads, clip_rate, remove_duplicate, takes_scale
from fasts2s.resuming.fitting import Fitting
from fasts2s.resuming.loop_state import Place, give_trainer, take_trainer
from fasts2s.schedules import Schedule, WeightAverage
from fasts2s.trainer._ranks import described, gradients_of_all
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import integer, number
from fasts2s_kernels.checks.arguments import called, listed, one_of, with_methods
from fasts2s_kernels.checks.either import is_cupy

Policy: TypeAlias = Literal["raise", "skip", "book"]
_POLICIES: tuple[Policy, ...] = ("raise", "skip", "book")
#: Steps after which losses that lie on a device are fetched, if no line is printed before: so late is an error seen.
_MOST_PENDING = 64


class Model(Protocol):
    """What a trainer needs of a model."""

    params: list[Any]
    grads: list[Any]

    def forward(self, xs: Any, ts: Any, /) -> Any:
        """Return the loss of a batch, xs and ts as :meth:`Trainer.fit` got them, (N, ...) each."""
        ...

    def backward(self) -> Any:
        """Write the gradients of the loss into ``grads``."""
        ...


class Optimizer(Protocol):
    """What a trainer needs of an optimiser."""

    def update(self, params: Any, grads: Any, /) -> Any:
        """Change params, a list of arrays of any shapes, in place."""
        ...


class Loop:
    """What both trainers share: one step, the averages between two printed lines, the plot."""

    label = ""

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        *,
        nonfinite: Policy = "raise",
        on_step: Callable[[float], None] | None = None,
        schedule: Schedule | None = None,
        accumulate: int = 1,
        average: float | None = None,
    ) -> None:
        self.model = with_methods("model", model, "forward", "backward")
        self.optimizer: Any = with_methods("optimizer", optimizer, "update")
        self.nonfinite = one_of("nonfinite", nonfinite, _POLICIES)
        self.on_step = None if on_step is None else called("on_step", on_step)
        self.schedule: Any = None if schedule is None else with_methods("schedule", schedule, "rate")
        self.accumulate = integer("accumulate", accumulate, 1)
        self.average = None if average is None else WeightAverage(average)
        self.eval_interval: int | None = None
        self.current_epoch = 0
        self.updates = self.labels = 0
        self.last_norm: Any = None
        self._gathered, self._sums = 0, list[Array]()
        self._place, self._start_time = Place(), 0.0
        self._given: Place | None = None
        self._begun: object = None
        self._begin_lists()
        self._begin()

    def _begin_lists(self) -> None:
        """Make what printed lines are kept in."""
        raise NotImplementedError

    def _begin(self) -> None:
        self._total, self._count = 0.0, 0
        self._pending: list[tuple[Array, Array]] = []

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the weights be their average in the block, with ``average=``; else nothing changes."""
        if self.average is None:
            yield
            return
        params, _ = remove_duplicate(self.model.params, self.model.grads)
        with self.average.averaged(params):
            yield

    def take_state(self, arrays: dict[str, Array]) -> Any:
        """Return all that training changes, as it is between two steps: JSON, and arrays put into ``arrays``."""
        self._resolve()
        self._place.seconds = time.time() - self._start_time
        return take_trainer(self, arrays, distributed.current())

    def give_state(self, tree: Any, arrays: dict[str, Array]) -> None:
        """Put back what take_state returned; the next ``fit`` goes on from there. Raises ValueError, KeyError."""
        give_trainer(self, tree, arrays, distributed.current())

    def train_step(self, xs: AnyArray, ts: AnyArray, max_grad: float | None = None) -> Any:
        """Forward, backward, merge shared weights, clip, update; return the loss.

        Raises FloatingPointError if the loss or the gradient norm is not finite and ``nonfinite`` is "raise"; the
        weights are then as before. "skip" leaves the step out, "book" lets it through. Gradients stay unclipped in
        ``model.grads`` unless the optimiser is not one of this package's.

        Where several processes train together (:mod:`fasts2s.distributed`) all of them get the whole batch, and each
        computes on its rows; ``model.grads`` holds what those gave.

        On a device nothing waits for it: the loss is an array without dimensions there, the device itself leaves a
        step out that is not finite (Adam counts it), and the error comes when the losses are fetched: when a line is
        printed, after 64 steps, when ``fit`` ends, in every step if there is an ``on_step``.
        """
        size = getattr(ts, "size", 0)
        self.labels += size if isinstance(size, int) else 0  # a reader's own model takes anything
        loss, params, grads = self._gradients(xs, ts)
        if self.accumulate > 1 and not self._gather(loss, grads):
            return loss
        grads = self._sums if self.accumulate > 1 else grads
        if self.schedule is not None:
            self.optimizer.lr = self.schedule.rate(self.updates)
        # Clipped on their way into the parameters where the optimiser can: one pass over the gradients less.
        folded = takes_scale(self.optimizer)
        norm = clip_grads(grads, None if folded else max_grad)
        unseen = is_cupy(loss) and is_cupy(norm) and (folded or self.nonfinite == "book")
        if not unseen:
            loss, norm = _fetched(loss), _fetched(norm)
        self.last_norm = norm
        options = {"scale": clip_rate(norm, max_grad)} if folded else {}
        if unseen:
            if self.nonfinite != "book":
                # NaN where one of them is not finite: the update then leaves everything as it is.
                options["scale"] = options["scale"] + 0 * (loss + norm)
            self.optimizer.update(params, grads, **options)
            self._keep(loss, norm)
        else:
            if self.nonfinite == "book" or (np.isfinite(loss) and np.isfinite(norm)):
                self.optimizer.update(params, grads, **options)
            self._count_in(loss, norm)
        self.updates += 1
        if self.average is not None:
            self.average.add(params)
        if self.on_step is not None:
            self.on_step(_fetched(loss))
        return loss

    def _gradients(self, xs: AnyArray, ts: AnyArray) -> tuple[Any, list[Array], list[Array]]:
        """Return the loss of a batch, the parameters and its gradients, each shared one once."""
        ranks = distributed.current()
        if ranks.size == 1:
            loss = self.model.forward(xs, ts)
            self.model.backward()
            return loss, *remove_duplicate(self.model.params, self.model.grads)
        self._begin_together(ranks)
        return gradients_of_all(ranks, self.model, xs, ts)

    def _begin_together(self, ranks: distributed.Ranks) -> None:
        """Make sure, once, that all ranks train the same model in the same way; they get the weights of rank 0."""
        if self._begun is not ranks:
            ranks.require_same(**described(self))
            ranks.spread(self.model.params)
            ranks.require_same_weights(self.model.params)
            self._begun = ranks

    def _gather(self, loss: Any, grads: list[Array]) -> bool:
        """Add gradients to those of the batches before; return whether that was the last one of an update.

        Then ``_sums`` is their mean. A batch that is not finite is treated as a step of its own would be.
        """
        loss = _fetched(loss)
        is_whole = np.isfinite(loss) or self.nonfinite == "book"
        if is_whole:
            if self._gathered == 0:
                self._sums = [g.copy() for g in grads]
            else:
                for total, g in zip(self._sums, grads, strict=True):
                    total += g
            self._gathered += 1
        if self._gathered == self.accumulate:
            self._gathered = 0
            for total in self._sums:
                total *= total.dtype.type(1 / self.accumulate)
            return True
        self._count_in(loss, 0.0)
        if self.on_step is not None:
            self.on_step(loss)
        return False

    def _train(
        self,
        kept: Fitting,
        epochs: int,
        max_iters: int,
        begin: Callable[[], None],
        batch: Callable[[int], tuple[Any, Any]],
        max_grad: float | None,
        averages: Callable[[float], None],
    ) -> None:
        """Train from the place where training is to the end of the last epoch."""
        ranks = distributed.current()
        if ranks.size > 1:
            ranks.require_same(epochs=epochs)
            self._begin_together(ranks)
        start_time = self._start_time = time.time() - self._place.seconds
        for epoch in range(self._place.epoch, epochs):
            self._place.epoch = epoch
            if ranks.size > 1:
                ranks.spread([])  # a reader's own layers may have drawn other numbers on each rank
            begin()
            for iters in range(self._place.step, max_iters):
                self._place.step = iters + 1
                self.train_step(*batch(iters), max_grad)
                if self.eval_interval is not None and iters % self.eval_interval == 0:
                    averages(self._report(iters, max_iters, start_time))
                kept.step()
            self._place.epoch, self._place.step = epoch + 1, 0
            self.current_epoch += 1
            kept.epoch()
        self._place = Place()
        self._resolve()

    def _take_place(self) -> bool:
        """Go to the place that was given, and return True; or to the beginning."""
        place, self._given = self._given, None
        self._place = Place() if place is None else place
        if place is None:
            self._begin()
        return place is not None

    def _keep(self, loss: Array, norm: Array) -> None:
        """Keep what lies on a device until it is fetched."""
        self._pending.append((loss, norm))
        if self.on_step is not None or len(self._pending) >= _MOST_PENDING:
            self._resolve()

    def _resolve(self) -> None:
        """Fetch what is pending, all of it at once, and do what is done on the host in every step."""
        pending, self._pending = self._pending, []
        if pending:
            values = to_cpu(np.stack([value for pair in pending for value in pair])).tolist()
            for loss, norm in zip(values[::2], values[1::2], strict=True):
                self._count_in(loss, norm)

    def _count_in(self, loss: float, norm: float) -> None:
        """Count the loss of a step in, unless it was left out; raise FloatingPointError if that is the policy."""
        if self.nonfinite == "book" or (np.isfinite(loss) and np.isfinite(norm)):
            self._total += loss
            self._count += 1
        elif self.nonfinite == "raise":
            raise FloatingPointError(f"the loss is {loss}, the gradient norm {norm}; {self._weights_now()}")

    def _weights_now(self) -> str:
        """Return what a step that was left out finds: weights that are whole, or broken by an earlier one."""
        broken = weights_at_fault(self.model)
        if not broken:
            return "the weights are unchanged: lower the learning rate, set max_grad, or see nonfinite="
        settings = [(k, v) for k, v in vars(self.optimizer).items() if isinstance(v, float) and not np.isfinite(v)]
        causes = ", ".join(f"{k} of the optimizer is {v}" for k, v in settings) or "they were so before this step"
        return f"{broken} ({causes}): load a model saved before, or make a new one"

    def _report(self, iters: int, max_iters: int, start_time: float) -> float:
        """Print the book's line; return the average loss since the last one."""
        self._resolve()
        average = self._total / self._count if self._count else float("nan")  # every step was skipped
        self._total, self._count = 0.0, 0
        if distributed.current().rank:
            return average
        print(  # noqa: T201 - the book's output
            f"| epoch {self.current_epoch + 1} |  iter {iters + 1} / {max_iters} "
            f"| time {int(time.time() - start_time)}[s] | {self._shown(average)}"
        )
        return average

    def _shown(self, average: float) -> str:
        raise NotImplementedError

    def _plot(self, values: list[float], ylim: tuple[float, float] | None) -> None:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - only who plots pays for it

        if ylim is not None:
            ends = [number("ylim", end) for end in listed("ylim", ylim, "two numbers")]
            if len(ends) != 2 or not np.isfinite(ends).all() or ends[0] == ends[1]:
                raise ValueError(f"ylim is {ends}, expected two different finite numbers")
            plt.ylim(*ends)
        plt.plot(np.arange(len(values)), values, label="train")
        plt.xlabel(f"iterations (x{self.eval_interval})")
        plt.ylabel(self.label)
        plt.show()


def _fetched(value: Any) -> float:
    return float(to_cpu(value) if is_cupy(value) else value)
