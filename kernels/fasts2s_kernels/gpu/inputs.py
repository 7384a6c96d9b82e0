"""What reaches an entry of this backend: arrays of CuPy, and ids, labels and masks from either side."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import errors
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import blocks, contiguous, i32, i64, kernel
from fasts2s_kernels.gpu.specialisations import number

P = ParamSpec("P")
Result = TypeVar("Result")


def entry(function: Callable[P, Result]) -> Callable[P, Result]:
    """Make a function an entry: complaints of earlier kernels are raised, arrays of the device are accepted."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Result:
        errors.raise_pending()
        with checks.device_arrays(), np.errstate(all="ignore"):  # a number of the host may overflow too
            return function(*args, **kwargs)

    return call


def on_device(**arrays: Any) -> None:
    """Raise ValueError for an array of the host; what is no array at all is left to the checks."""
    for name, a in arrays.items():
        if isinstance(a, np.ndarray | np.generic):
            raise ValueError(
                f"{name} is a numpy.{type(a).__name__}, expected a cupy.ndarray, as the backend is cupy: "
                "move it with to_gpu(), or choose another backend"
            )


def lists_on_device(**lists: Any) -> None:
    """Raise ValueError for an array of the host in a list."""
    for name, arrays in lists.items():
        if isinstance(arrays, list | tuple):
            on_device(**{f"{name}[{k}]": a for k, a in enumerate(arrays)})


#: Whether something is an array of CuPy.
is_device = checks.is_cupy


def ids(name: str, a: Any, size: int, letters: str) -> Array:
    """Return ids of either side as an int32 array of the device, in 0 .. size - 1.

    Those of the host are checked here. Those of the device are checked there: an id out of range becomes -1, which
    the kernels turn into NaN, and is an IndexError at the next call or fetch.
    """
    if not is_device(a):
        return xp.asarray(checks.as_ids(name, a, size, letters).astype(np.int32, order="C"))
    given = device_integers(name, a, letters)
    out = xp.empty(given.shape, xp.int32)
    if given.size:
        what = errors.site(name, given.shape, f"ids from {-size} to {size - 1} (V = {size})")
        function = kernel("embedding", "ids_in_range", number(False))
        args = (given, out, errors.RECORD, what, i64(given.size), i32(size))
        function((blocks(given.size, 256),), (256,), args)
        errors.after_launch()
    return out


def device_integers(name: str, a: Array, letters: str) -> Array:
    """Return an integer array of the device as int64 in C order; what int64 cannot hold becomes negative."""
    given: Array = contiguous(checks.as_integers(name, a, letters))
    return given


def mask(name: str, a: Any, shape: tuple[int, ...], letters: str) -> Array | None:
    """Return a bool mask of either side on the device, or None."""
    if a is None:
        return None
    a = checks.as_mask(name, a, shape, letters)
    return a if is_device(a) else xp.asarray(np.ascontiguousarray(a))


def bytes_of(a: Array | None) -> Array | None:
    """Return a bool array of the device as the bytes that kernels take, or None."""
    return None if a is None else contiguous(a).view(xp.uint8)
