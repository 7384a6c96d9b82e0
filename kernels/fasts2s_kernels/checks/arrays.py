"""Validation of arrays: type, dtype, shape, ids, labels; see :mod:`fasts2s_kernels.checks`."""

from typing import Any, NoReturn

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.scalars import integer
from fasts2s_kernels.checks.sides import device_arrays_pass, is_cupy

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_array(name: str, a: Any, expected: str) -> Array:
    """Return a as a plain array, or raise ValueError if it is no array at all (or a masked one).

    An array of CuPy is a ValueError too, except inside :class:`device_arrays`.
    """
    if isinstance(a, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array, whose mask would be ignored; expected {expected}")
    if type(a) is np.ndarray:
        return a
    if is_cupy(a):
        if device_arrays_pass():
            return a
        raise ValueError(f"{name} is a cupy.ndarray, expected {expected} of NumPy: move it with to_cpu()")
    if isinstance(a, np.ndarray | np.generic):
        return np.asarray(a)
    raise ValueError(f"{name} is of type {type(a).__name__}, expected {expected}: convert it with numpy.asarray")


def as_float(name: str, a: Any, dtype: Any, shape: tuple[int, ...], letters: str) -> Array:
    """Return a as an array of the given dtype and shape; ``letters`` name the shape in the message."""
    if type(a) is np.ndarray and a.dtype is dtype and a.shape == shape:
        return a  # the usual case, without a message being made
    a = as_array(name, a, f"a float array {letters} = {shape}")
    if a.shape != shape:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters} = {shape}")
    return cast(name, a, dtype)


def cast(name: str, a: Array, dtype: Any) -> Array:
    """Return an array of any shape in a dtype, itself where it has it; ValueError if it holds no real numbers."""
    if a.dtype == dtype:
        # An array of foreign byte order is equal to none of the native dtypes, so it goes through astype.
        return a
    require_real(name, a)
    # Quiet, because a float64 beyond the range of float32 becomes infinite and shows in the result.
    with np.errstate(over="ignore"):
        return a.astype(dtype)


def require_real(name: str, a: Array) -> None:
    """Raise ValueError unless the elements are real numbers: floats, integers or bools."""
    if a.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {a.dtype}, expected a real number type such as float32")


def inexact(name: str, a: Any, letters: str) -> Array:
    """Return an array of any float dtype as it is, of other real numbers as float32."""
    a = as_array(name, a, f"a float array {letters}")
    return a if a.dtype.kind == "f" else cast(name, a, np.dtype(np.float32))


def floating(name: str, a: Any, letters: str, ndim: int) -> Array:
    """Return an input that sets the dtype of a kernel: float32 and float64 (of any byte order) stay, the rest becomes
    float32."""
    a = as_array(name, a, f"a float array {letters}")
    if a.ndim != ndim:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters}")
    return cast(name, a, np.dtype(np.float64 if a.dtype.kind == "f" and a.dtype.itemsize == 8 else np.float32))


def weight(name: str, a: Any, letters: str, ndim: int | None) -> Array:
    """Return a as a weight array: float32 or float64 with ndim dimensions (any number where None)."""
    if type(a) is np.ndarray and a.dtype is _FLOATS[0] and (ndim is None or a.ndim == ndim):
        return a
    a = as_array(name, a, f"a float32 or float64 array {letters}")
    if ndim is not None and a.ndim != ndim:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters}")
    if a.dtype not in _FLOATS:
        raise ValueError(f"{name} has dtype {a.dtype}, expected float32 or float64: use astype")
    return a


def buffer(name: str, a: Any, like: Array, letters: str) -> Array:
    """Return a gradient buffer that can be overwritten in place: shape and dtype of its weight, writable."""
    if type(a) is np.ndarray and a.dtype is like.dtype and a.shape == like.shape and a.flags.writeable:
        return a
    a = as_array(name, a, f"a writable array {letters} = {like.shape}")
    if a.shape != like.shape or a.dtype != like.dtype:
        raise ValueError(f"{name} is {a.dtype} {a.shape}, expected {like.dtype} {letters} = {like.shape}")
    if not getattr(a.flags, "writeable", True):
        raise ValueError(f"{name} is read-only, expected a writable array {letters}: copy it")
    return a


def bias_buffer(db: Any, shape: tuple[int, ...], letters: str) -> Array:
    """Return db, the gradient buffer of a bias; its dtype may be the bias's own, unlike that of the weights."""
    db = weight("db", db, letters, 1)
    if db.shape != shape:
        raise ValueError(f"db has shape {db.shape}, expected {letters} = {shape}")
    return buffer("db", db, db, letters)


def as_mask(name: str, a: Any, shape: tuple[int, ...], letters: str) -> Array:
    """Return a as a bool array of the given shape."""
    a = as_array(name, a, f"a bool array {letters} = {shape}")
    if a.shape != shape:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters} = {shape}")
    if a.dtype.kind != "b":
        raise ValueError(f"{name} has dtype {a.dtype}, expected bool: use {name}.astype(bool)")
    return a


def _out_of_range(name: str, a: Array, position: Any, allowed: str) -> NoReturn:
    where = tuple(int(k) for k in np.unravel_index(int(position), a.shape))
    raise IndexError(f"{name} holds {int(a[where])} at position {where}, expected {allowed}")


def as_integers(name: str, a: Any, letters: str, ndim: int | None = None) -> Array:
    """Return an integer array as int64, with ndim dimensions (any number where None); bool and float are refused.

    Converted before anything is compared: NumPy up to 2.2 crashes when an unsigned array meets a Python int beyond
    its range. IndexError for an element that int64 cannot hold; on a device, where nobody looks, it becomes negative.
    """
    a = as_array(name, a, f"an integer array {letters}")
    if ndim is not None and a.ndim != ndim:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters}")
    if a.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {a.dtype}, expected an integer type: use astype(int)")
    if a.dtype.kind == "u" and type(a) is np.ndarray and a.size and int(a.max()) >= 2**63:
        _out_of_range(name, a, a.argmax(), "integers below 2**63")
    return a.astype(np.int64, copy=False)


def as_ids(name: str, a: Any, size: int, letters: str, ndim: int | None = None) -> Array:
    """Return ids as int64 in 0 .. size-1; -size .. -1 count from the end. Else IndexError."""
    ids = as_integers(name, a, letters, ndim)
    # As unsigned numbers negative ones are the largest: one look at all of them, where none is negative.
    if ids.size == 0 or ids.view(np.uint64).max() < size:
        return ids
    low, high = int(ids.min()), int(ids.max())
    if low < -size or high >= size:
        position = ids.argmin() if low < -size else ids.argmax()
        _out_of_range(name, ids, position, f"ids from {-size} to {size - 1} (V = {size})")
    return np.where(ids < 0, ids + size, ids) if low < 0 else ids


def as_labels(name: str, a: Any, rows: int, size: int, ignore_label: int) -> tuple[Array, Array | None]:
    """Return labels (R,) as int64 and the bool rows that count (None: all of them)."""
    labels = as_integers(name, a, "(R,)", 1)
    if labels.shape != (rows,):
        raise ValueError(f"{name} has shape {labels.shape}, expected (R,) = ({rows},)")
    ignore = integer("ignore_label", ignore_label)
    if labels.size and (ignore < 0 or ignore >= size) and int(labels.min()) >= 0 and int(labels.max()) < size:
        return labels, None  # the usual case: a label that is in range cannot be the ignored one
    counted = labels != ignore
    wrong = counted & ((labels < 0) | (labels >= size))
    if wrong.any():
        allowed = f"labels from 0 to {size - 1} (V = {size}) or ignore_label = {ignore}"
        _out_of_range(name, labels, wrong.argmax(), allowed)
    return labels, None if counted.all() else counted
