"""The book's own GPU mode, switched on by the backend cupy whatever was imported before.

``common.config.GPU`` is True from then on, and ``np`` in the modules that have it from ``common.np`` is CuPy,
repaired: :mod:`fasts2s.dropin.gpu.proxy`. The book's methods are replaced as on every backend; what was edited, and
what ours refuses, runs on CuPy.
"""

import ast
import importlib
import linecache
import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from fasts2s.backend import Backend, BackendLike, asks_for_cupy, get_backend
from fasts2s.dropin.gpu.proxy import CuPyForTheBook
from fasts2s_kernels import MODULES, setup_of

_log = logging.getLogger("fasts2s.dropin")
WITHOUT_KERNELS = "there are no cupy kernels; the book's own code runs on CuPy"
#: Where the kernels raise what the device has found.
_ERRORS_OF_THE_DEVICE = "fasts2s_kernels.gpu.errors"
#: Modules that are watched while they are executed.
HOMES = {"common.config", "common.np"}
_proxy: CuPyForTheBook | None = None
_changed: list[tuple[ModuleType, str, Any]] = []


def choose(backend: BackendLike | None) -> Backend | None:
    """Return the backend that is asked for; None follows the switch, unless that says cupy, whose mode is not left.

    Raises ValueError, ImportError, RuntimeError as :func:`fasts2s.get_backend`.
    """
    if not asks_for_cupy(backend):
        return None if backend is None else get_backend(backend)
    found = get_backend(backend)
    setup_of("cupy").probe()  # the backend may have been chosen before, or elsewhere, and been pickled
    return found


def is_on() -> bool:
    """Return whether the book's GPU mode is on."""
    return _proxy is not None


def leaves_the_book() -> bool:
    """Return whether the book's own code runs, because GPU mode is on and there are no kernels for it.

    That is so where they have been taken out, to see or to measure what they are compared with.
    """
    return is_on() and "cupy" not in MODULES


def is_np(value: Any) -> bool:
    """Return whether this is what ``np`` stands for in the book's modules in GPU mode."""
    return value is not None and value is _proxy


def upload(a: Any) -> Any:
    """Return an array as a CuPy array."""
    return importlib.import_module("cupy").asarray(a)


def met_on_device(error: Exception) -> bool:
    """Return whether an error is about ids that the device has met, in this call or in an earlier one.

    It comes when the device gets to them: what is called then may have nothing to do with it.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == _ERRORS_OF_THE_DEVICE


def turn_on() -> None:
    """Switch GPU mode on, also in the modules of the book that have been imported; CuPy has been found to run."""
    global _proxy  # noqa: PLW0603
    cupy = importlib.import_module("cupy")
    _proxy = CuPyForTheBook(cupy)
    _log.info("the book's GPU mode is on, with CuPy %s", cupy.__version__)
    for module in _modules():
        note_executed(module)
        if isinstance(vars(module).get("GPU"), bool) and _has_np_from_the_book(module, cupy):
            _set(module, "np", _proxy)
            _set(module, "GPU", True)


def turn_off() -> None:
    """Switch it off: everything is as it was, and modules imported meanwhile are as they would have been."""
    global _proxy  # noqa: PLW0603
    if _proxy is None:
        return
    was_on = any(name == "GPU" and old for module, name, old in _changed if module.__name__ == "common.config")
    while _changed:
        module, name, old = _changed.pop()
        setattr(module, name, old)
    for module in _modules():
        if vars(module).get("np") is _proxy:
            module.np = sys.modules["cupy"] if was_on else np  # type: ignore[attr-defined]
            if vars(module).get("GPU") is True:
                module.GPU = was_on  # type: ignore[attr-defined]
    _proxy = None


def note_executed(module: ModuleType) -> None:
    """Set the switch of the book, if it is in this module, which has just been executed."""
    if is_on() and module.__name__ == "common.config" and isinstance(vars(module).get("GPU"), bool):
        _set(module, "GPU", True)


class StandIn:
    """A ``with`` block in which ``import cupy`` gives the repaired one, if it is ``common.np`` that is executed."""

    def __init__(self, module_name: str) -> None:
        self._wanted = module_name == "common.np"
        self._real: ModuleType | None = None

    def __enter__(self) -> None:
        if self._wanted and _proxy is not None:
            self._real, sys.modules["cupy"] = sys.modules["cupy"], _proxy

    def __exit__(self, *error: object) -> None:
        if self._real is not None:
            sys.modules["cupy"] = self._real


def _set(module: ModuleType, name: str, value: Any) -> None:
    _changed.append((module, name, vars(module)[name]))
    setattr(module, name, value)


def _modules() -> list[ModuleType]:
    return list({id(module): module for module in sys.modules.values() if isinstance(module, ModuleType)}.values())


def _has_np_from_the_book(module: ModuleType, cupy: ModuleType) -> bool:
    """Return whether the last statement of a module that binds ``np`` takes it from a module of the book.

    Some modules import NumPy itself, before or behind the book's names: what comes last counts in the book as well.
    """
    held = vars(module).get("np")
    if held is not np and held is not cupy:
        return False
    if module.__name__ == "common.np":
        return True
    text = "".join(linecache.getlines(getattr(module, "__file__", None) or ""))
    found = False
    try:
        for statement in _at_the_top(ast.parse(text).body):
            if isinstance(statement, ast.ImportFrom):
                names = {alias.asname or alias.name for alias in statement.names}
                there = vars(sys.modules.get(statement.module or "", module))
                if "np" in names or ("*" in names and "np" in there):
                    found = True
            elif isinstance(statement, ast.Import):
                found = found and all((alias.asname or alias.name) != "np" for alias in statement.names)
    except (SyntaxError, ValueError):
        return False
    return found


def _at_the_top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module in their order, also those inside ``if`` and ``try``."""
    for statement in body:
        yield statement
        for name in ("body", "handlers", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.ExceptHandler | ast.With):
                yield from _at_the_top(getattr(statement, name, []))
