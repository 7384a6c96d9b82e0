"""Validation of plain values: numbers, integers, flags. Part of :mod:`fasts2s_kernels.checks`."""

import math
from typing import Any

import numpy as np


def _scalar(value: Any) -> Any:
    """Return the element of an array without dimensions; everything else as it is."""
    return value[()] if type(value) is np.ndarray and value.ndim == 0 else value


def shown(value: Any) -> str:
    """Return a plain value as it would be typed, of anything else the type: its repr may be long, or may fail."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"  # Python refuses to print the longest
    plain = value is None or type(value) in (bool, int, float, complex, str)
    return repr(value)[:60] if plain else f"of type {type(value).__name__}"


def number(name: str, value: Any) -> float:
    """Return a real number as a float, or raise ValueError."""
    value = _scalar(value)
    # A timedelta64 is an integer to NumPy's class tree.
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | float | np.integer | np.floating):
        raise ValueError(f"{name} is {shown(value)}, expected a real number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is an integer beyond 1e308, expected a number that a float64 can hold") from None


def bounded(name: str, value: Any, like: float, below: float = math.inf) -> float:
    """Return a setting, from 0 to below a bound, as a float, or raise ValueError; ``like`` is a sensible one."""
    wanted = "a finite number >= 0" if below == math.inf else f"a number from 0 to below {below:g}"
    try:
        x = number(name, value)
    except ValueError:
        x = math.nan
    if not 0 <= x < below:
        raise ValueError(f"{name} is {shown(_scalar(value))}, expected {wanted}, such as {like:g}")
    return x


def threshold(max_grad: Any) -> float | None:
    """Return the threshold of a training's clipping, above 0, as a float, or None; else raise ValueError."""
    limit = None if max_grad is None else number("max_grad", max_grad)
    if limit is not None and not limit > 0:
        raise ValueError(f"max_grad is {limit}, expected a number > 0, or None: no clipping")
    return limit


def norm_limit(max_norm: Any) -> float:
    """Return the threshold of clipping as a float, infinity for None, or raise ValueError."""
    limit = math.inf if max_norm is None else number("max_norm", max_norm)
    if not limit >= 0:
        raise ValueError(f"max_norm is {limit}, expected a number >= 0 or None")
    return limit


def clip_rate(norm: float, max_norm: Any) -> float:
    """Return the factor that brings gradients of a norm to ``max_norm``: below 1, or 1 where nothing is clipped.

    The book's formula. A norm that is not finite changes nothing. Raises ValueError, see :func:`norm_limit`.
    """
    norm = number("norm", norm)
    if norm < 0:
        raise ValueError(f"norm is {norm}, expected a number >= 0")
    rate = norm_limit(max_norm) / (norm + 1e-6)
    return rate if math.isfinite(norm) and rate < 1 else 1.0


def integer(name: str, value: Any, minimum: int | None = None) -> int:
    """Return an integer as an int, or raise ValueError; bool and float are refused."""
    value = _scalar(value)
    wanted = "an integer" if minimum is None else f"an integer >= {minimum}"
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} is {shown(value)}, expected {wanted}")
    if minimum is not None and value < minimum:
        raise ValueError(f"{name} is {shown(int(value))}, expected {wanted}")
    return int(value)


def integers(name: str, values: Any) -> list[int]:
    """Return an iterable of integers (or None: none) as a list, or raise ValueError."""
    if values is None:
        return []
    if isinstance(values, np.ma.MaskedArray | str | bytes | bytearray) or not _is_iterable(values):
        raise ValueError(f"{name} is of type {type(values).__name__}, expected an iterable of integers")
    return [integer(f"an element of {name}", v) for v in values]


def _is_iterable(values: Any) -> bool:
    return values.ndim > 0 if isinstance(values, np.ndarray) else hasattr(values, "__iter__")


def flag(name: str, value: Any) -> bool:
    """Return True or False (or 1, 0) as a bool, or raise ValueError."""
    is_number = isinstance(value, bool | np.bool_ | int | np.integer) and not isinstance(value, np.timedelta64)
    if not is_number or value not in (0, 1):
        raise ValueError(f"{name} is {shown(value)}, expected True or False")
    return bool(value)
