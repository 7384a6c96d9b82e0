"""Compiled functions: the options, in one place, and when and how they are compiled.

Three kinds. ``@inline`` is a piece of text that other compiled functions share. A :class:`Kernel` does the work: it
is compiled by itself and called by name through a plain C interface, so that no caller has to compile it again. An
:class:`Entry` is what Python calls: it takes arrays, and hands their addresses to kernels.

Everything has exactly one signature (float32; float64 goes to the reference), is compiled when it is first used and
kept on disk, see ``_cache``. No ``fastmath``: it deletes the checks for NaN. ``error_model="numpy"``: a kernel cannot
raise.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import llvmlite.binding as llvm

from fasts2s_kernels.cpu.cache import Cache
from fasts2s_kernels.cpu.numba_api import cfunc, njit, types
from fasts2s_kernels.interrupts import interrupts_held_back

_OPTIONS: dict[str, Any] = {"error_model": "numpy"}
PREFIX = "fasts2s_"

#: Everything that can be compiled, in the order of definition: what is needed stands before what needs it.
REGISTRY: list["Compiled"] = []

_lock = threading.RLock()
_cache: Cache | None = None
_announced = False


# A fork waits for what is being compiled: the child would inherit the compiler's own lock, held by a thread that does
# not exist there. Whoever forks holds the lock then, in the child too, and gives it back in both.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def cache() -> Cache:
    """Return the cache of compiled kernels, in its usual place unless :func:`use_cache` was called before."""
    global _cache  # noqa: PLW0603
    if _cache is None:
        _cache = Cache(None)
    return _cache


def use_cache(folder: str | None) -> None:
    """Keep compiled kernels under this folder; None is the usual place."""
    global _cache  # noqa: PLW0603
    _cache = Cache(folder)


def _announce() -> None:
    global _announced  # noqa: PLW0603
    if not _announced:
        _announced = True
        text = "fasts2s: compiling kernels for this processor; this happens once and takes some seconds"
        with contextlib.suppress(OSError, ValueError):  # nobody reads it: that ends no training
            print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def unannounced() -> Iterator[None]:
    """Say nothing of what is compiled inside: a moment's work, which may come to nothing."""
    global _announced  # noqa: PLW0603
    before, _announced = _announced, True
    try:
        yield
    finally:
        _announced = before


def inline(function: Callable[..., Any]) -> Any:
    """Compile a function into each of its callers."""
    return njit(forceinline=True, no_cpython_wrapper=True, nogil=True, **_OPTIONS)(function)


def parallel(function: Callable[..., Any]) -> Any:
    """Compile a function with ``prange`` loops; ``_threads`` alone has some."""
    return njit(parallel=True, nogil=True, **_OPTIONS)(function)


class Compiled:
    """A function that is compiled when first used; ``needs`` are compiled before it."""

    def __init__(self, function: Callable[..., Any], signature: Any, needs: Sequence["Compiled"]) -> None:
        self.function, self.signature, self.needs = function, signature, tuple(needs)
        self.name = function.__name__
        # What the names of its files in the cache begin with: several modules have a "forward".
        self._file = f"{'/'.join(function.__module__.split('.')[-2:])}.{self.name}"
        self._ready: Any = None
        REGISTRY.append(self)

    def ensure(self) -> Any:
        """Return the compiled function; compile it or load it from the cache if that has not happened yet."""
        if self._ready is None:
            with _lock:
                for needed in self.needs:
                    needed.ensure()
                if self._ready is None:
                    self._ready = self._publish(self._load())
        return self._ready

    def _load(self) -> Any:
        with cache().opened(self._file) as usable:
            if not cache().holds(self._file):
                _announce()
            if not usable:
                return self._compile(False)
            try:
                return self._compile(True)
            except Exception as error:
                cache().remove_function(self._file)
                built = self._compile(False)  # an error that is not the cache's shows here
                cache().give_up(error)
                return built

    def _compile(self, cached: bool) -> Any:
        # In a callback of LLVM a KeyboardInterrupt would be lost, and the code with it.
        with interrupts_held_back():
            return self._build(cached)

    def _build(self, cached: bool) -> Any:
        raise NotImplementedError

    def _publish(self, built: Any) -> Any:
        return built


class Kernel(Compiled):
    """A compiled function that other compiled functions call by name, see ``external``."""

    @property
    def external(self) -> Any:
        """What compiled functions call."""
        return types.ExternalFunction(PREFIX + self.name, self.signature)

    def _build(self, cached: bool) -> Any:
        return cfunc(self.signature, cache=cached, **_OPTIONS)(self.function)

    def _publish(self, built: Any) -> Any:
        llvm.add_symbol(PREFIX + self.name, built.address)
        return built


class Entry(Compiled):
    """A compiled function that Python calls."""

    def __init__(
        self, function: Callable[..., Any], signature: Any, needs: Sequence[Compiled], parallel: bool
    ) -> None:
        super().__init__(function, signature, needs)
        self._parallel = parallel

    def __call__(self, *args: Any) -> Any:
        """Call it; the GIL is released meanwhile."""
        return (self._ready or self.ensure())(*args)

    def _build(self, cached: bool) -> Any:
        return njit(self.signature, cache=cached, nogil=True, parallel=self._parallel, **_OPTIONS)(self.function)


#: Signature of a kernel that is one phase of a parallel call: number of the worker, number of the task, address of
#: the arguments (see ``_calls.pack_args``).
TASK = types.void(types.int64, types.int64, types.int64)


def kernel(signature: Any = TASK, needs: Sequence[Compiled] = ()) -> Callable[[Callable[..., Any]], Kernel]:
    """Return a decorator that makes a :class:`Kernel`."""
    return lambda function: Kernel(function, signature, needs)


def entry(
    signature: Any, needs: Sequence[Compiled] = (), *, parallel: bool = False
) -> Callable[[Callable[..., Any]], Entry]:
    """Return a decorator that makes an :class:`Entry`."""
    return lambda function: Entry(function, signature, needs, parallel)
