"""Functions that make device arrays."""

import numpy as np

from cupy._array import ndarray
from cupy._memory import allocate
from cupy._own import over_own, own, wrap
from cupy._state import counts

__all__ = [
    "arange", "array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "asnumpy", "copy", "empty",
    "empty_like", "eye", "full", "full_like", "get_array_module", "identity", "linspace", "ones", "ones_like", "tri",
    "zeros", "zeros_like",
]  # fmt: skip


def _leaves(obj):
    leaves, waiting = [], [obj]
    while waiting:
        value = waiting.pop()
        waiting.extend(value) if isinstance(value, list | tuple) else leaves.append(value)
    return leaves


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    """Upload numbers and NumPy arrays, or join arrays of this module; lists of both are refused, as by CuPy."""
    leaves = _leaves(obj)
    ours = [x for x in leaves if isinstance(x, ndarray)]
    if ours:
        if len(ours) < len(leaves):
            np.asarray(ours[0])  # refuses
        obj = own(obj)
    else:
        counts.uploads += 1
    counts.operations += 1
    return wrap(np.array(obj, dtype=dtype, order=order, ndmin=ndmin))


def asarray(obj, dtype=None, order=None, *, blocking=False):
    if isinstance(obj, ndarray):
        return obj.astype(obj.dtype if dtype is None else dtype, order=order or "K", copy=False)
    return array(obj, dtype, order=order or "K")


asanyarray = asarray


def ascontiguousarray(a, dtype=None):
    a = asarray(a, dtype, "C")
    return a if a.ndim else a.reshape(1)


def asfortranarray(a, dtype=None):
    a = asarray(a, dtype, "F")
    return a if a.ndim else a.reshape(1)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    if isinstance(a, ndarray):
        return a.get(order=order, out=out)
    found = np.asarray(a, order=order)
    return found if out is None else np.copyto(out, found) or out


def copy(a, order="K"):
    return a.copy(order) if isinstance(a, ndarray) else array(a, order=order)


def empty(shape, dtype=float, order="C"):
    return ndarray._of(allocate(shape, dtype, order))


def full(shape, fill_value, dtype=None, order="C"):
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, ndarray) else np.asarray(fill_value).dtype
    made = empty(shape, dtype, order)
    made.fill(fill_value)
    return made


def zeros(shape, dtype=float, order="C"):
    return full(shape, 0, dtype, order)


def ones(shape, dtype=float, order="C"):
    return full(shape, 1, dtype, order)


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    """Take shape, dtype and layout of whatever has them."""
    like = np.empty_like(getattr(prototype, "_a", prototype), dtype=dtype, order=order, shape=shape)
    return ndarray._of(allocate(like.shape, like.dtype, strides=like.strides if like.size else None))


def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    made = empty_like(a, dtype, order, subok, shape)
    made.fill(fill_value)
    return made


def zeros_like(a, dtype=None, order="K", subok=None, shape=None):
    return full_like(a, 0, dtype, order, subok, shape)


def ones_like(a, dtype=None, order="K", subok=None, shape=None):
    return full_like(a, 1, dtype, order, subok, shape)


def get_array_module(*args):
    import cupy  # noqa: PLC0415 - it is being imported when this module is

    return cupy if any(isinstance(a, ndarray) for a in args) else np


arange, eye, identity, linspace, tri = map(over_own, (np.arange, np.eye, np.identity, np.linspace, np.tri))
