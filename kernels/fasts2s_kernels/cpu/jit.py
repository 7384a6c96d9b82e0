"""Compiled functions: the options, in one place, and when and how they are compiled.

Three kinds. ``@inline`` is a piece of text that other compiled functions share. A :class:`Kernel` does the work: it
is compiled by itself and called by name through a plain C interface, so that no caller has to compile it again. An
:class:`Entry` is what Python calls: it takes a record of arrays and hands their addresses on, see ``launch``.

The first two are Python functions too: whoever calls one from Python runs its text, see ``plain``.

Everything has exactly one signature (float32; float64 goes to the reference), is compiled when it is first used and
kept on disk, see ``cache``. No ``fastmath``: it deletes the checks for NaN. ``error_model="numpy"``: a kernel cannot
raise.
"""

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_type_hints

import llvmlite.binding as llvm

from fasts2s_kernels.cpu.cache import Cache
from fasts2s_kernels.cpu.numba_api import CFunc, FunctionCache, njit, rtsys, types
from fasts2s_kernels.cpu.reads import fields_read
from fasts2s_kernels.cpu.record import RecordType, kind_of
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


class _Kept(FunctionCache):
    """Numba's cache of one function.

    Numba's own gets all that its compiler needs before it loads anything, which takes a quarter of a second. To load
    needs nothing of it but the functions that read arguments.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was kept for a signature; None: nothing."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


class Inline:
    """A function that is compiled into each of its callers."""

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        self.function = function
        self._dispatcher = njit(**options, nogil=True, **_OPTIONS)(function)
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Run it as plain Python."""
        return self.function(*args)

    @property
    def _numba_type_(self) -> Any:
        return types.Dispatcher(self._dispatcher)


def inline(function: Callable[..., Any]) -> Inline:
    """Compile a function into each of its callers."""
    return Inline(function, forceinline=True, no_cpython_wrapper=True)


def parallel(function: Callable[..., Any]) -> Inline:
    """Compile a function with ``prange`` loops; ``threads`` alone has some."""
    return Inline(function, parallel=True)


def called_by(function: Callable[..., Any]) -> list[Any]:
    """Return the Inlines and Kernels that a function names, also in a module, and those that its Inlines name."""
    found: list[Any] = []
    left = [function]
    while left:
        text = left.pop()
        names = text.__code__.co_names
        named = [text.__globals__.get(name) for name in names]
        modules = [vars(module) for module in named if isinstance(module, ModuleType)]
        named += [module.get(name) for module in modules for name in names]
        new = [called for called in named if isinstance(called, Inline | Kernel) and called not in found]
        found += new
        left += [called.function for called in new if isinstance(called, Inline)]
    return found


class Compiled:
    """A function that is compiled when first used, after the kernels that it calls."""

    def __init__(self, function: Callable[..., Any], signature: Any) -> None:
        self.function, self.signature = function, signature
        self.name = function.__name__
        # What the names of its files in the cache begin with: several modules have a "forward".
        self._file = f"{'/'.join(function.__module__.split('.')[-2:])}.{self.name}"
        #: What Numba made of it, once it is compiled.
        self.built: Any = None
        self._ready: Any = None
        REGISTRY.append(self)

    def needs(self) -> list["Kernel"]:
        """Return the kernels that it calls by name."""
        return [called for called in called_by(self.function) if isinstance(called, Kernel)]

    def ensure(self) -> Any:
        """Return the compiled function; compile it or load it from the cache if that has not happened yet."""
        if self._ready is None:
            with _lock:
                for needed in self.needs():
                    needed.ensure()
                if self._ready is None:
                    self.built = self._load()
                    self._ready = self._publish(self.built)
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
    """A compiled function that other compiled functions call by name; its signature is that of its annotations."""

    def __init__(self, function: Callable[..., Any]) -> None:
        hints = get_type_hints(function, include_extras=True)
        code = function.__code__
        kinds = {name: kind_of(hints.get(name)) for name in code.co_varnames[: code.co_argcount]}
        wrong = [name for name, kind in kinds.items() if kind is None]
        if wrong:
            raise TypeError(
                f"{function.__name__}: {wrong[0]} is {hints.get(wrong[0])}, expected Int, Floats or a record"
            )
        for name, kind in kinds.items():
            if isinstance(kind, RecordType):
                _require_fields(function, name, kind.record)
        for other in [other for other in REGISTRY if isinstance(other, Kernel) and other.name == function.__name__]:
            if other.function.__module__ != function.__module__:
                raise TypeError(f"there is a kernel named {other.name} already, in {other.function.__module__}")
            REGISTRY.remove(other)  # of an import that was interrupted
        super().__init__(function, types.void(*kinds.values()))
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Run it as plain Python."""
        return self.function(*args)

    @property
    def _numba_type_(self) -> Any:
        return types.ExternalFunction(PREFIX + self.name, self.signature)

    def _build(self, cached: bool) -> Any:
        built = CFunc(self.function, (self.signature.args, self.signature.return_type), {}, dict(_OPTIONS))
        if cached:
            built._cache = _Kept(self.function)
        built.compile()
        return built

    def _publish(self, built: Any) -> Any:
        llvm.add_symbol(PREFIX + self.name, built.address)
        return built


def _require_fields(function: Callable[..., Any], name: str, record: Any) -> None:
    missing = fields_read(function, name) - set(record._fields)
    if missing:
        raise TypeError(f"{function.__name__} reads {name}.{min(missing)}, which {record.__name__} does not have")


def kernel(function: Callable[..., Any]) -> Any:
    """Make a :class:`Kernel`; type checkers see what it is in Python, a function."""
    return Kernel(function)


class Entry(Compiled):
    """A compiled function that Python calls."""

    def __init__(self, function: Callable[..., Any], signature: Any, *, parallel: bool = False) -> None:
        super().__init__(function, signature)
        self._parallel = parallel

    def __call__(self, *args: Any) -> Any:
        """Call it; the GIL is released meanwhile."""
        return (self._ready or self.ensure())(*args)

    def _build(self, cached: bool) -> Any:
        built = njit(nogil=True, parallel=self._parallel, **_OPTIONS)(self.function)
        if cached:
            built._cache = _Kept(self.function)
        built.compile(self.signature)
        built.disable_compile()
        return built
