"""Modules of the book, and all that are a reader's own, are offered to the patcher when they have been executed."""

import gc
import logging
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Any

from fasts2s.dropin import places
from fasts2s.dropin.errors import FallbackError
from fasts2s.dropin.gpu import mode as gpu_mode
from fasts2s.dropin.replace import patching

_log = logging.getLogger("fasts2s.dropin")
_IMPORTLIB = "<frozen importlib._bootstrap_external>"


class _Finder:
    """Finds nothing itself: it asks the others, and has the loader of a candidate report."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        spec = self._from_others(name, path, target)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return spec
        if patching.is_candidate(name) or (spec.has_location and places.is_users_file(name, str(spec.origin))):
            _report_after(spec.loader)
        elif type(spec.loader) is SourceFileLoader and gc.get_threshold()[0]:
            _collect_nothing_during(spec.loader)
        return spec

    def _from_others(self, name: str, path: Sequence[str] | None, target: Any) -> ModuleSpec | None:
        after = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else []
        for finder in after:
            spec = finder.find_spec(name, path, target) if hasattr(finder, "find_spec") else None
            if spec is not None:
                return spec
        return None


def _report_after(loader: Any) -> None:
    """Let this one loader, which belongs to one module, report after it has executed it."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        with gpu_mode.StandIn(module.__name__):
            execute(module)
        if is_in():
            _offer(module)

    # The import system leaves its own frames out of tracebacks, known by this name; so it does with ours.
    exec_module.__code__ = exec_module.__code__.replace(co_filename=_IMPORTLIB)
    loader.exec_module = exec_module


def _collect_nothing_during(loader: Any) -> None:
    """Let this one loader execute its module, a package's, without the collector of cycles, and what that imports.

    What an import makes stays. To look through all of it again and again takes as long as all of ours at a start.
    """
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module
        before = gc.get_threshold()
        gc.set_threshold(0)
        try:
            execute(module)
        finally:
            if not gc.get_threshold()[0]:  # else the package has chosen for itself
                gc.set_threshold(*before)

    exec_module.__code__ = exec_module.__code__.replace(co_filename=_IMPORTLIB)
    loader.exec_module = exec_module


def _offer(module: ModuleType) -> None:
    try:
        gpu_mode.note_executed(module)
        patching.offer_module(module)
    except FallbackError:
        raise  # asked for, by strict
    except Exception as error:  # a fault of ours is no fault of the script that imports
        _log.warning("%s may be left as it is: %s: %s", module.__name__, type(error).__name__, error)


_finder = _Finder()


def is_in() -> bool:
    """Return whether modules are offered."""
    return _finder in sys.meta_path


def put_in() -> None:
    """Offer modules from now on."""
    if not is_in():
        sys.meta_path.insert(0, _finder)


def take_out() -> None:
    """Offer modules no longer."""
    if is_in():
        sys.meta_path.remove(_finder)
