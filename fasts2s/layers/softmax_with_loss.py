"""Softmax and sigmoid on rows, with and without loss. Source: the book, sections 1.3, 4.2 and 8.1."""

from typing import Any

import numpy as np

from fasts2s.layers.functions import class_ids, cross_entropy_error, sigmoid, softmax
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.either import as_array, as_float, beside, inexact, number, require_same_side, saved
from fasts2s_kernels.quiet import quiet


class Softmax:
    """Softmax of every row."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.out: Array | None = None

    @quiet
    def forward(self, x: AnyArray) -> Array:
        """x : (N, V) -> (N, V). Raises ValueError for other shapes and types."""
        out: Array = softmax(_rows("x", x))
        self.out = out
        return out.copy()  # backward needs it as it is, whatever the caller does with the result

    @quiet
    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, V) -> dx (N, V). Raises ValueError for other shapes and types."""
        out = saved(self.out)
        dout = as_float("dout", dout, out.dtype, out.shape, "(N, V)")
        require_same_side(dout=dout, out=out)
        dx = out * dout
        return dx - out * dx.sum(axis=1, keepdims=True)


class SoftmaxWithLoss:
    """Mean cross entropy of a softmax, ``-log(y + 1e-7)`` in nats. The gradient is that without the 1e-7."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.y: Array = None  # probabilities (N, V)
        self.t: Array = None  # class ids (N,)

    @quiet
    def forward(self, x: AnyArray, t: AnyArray) -> Any:
        """x : (N, V) scores, t : ids (N,) or one-hot (N, V) -> loss. ValueError, IndexError for bad input."""
        y = softmax(_rows("x", x))
        t = class_ids(y, t)
        self.y, self.t = y, t
        return cross_entropy_error(y, t)

    @quiet
    def backward(self, dout: float = 1) -> Array:
        """Return dx (N, V), the gradient of the loss times dout."""
        y, t = saved(self.y), self.t
        dx = y.copy()
        dx[np.arange(len(t)), t] -= 1
        return dx * (number("dout", dout) / max(len(t), 1))


class Sigmoid:
    """Sigmoid of every element."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.out: Array | None = None

    @quiet
    def forward(self, x: AnyArray) -> Array:
        """x : any shape -> the same shape. Raises ValueError if x is no float array."""
        out: Array = sigmoid(inexact("x", x, "of any shape"))
        self.out = out
        return out.copy()  # backward needs it as it is, whatever the caller does with the result

    @quiet
    def backward(self, dout: AnyArray) -> Array:
        """dout : the shape of x -> dx of the same shape. Raises ValueError for another shape."""
        out = saved(self.out)
        dout = as_float("dout", dout, out.dtype, out.shape, "the shape of x")
        require_same_side(dout=dout, out=out)
        return dout * (1 - out) * out


class SigmoidWithLoss:
    """Mean binary cross entropy of a sigmoid, ``-log(y + 1e-7)`` in nats. The gradient is that without the 1e-7."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.loss: Any = None
        self.y: Array = None  # probabilities of label 1 (N,)
        self.t: Array = None  # labels 0 or 1 (N,)

    @quiet
    def forward(self, x: AnyArray, t: AnyArray) -> Any:
        """x : (N,) scores, t : (N,) of 0 and 1 -> loss. Raises ValueError, IndexError for bad input."""
        x = inexact("x", x, "(N,)")
        if x.ndim != 1:
            raise ValueError(f"x has shape {x.shape}, expected (N,)")
        y = sigmoid(x)
        both = np.stack((1 - y, y), axis=1)
        t = as_array("t", t, "labels (N,) of 0 and 1")
        if t.shape != y.shape:
            raise ValueError(f"t has shape {t.shape}, expected (N,) = {y.shape}")
        loss = cross_entropy_error(both, class_ids(both, t))
        self.y, self.t, self.loss = y, beside(y, t), loss
        return loss

    @quiet
    def backward(self, dout: float = 1) -> Array:
        """Return dx (N,), the gradient of the loss times dout."""
        y, t = saved(self.y), self.t
        return (y - t.astype(y.dtype)) * (number("dout", dout) / max(len(y), 1))


def _rows(name: str, x: Any) -> Array:
    x = inexact(name, x, "(N, V)")
    if x.ndim != 2:
        raise ValueError(f"{name} has shape {x.shape}, expected (N, V)")
    return x
