"""Training loops. Source: the book's ``common/trainer.py``; printed lines are its own."""

from pathlib import Path
from typing import Any

import numpy as np

from fasts2s import distributed
from fasts2s._text_batches import next_batch
from fasts2s.resuming import fingerprint
from fasts2s.resuming.fitting import Fitting
from fasts2s.trainer._loop import Loop, Model, Optimizer, Policy
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.either import as_array, as_integers
from fasts2s_kernels.checks.scalars import threshold

__all__ = ["Model", "Optimizer", "Policy", "RnnlmTrainer", "Trainer"]


class Trainer(Loop):
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

    def _begin_lists(self) -> None:
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
        ranks = distributed.current()
        facts: dict[str, Any] = {"batch_size": batch_size, "max_grad": max_grad, "partial_batches": partial}
        facts |= {"data": fingerprint(x, t)} if checkpoint is not None or ranks.size > 1 else {}
        with Fitting(self, checkpoint, checkpoint_every, facts, ranks) as kept:
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


class RnnlmTrainer(Loop):
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

    def _begin_lists(self) -> None:
        self.time_idx: int | None = None
        self.ppl_list: list[float] | None = None

    def get_batch(self, x: AnyArray, t: AnyArray, batch_size: int, time_size: int) -> tuple[Array, Array]:
        """Return the next xs, ts : (batch_size, time_size) int32; row i reads its own part of the text.

        Raises ValueError if the text is shorter than batch_size or x, t are no integers (L,).
        """
        return next_batch(self, x, t, batch_size, time_size)

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
        ranks = distributed.current()
        facts: dict[str, Any] = {"batch_size": batch_size, "time_size": time_size, "max_grad": max_grad}
        facts |= {"data": fingerprint(xs, ts)} if checkpoint is not None or ranks.size > 1 else {}
        with Fitting(self, checkpoint, checkpoint_every, facts, ranks) as kept:
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
