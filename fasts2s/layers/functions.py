"""The functions of the book's ``common.functions``. Source: the book, sections 1.3 and 1.4."""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.arguments import converted
from fasts2s_kernels.checks.either import as_array, as_integers, is_cupy, number, require_real, require_same_side
from fasts2s_kernels.quiet import quiet


def _real(name: str, x: Array) -> Array:
    """Return x as a float array: minus an unsigned 3 is not minus 3."""
    require_real(name, x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _plain(name: str, x: Any) -> Any:
    """Return a number as it is, anything else as what NumPy makes of it."""
    if isinstance(x, int | float | np.number) and not isinstance(x, bool | np.timedelta64):
        number(name, x)
        return x
    return _real(name, converted(name, x, "a number or an array of numbers"))


@quiet
def sigmoid(x: Any) -> Any:
    """Return ``1 / (1 + exp(-x))`` element by element, for an array of any shape or a number; no overflow warning."""
    x = _real("x", x) if isinstance(x, np.ndarray) or is_cupy(x) else _plain("x", x)
    x = float(x) if isinstance(x, int) else x  # NumPy knows no exp of an integer beyond int64
    return 1 / (1 + np.exp(-x))


@quiet
def relu(x: Any) -> Any:
    """Return ``maximum(0, x)`` element by element, for an array of any shape or a number."""
    x = x if isinstance(x, np.ndarray) or is_cupy(x) else _plain("x", x)
    require_real("x", np.asarray(x) if isinstance(x, int | float) else x)
    return np.maximum(0, x)


@quiet
def softmax(x: AnyArray) -> Array:
    """Return the softmax of each row of x (N, V), or of the whole of x (V,), in a new array of the same shape.

    Raises ValueError for other numbers of dimensions. (The book returns such an x unchanged.)
    """
    x = _real("x", as_array("x", x, "a float array (N, V) or (V,)"))
    if x.ndim not in (1, 2):
        raise ValueError(f"x has shape {x.shape}, expected (N, V) or (V,): reshape it to rows")
    if x.size == 0:
        return x.copy()
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def class_ids(y: AnyArray, t: Any) -> Array:
    """Return labels t as class ids (N,), from ids (N,) or one-hot rows of the shape of y (N, V).

    Raises ValueError for another shape or dtype, IndexError for an id outside 0 to V - 1. Labels that lie on a device
    are looked at too, which waits for it; they must not come to probabilities of the host.
    """
    t = as_array("t", t, "labels (N,) or one-hot rows (N, V)")
    if is_cupy(t):
        require_same_side(t=t, y=y)
    require_real("t", t)
    if t.shape == y.shape and y.shape[1:] != (0,):
        t = t.argmax(axis=1)
    if t.shape != (y.shape[0],) or t.dtype.kind not in "iu":
        raise ValueError(f"t is {t.dtype} {t.shape}, expected integers (N,) = ({y.shape[0]},) or one-hot {y.shape}")
    t = as_integers("t", t, "(N,)", 1)
    wrong = (t < 0) | (t >= y.shape[1])
    if wrong.any():
        raise IndexError(f"t holds {int(t[wrong][0])}, expected class ids from 0 to {y.shape[1] - 1}")
    return t


@quiet
def cross_entropy_error(y: AnyArray, t: AnyArray) -> Any:
    """Return the mean of ``-log(y[n, t[n]] + 1e-7)`` in nats.

    y : (N, V) probabilities, or (V,) for one row; t : ids (N,) or one-hot of the shape of y. An empty batch gives 0.
    """
    y = _real("y", as_array("y", y, "probabilities (N, V) or (V,)"))
    if y.ndim == 1:
        y, t = y.reshape(1, -1), as_array("t", t, "a label or a one-hot row").reshape(1, -1)
        t = t[0] if t.size == 1 and y.size != 1 else t
    if y.ndim != 2:
        raise ValueError(f"y has shape {y.shape}, expected (N, V) or (V,)")
    t = class_ids(y, t)
    if y.shape[0] == 0:
        return np.float64(0)
    return -np.sum(np.log(y[np.arange(y.shape[0]), t] + 1e-7)) / y.shape[0]
