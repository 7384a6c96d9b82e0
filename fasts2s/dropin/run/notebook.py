"""``%load_ext fasts2s``: the drop-in in a notebook, for classes that are imported and for those typed into cells.

IPython itself is never imported: it comes here, with its shell.
"""

import contextlib
import importlib
import logging
import sys
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import fasts2s
from fasts2s import backend, dropin
from fasts2s.dropin import frames
from fasts2s.dropin.errors import FallbackError, UnrecognisedError
from fasts2s.dropin.gpu import mode as gpu_mode
from fasts2s.dropin.recognise.book_code import require_known
from fasts2s.dropin.replace import originals, patching, reliance, targets
from fasts2s.dropin.run import report, typed
from fasts2s.dropin.run.report import LEFT, REPLACED, Entry
from fasts2s.dropin.settings import active_backend, installed, settings

_log = logging.getLogger("fasts2s.dropin")
_PROFILE, _BACKEND = "fasts2s.profile", "fasts2s.backend"


class _OnStderr(logging.Handler):
    """Writes to what is ``sys.stderr`` at the time: cells capture it, kernels exchange it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)


def _put_back(found: type, entry: Entry, reason: str) -> None:
    """Give a replaced class its own methods again; a forward of ours is run again by the book's when it is wanted."""
    originals.put_back(found)
    installed.pop(found, None)
    entry.status, entry.reason = LEFT, reason


class _Notebook:
    """What is done for one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell, self._handler = shell, _OnStderr()
        self._shows = shell.showtraceback
        self._offered: WeakKeyDictionary[type, Entry] = WeakKeyDictionary()
        self._definitions: dict[str, Any] = {}  # of the namespace, after the last cell
        self._said: set[tuple[str, str]] = set()
        self._error: BaseException | None = None  # of a profiled cell

    def enter(self) -> None:
        """Patch, and listen to the shell."""
        report.speak(self._handler)
        if not dropin.is_patched():  # else it was asked for with options, which stay
            dropin.patch()
        typed.take_out()  # a cell is looked at when it is over
        report.before_first_call.append(self._announce)
        self._shell.events.register("pre_run_cell", self._before_cell)
        self._shell.events.register("post_run_cell", self._after_cell)
        self._shell.register_magic_function(self._profile, "cell", _PROFILE)
        self._shell.register_magic_function(self._backend, "line", _BACKEND)
        self._shell.showtraceback = self._show
        self._look()

    def leave(self) -> None:
        """Undo :meth:`enter`."""
        self._shell.events.unregister("pre_run_cell", self._before_cell)
        self._shell.events.unregister("post_run_cell", self._after_cell)
        self._shell.magics_manager.magics["cell"].pop(_PROFILE, None)
        self._shell.magics_manager.magics["line"].pop(_BACKEND, None)
        self._shell.showtraceback = self._shows
        report.before_first_call[:] = [call for call in report.before_first_call if call != self._announce]
        dropin.unpatch()
        report.fall_silent(self._handler)

    def _announce(self) -> None:
        names = patching.report().names(REPLACED)
        report.say_replaced(names, fasts2s.__version__, active_backend().name)
        report.say_meant(patching.entries)

    # ---- what the shell calls ------------------------------------------------------------------------------------

    def _before_cell(self, info: Any) -> None:
        self._error = None

    def _after_cell(self, result: Any) -> None:
        self._look()
        error, self._error = self._error, None
        if error is not None and result.success:
            result.error_in_exec = error  # it has been shown, inside: what runs the cells stops here all the same

    def _show(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Show the error of a cell without our frames."""
        error = (exc_tuple or sys.exc_info())[1]
        if error is not None:
            frames.hide_ours(error)
        self._shows(exc_tuple, *args, **kwargs)

    def _profile(self, line: str, cell: str) -> None:
        """Run a cell on fasts2s, and print its calls, seconds and fallbacks on stderr."""
        if line.strip():
            raise self._usage(f"%%{_PROFILE} stands alone in its line, and {line.strip()!r} follows it")
        with dropin.profile() as found:
            self._look()
            result = self._shell.run_cell(cell)
        self._error = result.error_before_exec or result.error_in_exec
        sys.stderr.write(f"{found}\n")

    def _backend(self, line: str) -> None:
        """Choose the backend: auto, numpy, numba, cupy. Without a name, print which one is in force."""
        name = line.strip()
        try:
            if name:
                self._choose(name)
            else:
                sys.stdout.write(f"{active_backend().name}\n")
        except (ValueError, ImportError, RuntimeError) as error:
            raise self._usage(str(error)) from None

    @staticmethod
    def _choose(name: Any) -> None:
        if backend.asks_for_cupy(name) or gpu_mode.is_on():  # the book's own mode begins or ends
            dropin.patch(
                name, strict=settings.strict, verify=settings.verify, trust=settings.trust,
                only_book=settings.only_book,
            )  # fmt: skip
            typed.take_out()
        else:
            backend.set_backend(name)
            settings.backend = None  # the drop-in follows the switch

    @staticmethod
    def _usage(text: str) -> Exception:
        """Return the exception that IPython shows as one line."""
        error: Exception = importlib.import_module("IPython.core.error").UsageError(text)
        return error

    # ---- classes that were typed into cells ----------------------------------------------------------------------

    def _look(self) -> None:
        """Offer what is new, take back what is no longer the book's, say what was left. Raises nothing."""
        if not dropin.is_patched():
            return
        try:
            space = self._shell.user_global_ns
            self._offer_new(space)
            self._take_back(space)
            self._say(patching.entries)
        except Exception as error:  # a fault of ours is no fault of the cell
            self._say([Entry("", "what is typed", reason=f"{type(error).__name__}: {error}")])

    def _say(self, entries: list[Entry]) -> None:
        left = {(entry.name, entry.reason): entry for entry in entries if entry.status == LEFT}
        report.say_left(entry for what, entry in left.items() if what not in self._said)
        self._said |= left.keys()

    def _offer_new(self, space: dict[str, Any]) -> None:
        known = {id(entry) for entry in patching.entries}  # unpatch forgets them, and then all are new
        for name in targets.NAMES:
            found = space.get(name)
            if not isinstance(found, type) or found.__name__ != name or found in installed:
                continue
            if id(self._offered.get(found)) not in known and self._is_typed(found, space):
                self._offer(found)
        with contextlib.suppress(FallbackError):  # strict: it has been entered with its reason, and the cell is over
            patching.offer_functions(space, "__main__")

    @staticmethod
    def _is_typed(found: type, space: dict[str, Any]) -> bool:
        """Return whether a class comes from a cell: its code finds its names here, and so does who looks at them."""
        members = originals.own(found).values()
        home = getattr(sys.modules.get(found.__module__), "__dict__", None)
        return home is space and any(isinstance(m, FunctionType) and m.__globals__ is space for m in members)

    def _offer(self, found: type) -> None:
        count, fault = len(patching.entries), ""
        try:
            patching.offer_class(found)
        except FallbackError:
            pass  # strict: it has been entered with its reason, and the cell is over
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        if len(patching.entries) == count:
            patching.entries.append(Entry(found.__module__, found.__name__))
        self._offered[found] = patching.entries[count]
        if fault:
            _put_back(found, patching.entries[count], fault)

    def _take_back(self, space: dict[str, Any]) -> None:
        """Put classes back whose code calls what a later cell has defined in another way than the book."""
        before = self._definitions
        self._definitions = {
            name: value
            for name, value in list(space.items())
            if isinstance(value, type | FunctionType | ModuleType)  # nothing that is large
        }
        if all(space.get(name) is value for name, value in before.items()):
            return
        for found, entry in list(self._offered.items()):
            if found in installed and entry.name not in settings.trust:
                reason = self._no_longer(found, entry)
                if reason:
                    _put_back(found, entry, reason)

    @staticmethod
    def _no_longer(found: type, entry: Entry) -> str:
        """Return why a class that was replaced is not the book's any more, or ""."""
        if entry.by_meaning:
            return reliance.known[found].inside.exchanged()
        target = targets.named(entry.name)
        assert target is not None  # for the type checker: it has been replaced by one
        try:
            require_known(found, tuple(target.methods))
        except UnrecognisedError as error:
            return str(error)
        return ""


_notebooks: dict[Any, _Notebook] = {}


def load_ipython_extension(ipython: Any) -> None:
    """Patch for the time of a notebook; IPython calls this for ``%load_ext fasts2s``.

    Parameters
    ----------
    ipython : IPython.core.interactiveshell.InteractiveShell

    Notes
    -----
    Where :func:`fasts2s.patch` is in force already, its options stay. Classes of the book in the shell's namespace
    are offered as :func:`fasts2s.accelerate` does, now and after every cell, each once. ``%%fasts2s.profile`` and
    ``%fasts2s.backend`` are registered.
    """
    if ipython not in _notebooks:
        _notebooks[ipython] = _Notebook(ipython)
        _notebooks[ipython].enter()


def unload_ipython_extension(ipython: Any) -> None:
    """Put everything back as the book has it; IPython calls this for ``%unload_ext fasts2s``.

    Parameters
    ----------
    ipython : IPython.core.interactiveshell.InteractiveShell
        One for which nothing was loaded is left alone.
    """
    notebook = _notebooks.pop(ipython, None)
    if notebook is not None:
        notebook.leave()
