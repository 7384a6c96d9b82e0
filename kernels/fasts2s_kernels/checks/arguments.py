"""Validation of what users hand over beside arrays and numbers: paths, texts, functions, mappings, other objects.

As everywhere, what is wrong is a ValueError that names the argument, what came and what was expected. Not TypeError:
the book's ``eval_perplexity`` takes one for a model without ``train_flg``.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import as_array
from fasts2s_kernels.checks.scalars import integer, shown


def as_path(name: str, value: Any) -> Path:
    """Return a path from text or an object that stands for one (``pathlib.Path``)."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or "\0" in text:
        raise ValueError(f"{name} is {shown(value)}, expected a path: text without zero bytes, or a pathlib.Path")
    return Path(text)


def as_text(name: str, value: Any, length: int | None = None) -> str:
    """Return a str, of so many characters."""
    if not isinstance(value, str) or (length is not None and len(value) != length):
        wanted = "text" if length is None else "one character" if length == 1 else f"{length} characters"
        raise ValueError(f"{name} is {shown(value)}, expected {wanted}")
    return value


Choice = TypeVar("Choice", bound=str)


def one_of(name: str, value: Any, known: Iterable[Choice]) -> Choice:
    """Return a str that is one of those known."""
    if not isinstance(value, str) or value not in set(known):
        raise ValueError(f"{name} is {shown(value)}, expected one of {', '.join(known)}")
    return value  # pyright: ignore[reportReturnType] - it is equal to one of them


def seed(name: str, value: Any) -> int | None:
    """Return a seed that NumPy's global generator takes, or None."""
    if value is None:
        return None
    number = integer(name, value, 0)
    if number >= 2**32:
        raise ValueError(f"{name} is {shown(number)}, expected an integer from 0 to 2**32 - 1")
    return number


def called(name: str, value: Any) -> Any:
    """Return a function, or whatever else can be called."""
    if not callable(value):
        raise ValueError(f"{name} is {shown(value)}, expected a function")
    return value


def with_methods(name: str, value: Any, *methods: str) -> Any:
    """Return an object that has these methods."""
    missing = [m for m in methods if not callable(getattr(value, m, None))]
    if missing or isinstance(value, type):
        wanted = " and ".join(f"{m}()" for m in methods)
        raise ValueError(f"{name} is {shown(value)}, expected an object with {wanted}")
    return value


def mapping(name: str, value: Any) -> Mapping[Any, Any]:
    """Return a dict or another mapping."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {shown(value)}, expected a dict")
    return value


def listed(name: str, value: Any, of: str) -> list[Any]:
    """Return what an iterable holds as a list; texts, bytes and mappings are none here."""
    wrong = isinstance(value, str | bytes | bytearray | Mapping | type)
    if wrong or not hasattr(value, "__iter__") or (isinstance(value, np.ndarray) and value.ndim == 0):
        raise ValueError(f"{name} is {shown(value)}, expected a list of {of}")
    return list(value)


def listed_arrays(name: str, value: Any) -> list[Array]:
    """Return a list of arrays from a list or tuple of them."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name} is {shown(value)}, expected a list of arrays")
    return [as_array(f"{name}[{i}]", a, "an array") for i, a in enumerate(value)]


def parts(name: str, value: Any, count: int, of: str) -> list[Any]:
    """Return the parts of a tuple or list of so many; ``of`` tells where the caller got it."""
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ValueError(f"{name} is {shown(value)}, expected the {count} parts that {of} returned")
    return list(value)


def as_host_array(name: str, value: Any, expected: str = "what NumPy can make an array of") -> Array:
    """Return what ``numpy.asarray`` makes of a value, of any dtype; where it fails: ValueError."""
    try:
        return np.asarray(value)
    except Exception as error:  # whatever an object's own conversion raises
        raise ValueError(f"{name} is {shown(value)}, expected {expected}: {error}") from None


def converted(name: str, value: Any, expected: str) -> Array:
    """Return an array of real numbers, from whatever NumPy can make one of."""
    a = as_host_array(name, value, expected)
    if a.dtype.kind not in "fiub" or isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name} is {shown(value)}, expected {expected}")
    return a
