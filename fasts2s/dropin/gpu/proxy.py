"""CuPy as the book's modules see it in GPU mode: with what has gone from it, and random numbers drawn on the host."""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.dropin.run.repairs import say
from fasts2s_kernels.checks import is_cupy


def on_host(value: Any) -> Any:
    """Return a value with its CuPy arrays, also those in lists and tuples, as NumPy arrays, or numbers of NumPy.

    Raises IndexError if an id out of range had been met on the device.
    """
    if is_cupy(value):
        return to_cpu(value)[()]
    return type(value)(map(on_host, value)) if type(value) in {list, tuple} else value


class _Random(ModuleType):
    """``numpy.random``, whose arrays come as CuPy arrays: the same seed gives the same numbers on every backend."""

    def __init__(self, cupy: ModuleType) -> None:
        super().__init__("cupy.random")
        self._cupy = cupy

    def __getattr__(self, name: str) -> Any:
        found = getattr(np.random, name)
        if isinstance(found, type) or not callable(found):
            return found
        return self._shuffle if name == "shuffle" else partial(self._draw, found)

    def _draw(self, draw: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        drawn = draw(*map(on_host, args), **{name: on_host(value) for name, value in kwargs.items()})
        if not isinstance(drawn, np.ndarray):
            return drawn
        say("np.random (CuPy has numbers of its own: drawn on the host, as on every backend)")
        return self._cupy.asarray(drawn)

    def _shuffle(self, x: Any) -> None:
        shuffled = on_host(x)
        np.random.shuffle(shuffled)
        if is_cupy(x):
            x[...] = self._cupy.asarray(shuffled)


class _Cuda(ModuleType):
    """``cupy.cuda``, whose allocator stays: the book's hides its memory from CuPy's default pool."""

    def __init__(self, cuda: Any) -> None:
        super().__init__("cupy.cuda")
        self._cuda = cuda

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cuda, name)

    def set_allocator(self, allocator: Any = None) -> None:
        """Do nothing."""
        say("np.cuda.set_allocator (skipped: CuPy has a memory pool)")


class _Add:
    """``cupy.add``, to whose ``at`` the Korean edition assigns."""

    def __init__(self, add: Any, at: Callable[..., None]) -> None:
        self._add, self.at = add, at

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._add(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._add, name)


def _of_both_kinds(values: Any) -> bool:
    """Return whether nested lists hold CuPy arrays and other things, of which CuPy makes no array."""
    kinds, waiting = set(), [values]
    while waiting:
        for value in waiting.pop():
            if isinstance(value, list | tuple):
                waiting.append(value)
            else:
                kinds.add(is_cupy(value))
    return len(kinds) > 1


class CuPyForTheBook(ModuleType):
    """What ``np`` is in the book's modules: CuPy itself, but for the names that are set here."""

    def __init__(self, cupy: ModuleType) -> None:
        # The name is looked at where it is made sure that a class of the book is as it was.
        super().__init__("cupy")
        self._cupy = cupy
        self.random = _Random(cupy)
        self.cuda = _Cuda(cupy.cuda)
        self.add = _Add(cupy.add, cupy.add.at)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cupy, name)
        self.__dict__[name] = found  # the next look finds it without a call: the book looks 1000 times in a step
        return found

    def scatter_add(self, a: Any, indices: Any, values: Any) -> None:
        """Add values to places of an array, which may be named more than once, as ``cupy.add.at`` does today."""
        say("np.scatter_add (gone from CuPy)")
        self._cupy.add.at(a, indices, values)

    def array(self, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """As ``cupy.array``, also of lists that hold both CuPy arrays and numbers or NumPy arrays."""
        return self._cupy.array(self._of_one_kind(obj), *args, **kwargs)

    def asarray(self, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """As ``cupy.asarray``, also of lists that hold both CuPy arrays and numbers or NumPy arrays."""
        return self._cupy.asarray(self._of_one_kind(obj), *args, **kwargs)

    def _of_one_kind(self, obj: Any) -> Any:
        if not (isinstance(obj, list | tuple) and _of_both_kinds(obj)):
            return obj
        say("np.array of a list of CuPy arrays and other numbers")
        return on_host(obj)
