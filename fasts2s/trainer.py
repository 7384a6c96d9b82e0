"""Training loops. Source: the book's ``common/trainer.py``; printed lines are its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.generation import weights_at_fault
from fasts2s.optimizers import clip_grads, clip_rate, remove_duplicate, takes_scale
from fasts2s.resuming import fingerprint
from fasts2s.resuming.fitting import Fitting
from fasts2s.resuming.loop_state import Place, give_trainer, take_trainer
from fasts2s.schedules import Schedule, WeightAverage
from fasts2s_kernels.checks import flag, integer, number
from fasts2s_kernels.checks.arguments import called, listed, one_of, with_methods
from fasts2s_kernels.checks.either import as_array, as_integers, is_cupy
from fasts2s_kernels.checks.scalars import threshold
from fasts2s_kernels.contract import AnyArray, Array

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


class _Loop:
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
        self._begin()

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
        return take_trainer(self, arrays)

    def give_state(self, tree: Any, arrays: dict[str, Array]) -> None:
        """Put back what take_state returned; the next ``fit`` goes on from there. Raises ValueError, KeyError."""
        give_trainer(self, tree, arrays)

    def train_step(self, xs: AnyArray, ts: AnyArray, max_grad: float | None = None) -> Any:
        """Forward, backward, merge shared weights, clip, update; return the loss.

        Raises FloatingPointError if the loss or the gradient norm is not finite and ``nonfinite`` is "raise"; the
        weights are then as before. "skip" leaves the step out, "book" lets it through. Gradients stay unclipped in
        ``model.grads`` unless the optimiser is not one of this package's.

        On a device nothing waits for it: the loss is an array without dimensions there, the device itself leaves a
        step out that is not finite (Adam counts it), and the error comes when the losses are fetched: when a line is
        printed, after 64 steps, when ``fit`` ends, in every step if there is an ``on_step``.
        """
        loss = self.model.forward(xs, ts)
        size = getattr(ts, "size", 0)
        self.labels += size if isinstance(size, int) else 0  # a reader's own model takes anything
        self.model.backward()
        params, grads = remove_duplicate(self.model.params, self.model.grads)
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
        start_time = self._start_time = time.time() - self._place.seconds
        for epoch in range(self._place.epoch, epochs):
            self._place.epoch = epoch
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


class Trainer(_Loop):
    """Train on (x, t) pairs in shuffled mini-batches.

    Parameters
    ----------
    model, optimizer
        With ``forward(x, t)``, ``backward()``, ``params``, ``grads``; with ``update(params, grads)``.
    nonfinite : {"raise", "skip", "book"}
        What to do when the loss or the gradients are NaN or infinite: raise FloatingPointError, leave the step
        out, or update with them as the book does.
    on_step : callable or None
        Called with the loss after every step.
    schedule : object or None
        With ``rate(step)``, the learning rate of the update number step: see :mod:`fasts2s.schedules`.
    accumulate : int
        An update takes the mean of the gradients of so many batches.
    average : float or None
        The decay of a running average of the weights, which ``with trainer.averaged():`` puts in their place.

    Attributes
    ----------
    updates : int
        Updates of the weights, over all calls of fit.
    labels : int
        Labels that were trained on, padding included.
    last_norm : float, or an array of a device
        The norm of the gradients of the last update.
    loss_list : list of float
        Average losses, one per printed line.
    current_epoch : int
        Epochs done, over all calls of fit.
    """

    label = "loss"

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
        super().__init__(
            model,
            optimizer,
            nonfinite=nonfinite,
            on_step=on_step,
            schedule=schedule,
            accumulate=accumulate,
            average=average,
        )
        self.loss_list: list[float] = []

    def fit(
        self,
        x: AnyArray,
        t: AnyArray,
        max_epoch: int = 10,
        batch_size: int = 32,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
        *,
        partial_batches: bool = False,
        checkpoint: str | Path | None = None,
        checkpoint_every: int | None = None,
    ) -> None:
        """Train for max_epoch epochs.

        Parameters
        ----------
        x : (L, ...), t : (L, ...)
            Data; shuffled anew in every epoch by one draw of ``numpy.random.permutation``.
        max_grad : float or None
            L2 clipping threshold.
        eval_interval : int or None
            Print a line every so many iterations; None prints nothing.
        partial_batches : bool
            Whether rows left at the end of an epoch are trained on as a smaller batch. As in the book they are not.
        checkpoint : path or None
            A file that keeps the state of the training; if it is there, this call goes on where that training was,
            to the same bits, with model and optimiser made as they were then. A call that was finished returns at
            once; a larger max_epoch adds epochs. Written after every epoch, by a thread beside the training, and at
            Ctrl-C and SIGTERM, which wait for the end of a step.
        checkpoint_every : int or None
            Write it after so many steps, too; None: every ten minutes.

        Raises
        ------
        ValueError
            A wrong argument; the checkpoint is of another training, or both it and the one before are damaged.
        """
        max_epoch, batch_size = integer("max_epoch", max_epoch, 1), integer("batch_size", batch_size, 1)
        max_grad = threshold(max_grad)
        self.eval_interval = None if eval_interval is None else integer("eval_interval", eval_interval, 1)
        x, t = as_array("x", x, "an array (L, ...)"), as_array("t", t, "an array (L, ...)")
        if not x.ndim or not t.ndim:
            raise ValueError(f"x and t have shapes {x.shape} and {t.shape}, expected (L, ...) of each")
        if len(x) != len(t):
            raise ValueError(f"x and t hold {len(x)} and {len(t)} rows, expected as many of each")
        partial = flag("partial_batches", partial_batches)
        max_iters = -(-len(x) // batch_size) if partial else len(x) // batch_size
        if max_iters < 1:
            more = "" if partial or not len(x) else ", or partial_batches=True"
            raise ValueError(f"batch_size is {batch_size}, expected at most the number of rows, {len(x)}{more}")
        facts: dict[str, Any] = {"batch_size": batch_size, "max_grad": max_grad, "partial_batches": partial}
        facts |= {"data": fingerprint(x, t)} if checkpoint is not None else {}
        with Fitting(self, checkpoint, checkpoint_every, facts) as kept:
            self._take_place()
            rows = np.arange(len(x))
            shuffled: list[Any] = [x, t]

            def begin() -> None:
                place = self._place
                if place.step == 0:
                    order = np.random.permutation(rows)
                    # Every epoch shuffles what the one before has shuffled.
                    order = order if place.order is None else place.order[order]
                    order.setflags(write=False)
                    place.order = order
                shuffled[:] = x[place.order], t[place.order]

            def batch(iters: int) -> tuple[Any, Any]:
                where = slice(iters * batch_size, (iters + 1) * batch_size)
                return shuffled[0][where], shuffled[1][where]

            self._train(kept, max_epoch, max_iters, begin, batch, max_grad, self.loss_list.append)

    def _shown(self, average: float) -> str:
        return f"loss {average:.2f}"

    def plot(self, ylim: tuple[float, float] | None = None) -> None:
        """Show the loss curve with matplotlib."""
        self._plot(self.loss_list, ylim)


class RnnlmTrainer(_Loop):
    """Train a language model on one long text by truncated backpropagation through time.

    Parameters as for :class:`Trainer`.

    Attributes
    ----------
    ppl_list : list of float or None
        Perplexities, one per printed line of the last fit.
    time_idx : int or None
        Steps read since fit began: the text is read on from epoch to epoch.
    """

    label = "perplexity"

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
        super().__init__(
            model,
            optimizer,
            nonfinite=nonfinite,
            on_step=on_step,
            schedule=schedule,
            accumulate=accumulate,
            average=average,
        )
        self.time_idx: int | None = None
        self.ppl_list: list[float] | None = None

    def get_batch(self, x: AnyArray, t: AnyArray, batch_size: int, time_size: int) -> tuple[Array, Array]:
        """Return the next xs, ts : (batch_size, time_size) int32; row i reads its own part of the text.

        Raises ValueError if the text is shorter than batch_size or x, t are no integers (L,).
        """
        x, t = as_integers("x", x, "(L,)", 1), as_integers("t", t, "(L,)", 1)
        batch_size, time_size = integer("batch_size", batch_size, 1), integer("time_size", time_size, 1)
        if len(t) != len(x) or len(x) < batch_size:
            raise ValueError(f"x and t hold {len(x)} and {len(t)} ids, expected as many, at least {batch_size}")
        time_idx = self.time_idx or 0
        starts = (len(x) // batch_size) * np.arange(batch_size)[:, None]
        where = (starts + time_idx + np.arange(time_size)) % len(x)
        self.time_idx = time_idx + time_size
        return x[where].astype(np.int32), t[where].astype(np.int32)

    def fit(
        self,
        xs: AnyArray,
        ts: AnyArray,
        max_epoch: int = 10,
        batch_size: int = 20,
        time_size: int = 35,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
        *,
        checkpoint: str | Path | None = None,
        checkpoint_every: int | None = None,
    ) -> None:
        """Train for max_epoch epochs on xs, ts : (L,) ids, ts being xs one word on.

        max_grad, eval_interval, checkpoint and checkpoint_every as in :meth:`Trainer.fit`. Words left at the end of
        an epoch, too few for a batch, are not lost: they begin the next epoch, for the text is read on.
        """
        max_epoch, batch_size = integer("max_epoch", max_epoch, 1), integer("batch_size", batch_size, 1)
        time_size = integer("time_size", time_size, 1)
        max_grad = threshold(max_grad)
        self.eval_interval = None if eval_interval is None else integer("eval_interval", eval_interval, 1)
        xs, ts = as_integers("xs", xs, "(L,)", 1), as_integers("ts", ts, "(L,)", 1)
        need = batch_size * time_size
        max_iters = len(xs) // need
        if max_iters < 1:
            raise ValueError(f"xs has {len(xs)} ids, expected at least batch_size * time_size = {need}")
        facts: dict[str, Any] = {"batch_size": batch_size, "time_size": time_size, "max_grad": max_grad}
        facts |= {"data": fingerprint(xs, ts)} if checkpoint is not None else {}
        with Fitting(self, checkpoint, checkpoint_every, facts) as kept:
            if not self._take_place():
                self.time_idx, self.ppl_list = 0, []

            def add(average: float) -> None:
                self.ppl_list = [*(self.ppl_list or ()), float(np.exp(average))]

            def batch(_: int) -> tuple[Any, Any]:
                return self.get_batch(xs, ts, batch_size, time_size)

            self._train(kept, max_epoch, max_iters, lambda: None, batch, max_grad, add)

    def _shown(self, average: float) -> str:
        return f"perplexity {np.exp(average):.2f}"

    def plot(self, ylim: tuple[float, float] | None = None) -> None:
        """Show the perplexity curve with matplotlib."""
        self._plot(self.ppl_list or [], ylim)
