"""The checks of :mod:`fasts2s_kernels.checks` for arrays of either side: NumPy on the host, CuPy on a device.

For what stands above the kernels and works with both. Names and meanings are those of ``checks``; what comes from the
host takes the way it takes there. Whether the arrays of a call lie on the same side is looked at by the kernels, or
with :func:`require_same_side` where no kernel follows.
"""

from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import require_real, saved
from fasts2s_kernels.checks.sides import beside, device_arrays, is_cupy, require_same_side

__all__ = [
    "array_list",
    "as_array",
    "as_float",
    "as_integers",
    "beside",
    "bias_buffer",
    "buffer",
    "ids_beside",
    "inexact",
    "is_cupy",
    "number",
    "own_ids",
    "recurrent_weights",
    "require_real",
    "require_same_side",
    "saved",
    "weight",
]

_as_array = device_arrays()(checks.as_array)
_as_float = device_arrays()(checks.as_float)
_as_integers = device_arrays()(checks.as_integers)
_inexact = device_arrays()(checks.inexact)
_weight = device_arrays()(checks.weight)
_buffer = device_arrays()(checks.buffer)
_bias_buffer = device_arrays()(checks.bias_buffer)
_recurrent_weights = device_arrays()(checks.recurrent_weights)

#: As :func:`fasts2s_kernels.checks.array_list`.
array_list = device_arrays()(checks.array_list)


def as_array(name: str, a: Any, expected: str) -> Array:
    """See :func:`fasts2s_kernels.checks.as_array`."""
    return a if type(a) is np.ndarray else _as_array(name, a, expected)


def as_float(name: str, a: Any, dtype: Any, shape: tuple[int, ...], letters: str) -> Array:
    """See :func:`fasts2s_kernels.checks.as_float`."""
    return (checks.as_float if type(a) is np.ndarray else _as_float)(name, a, dtype, shape, letters)


def as_integers(name: str, a: Any, letters: str, ndim: int | None = None) -> Array:
    """See :func:`fasts2s_kernels.checks.as_integers`; elements are looked at on the host only."""
    return (checks.as_integers if type(a) is np.ndarray else _as_integers)(name, a, letters, ndim)


def inexact(name: str, a: Any, letters: str) -> Array:
    """See :func:`fasts2s_kernels.checks.inexact`."""
    return (checks.inexact if type(a) is np.ndarray else _inexact)(name, a, letters)


def weight(name: str, a: Any, letters: str, ndim: int | None) -> Array:
    """See :func:`fasts2s_kernels.checks.weight`."""
    return (checks.weight if type(a) is np.ndarray else _weight)(name, a, letters, ndim)


def buffer(name: str, a: Any, like: Array, letters: str) -> Array:
    """See :func:`fasts2s_kernels.checks.buffer`."""
    return (checks.buffer if type(a) is np.ndarray else _buffer)(name, a, like, letters)


def bias_buffer(db: Any, shape: tuple[int, ...], letters: str) -> Array:
    """See :func:`fasts2s_kernels.checks.bias_buffer`."""
    return (checks.bias_buffer if type(db) is np.ndarray else _bias_buffer)(db, shape, letters)


def recurrent_weights(gates: int, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Array, Array | None]:
    """See :func:`fasts2s_kernels.checks.recurrent_weights`."""
    return (checks.recurrent_weights if type(Wx) is np.ndarray else _recurrent_weights)(gates, Wx, Wh, b)


def number(name: str, value: Any) -> float:
    """See :func:`fasts2s_kernels.checks.number`. A number that lies on a device is fetched."""
    return checks.number(name, value.item() if is_cupy(value) and getattr(value, "ndim", 1) == 0 else value)


def ids_beside(name: str, ids: Array, table: Array) -> Array:
    """Return integer ids of rows of a table (V, D) in the memory where the table is.

    Those that must move are looked at before, IndexError, and move once for all that follows. All others stay as they
    are: the kernels look at them.
    """
    if type(ids) is np.ndarray and is_cupy(table):
        return beside(table, checks.as_ids(name, ids, table.shape[0], "of any shape"))
    return ids


def own_ids(name: str, ids: Any, table: Array) -> Array:
    """Return ids (N, T) of rows of a table (V, D) as int64 in memory of their own, where the table is.

    Ids of the host are looked at here, IndexError, and come back in 0 .. V - 1. Those that lie on a device are looked
    at by the kernels.
    """
    if is_cupy(ids):
        own: Array = as_integers(name, ids, "(N, T)", 2).copy()
        return own
    looked_at = checks.as_ids(name, ids, table.shape[0], "(N, T)", 2)
    return beside(table, looked_at) if is_cupy(table) else looked_at.copy()
