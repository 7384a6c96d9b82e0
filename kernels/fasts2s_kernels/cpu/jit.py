"""Compiled functions: when and how they are compiled, and where they are found afterwards.

``@inline`` is a piece of text that other compiled functions share. A :class:`Kernel` does the work: it is compiled by
itself and called by name through a plain C interface, so that no caller has to compile it again.

Both are Python functions too: whoever calls one from Python runs its text, see ``plain``.

Every kernel has exactly one signature (float32; float64 goes to the reference), is compiled when it is first used and
kept on disk, see ``cache``; from there it is loaded without Numba, see ``code``.
"""

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_type_hints

from fasts2s_kernels.cpu import code
from fasts2s_kernels.cpu.cache import Cache
from fasts2s_kernels.cpu.kinds import NONE
from fasts2s_kernels.cpu.later import Later
from fasts2s_kernels.cpu.reads import fields_read
from fasts2s_kernels.cpu.record import RecordKind, kind_of
from fasts2s_kernels.interrupts import interrupts_held_back

PREFIX = "fasts2s_"
_compiler: Any = Later("fasts2s_kernels.cpu.compiler")

#: Everything that can be compiled, in the order of definition: what is needed stands before what needs it.
REGISTRY: list["Kernel"] = []

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


def require_compiler() -> None:
    """Raise ImportError where kernels will have to be compiled, and Numba cannot be imported."""
    if cache().is_empty():
        _ = _compiler.build


def _announce() -> None:
    global _announced  # noqa: PLW0603
    if not _announced:
        _announced = True
        text = "fasts2s: compiling kernels for this processor; this happens once and takes some seconds"
        with contextlib.suppress(OSError, ValueError):  # nobody reads it: that ends no training
            print(text, file=sys.stderr, flush=True)  # noqa: T201


class Inline:
    """A function that is compiled into each of its callers."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Run it as plain Python."""
        return self.function(*args)

    @functools.cached_property
    def _dispatcher(self) -> Any:
        return _compiler.inlined(self.function)

    @property
    def _numba_type_(self) -> Any:
        return _compiler.types.Dispatcher(self._dispatcher)


def inline(function: Callable[..., Any]) -> Inline:
    """Compile a function into each of its callers."""
    return Inline(function)


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


class Kernel:
    """A compiled function that other compiled functions call by name; its signature is that of its annotations.

    It is compiled when first used, after the kernels that it calls.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        hints = get_type_hints(function, include_extras=True)
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
        kinds = {name: kind_of(hints.get(name)) for name in parameters}
        _require_kinds(function, kinds, hints)
        self.function, self.name, self.kinds = function, function.__name__, tuple(kinds.values())
        self._address = 0
        _enter(self)
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Run it as plain Python."""
        return self.function(*args)

    @property
    def _numba_type_(self) -> Any:
        return _compiler.external(PREFIX + self.name, NONE, self.kinds)

    def needs(self) -> list["Kernel"]:
        """Return the kernels that it calls by name."""
        return [called for called in called_by(self.function) if isinstance(called, Kernel)]

    def require_fields(self) -> None:
        """Raise TypeError where it reads a field that a record does not have: looked at before it is compiled."""
        code_ = self.function.__code__
        for name, kind in zip(code_.co_varnames, self.kinds, strict=False):
            if isinstance(kind, RecordKind):
                missing = fields_read(self.function, name) - set(kind.record._fields)
                if missing:
                    raise TypeError(
                        f"{self.name} reads {name}.{min(missing)}, which {kind.record.__name__} does not have"
                    )

    def ensure(self) -> int:
        """Return the address of the compiled function; compile or load it if that has not happened yet."""
        if not self._address:
            with _lock:
                for needed in self.needs():
                    needed.ensure()
                if not self._address:
                    address = self._loaded()
                    code.define(PREFIX + self.name, address)
                    self._address = address
        return self._address

    @functools.cached_property
    def native(self) -> Any:
        """The compiled function for Python: it takes whole numbers, and addresses as such; the GIL is released."""
        return code.function_of(self.ensure(), len(self.kinds))

    def _loaded(self) -> int:
        name = f"{'.'.join(self.function.__module__.split('.')[-2:])}.{self.name}"
        # In a callback of LLVM a KeyboardInterrupt would be lost, and the code with it.
        with interrupts_held_back():
            found = cache().read(name, self.function) or cache().made(name, self.function, self._compiled)
            try:
                return code.load(found)
            except RuntimeError:  # of LLVM: what was kept is not for this system
                return code.load(self._compiled())

    def _compiled(self) -> Any:
        self.require_fields()
        _announce()
        return _compiler.compile_kernel(self.function, self.kinds)


def _require_kinds(function: Callable[..., Any], kinds: dict[str, Any], hints: dict[str, Any]) -> None:
    """Raise TypeError for a parameter of no kind."""
    wrong = [name for name, kind in kinds.items() if kind is None]
    if wrong:
        raise TypeError(f"{function.__name__}: {wrong[0]} is {hints.get(wrong[0])}, expected Int, Floats or a record")


def _enter(kernel: Kernel) -> None:
    """Enter a kernel in the registry; TypeError where another module has one of its name."""
    for other in [other for other in REGISTRY if other.name == kernel.name]:
        if other.function.__module__ != kernel.function.__module__:
            raise TypeError(f"there is a kernel named {other.name} already, in {other.function.__module__}")
        REGISTRY.remove(other)  # of an import that was interrupted
    REGISTRY.append(kernel)


def kernel(function: Callable[..., Any]) -> Any:
    """Make a :class:`Kernel`; type checkers see what it is in Python, a function."""
    return Kernel(function)
