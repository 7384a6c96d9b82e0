"""Losses over a sequence. Source: the book, section 5.4 and the end of its ``common/time_layers.py``."""

from typing import Any

import numpy as np

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.functions import sigmoid
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.either import (
    as_array,
    as_integers,
    beside,
    inexact,
    is_cupy,
    number,
    require_real,
    require_same_side,
    saved,
)
from fasts2s_kernels.quiet import quiet


def _time_labels(xs: Any, ts: Any) -> tuple[Array, Array]:
    """Return scores (N, T, V) and labels as ids (N, T), from ids or one-hot (N, T, V)."""
    xs = as_array("xs", xs, "a float array (N, T, V)")
    if xs.ndim != 3:
        raise ValueError(f"xs has shape {xs.shape}, expected (N, T, V)")
    ts = as_array("ts", ts, "labels (N, T) or one-hot labels (N, T, V)")
    require_real("ts", ts)
    if ts.ndim == 3 and ts.shape == xs.shape and xs.shape[2] > 0:
        ts = ts.argmax(axis=2)
    if ts.shape != xs.shape[:2]:
        raise ValueError(f"ts has shape {ts.shape}, expected {xs.shape[:2]} or one-hot {xs.shape}")
    return xs, as_integers("ts", ts, "(N, T)")


class TimeSoftmaxWithLoss:
    """Mean cross entropy of a softmax over all labels that are not ``ignore_label``, in nats.

    Computed as ``log(sum(exp(x))) - x[t]``, which is finite where the book's ``log(softmax(x))`` is not. Differences
    from the book: an ignored row is never read (there a NaN in it reaches the loss); with no counted label the loss
    and the gradient are 0 (there NaN); backward can be called repeatedly (there it overwrites its cache); a label
    outside 0 to V - 1 that is not ignore_label is an IndexError (there negative ones count from the end).

    Attributes
    ----------
    ignore_label : int
        Labels that do not count, -1 at first.
    """

    def __init__(self, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.ignore_label = -1
        self._cache: Any = None

    def forward(self, xs: AnyArray, ts: AnyArray) -> Any:
        """Return the loss.

        Parameters
        ----------
        xs : (N, T, V) float
            Scores (logits).
        ts : (N, T) integers, or one-hot (N, T, V)

        Returns
        -------
        numpy.float64

        Raises
        ------
        ValueError
            Wrong type, dtype or shape.
        IndexError
            A label out of range.
        """
        xs, ts = _time_labels(xs, ts)
        N, T, V = xs.shape
        kernels = self.backend.kernels_for(xs, ts)
        loss, cache = kernels.softmax_loss_forward(
            xs.reshape(N * T, V), ts.reshape(N * T), ignore_label=self.ignore_label
        )
        self._cache = (cache, (N, T, V), xs[:0])  # the last tells the kind of array
        return loss

    def backward(self, dout: float = 1) -> Array:
        """Return dxs (N, T, V), the gradient of the loss times the number dout."""
        cache, shape, like = saved(self._cache)
        return self.backend.kernels_for(like).softmax_loss_backward(dout, cache).reshape(shape)


class Simple_TimeSoftmaxWithLoss:
    """Mean over time of the mean cross entropy of each step, in nats; no ignored label."""

    def __init__(self, *, backend: BackendLike | None = None) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self._loss = TimeSoftmaxWithLoss(backend=backend)
        self._loss.ignore_label = -(2**63)

    def forward(self, xs: AnyArray, ts: AnyArray) -> Any:
        """xs : (N, T, V), ts : (N, T) or one-hot -> loss. Raises ValueError, IndexError."""
        ts = _time_labels(xs, ts)[1]
        if not is_cupy(ts) and ts.size and int(ts.min()) < 0:
            raise IndexError(f"ts holds {int(ts.min())}, expected labels from 0 to V - 1")
        return self._loss.forward(xs, ts)  # all steps have the same number of rows: one mean is both means

    def backward(self, dout: float = 1) -> Array:
        """Return dxs (N, T, V), the gradient of the loss times the number dout."""
        return self._loss.backward(dout)


class TimeSigmoidWithLoss:
    """Mean over time of the mean binary cross entropy ``-log(y + 1e-7)`` of each step, in nats."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.xs_shape: tuple[int, int] | None = None
        self.layers = None
        self._cache: Any = None

    @quiet
    def forward(self, xs: AnyArray, ts: AnyArray) -> Any:
        """xs : (N, T) scores, ts : (N, T) of 0 and 1 -> loss. Raises ValueError, IndexError.

        Labels that lie on a device are looked at too, which waits for it.
        """
        scores = inexact("xs", xs, "(N, T)")
        if scores.ndim != 2:
            raise ValueError(f"xs has shape {scores.shape}, expected (N, T)")
        labels = as_integers("ts", ts, "(N, T)", 2)
        if labels.shape != scores.shape:
            raise ValueError(f"ts has shape {labels.shape}, expected (N, T) = {scores.shape}")
        wrong = (labels != 0) & (labels != 1)
        if wrong.any():
            raise IndexError(f"ts holds {int(labels[wrong][0])}, expected 0 and 1")
        labels = beside(scores, labels)
        require_same_side(xs=scores, ts=labels)
        ys = sigmoid(scores)
        self.xs_shape, self._cache = scores.shape, (ys, labels.astype(ys.dtype))
        if scores.size == 0:
            return np.float64(0)
        return -np.mean(np.log(np.where(labels == 1, ys, 1 - ys) + 1e-7))

    @quiet
    def backward(self, dout: float = 1) -> Array:
        """Return dxs (N, T), the gradient of the loss times dout, without the 1e-7 of forward, as in the book."""
        ys, ts = saved(self._cache)
        return (ys - ts) * (number("dout", dout) / max(ys.size, 1))
