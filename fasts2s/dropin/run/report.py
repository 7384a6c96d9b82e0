"""What was replaced, what was left, how often it ran, how long it took, what fell back and why."""

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fasts2s.dropin import frames
from fasts2s.dropin.errors import FallbackError, FallbackWarning

_log = logging.getLogger("fasts2s.dropin")
REPLACED, LEFT = "replaced", "left as is"
#: The most names in a line about what was left; more are counted.
_NAMED = 5
_READ = "not the book's, but it only asks the model: a loop that does no more can be answered in batches"


@dataclass
class Entry:
    """One class or function of the book.

    Attributes
    ----------
    module, name : str
        Where it was found.
    status : {"replaced", "left as is"}
    reason : str
        Why it was left.
    calls : int
        Calls of what was replaced.
    seconds : float
        Time in them, without that in other replaced calls inside them.
    fallbacks : dict of str to int
        Reason -> calls that went to the book's own code.
    checked : int
        Calls that --verify has compared.
    difference : float
        Largest relative difference (L2) that it found.
    book_seconds, our_seconds : float
        Time of original and replacement in these calls.
    verdict : str
        What --verify found out about an edited class.
    by_meaning : bool
        Whether it was recognised by what it computes, and not by its text.
    by_reading : bool
        Of an ``eval_seq2seq`` that is not the book's: whether its text was read, and found to do nothing but ask.
    """

    module: str
    name: str
    status: str = LEFT
    reason: str = ""
    calls: int = 0
    seconds: float = 0.0
    fallbacks: dict[str, int] = field(default_factory=dict)
    checked: int = 0
    difference: float = 0.0
    book_seconds: float = 0.0
    our_seconds: float = 0.0
    verdict: str = ""
    by_meaning: bool = False
    by_reading: bool = False

    @property
    def speedup(self) -> float | None:
        """Time of the original over ours, where both were measured."""
        return self.book_seconds / self.our_seconds if self.our_seconds > 0 and self.checked else None

    def as_dict(self) -> dict[str, Any]:
        """Return what is written to a report file."""
        return {**vars(self), "speedup": self.speedup}

    def since(self, before: "Entry | None") -> "Entry":
        """Return what was counted after a copy of this entry was made; None: the entry was not there yet.

        The largest difference and the verdict are those of all calls: there is no telling when they came about.
        """
        if before is None:
            return replace(self, fallbacks=dict(self.fallbacks))
        numbers = ("calls", "seconds", "checked", "book_seconds", "our_seconds")
        counted: dict[str, Any] = {name: getattr(self, name) - getattr(before, name) for name in numbers}
        more = {reason: count - before.fallbacks.get(reason, 0) for reason, count in self.fallbacks.items()}
        return replace(self, fallbacks={reason: count for reason, count in more.items() if count}, **counted)


class _Stack(threading.local):
    """Per thread: for every replaced call that is running, the seconds of those inside it."""

    def __init__(self) -> None:
        self.inner: list[float] = []


_stack = _Stack()
#: Called, once each, before the first replaced call: by then a script has imported what it needs.
before_first_call: list[Callable[[], None]] = []


class Timed:
    """A ``with`` block that counts as a call of an entry."""

    __slots__ = ("_entry", "_started")

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def __enter__(self) -> None:
        while before_first_call:
            before_first_call.pop()()
        _stack.inner.append(0.0)
        self._started = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        seconds = time.perf_counter() - self._started
        inside, entry = _stack.inner.pop(), self._entry
        entry.calls += 1
        entry.seconds += seconds - inside
        if _stack.inner:
            _stack.inner[-1] += seconds


def note_fallback(entry: Entry, reason: str, *, strict: bool, warn: bool = True) -> None:
    """Count a fallback and warn of its reason once. Raises FallbackError where strict."""
    first = reason not in entry.fallbacks
    entry.fallbacks[reason] = entry.fallbacks.get(reason, 0) + 1
    text = f"{entry.name}: the book's own code runs instead ({reason})"
    if strict:
        raise FallbackError(text)
    if first and warn:
        _warn(text)


def _warn(text: str) -> None:
    """Warn at the reader's line. Who has made all warnings errors has not meant that a script ends by this one."""
    frame = frames.first_outside()
    space = {} if frame is None else frame.f_globals
    file, line = ("<unknown>", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
    seen = space.setdefault("__warningregistry__", {})
    try:
        warnings.warn_explicit(text, FallbackWarning, file, line, space.get("__name__"), seen)
    except FallbackWarning:
        if any(action == "error" and kind is FallbackWarning for action, _, kind, *_ in warnings.filters):
            raise  # this one was meant
        _log.warning("%s", text)


def speak(handler: logging.Handler, verbosity: int = 0) -> None:
    """Give the loggers to a handler: our own lines by default, everything if positive, warnings alone if negative."""
    handler.setFormatter(logging.Formatter("[fasts2s] %(message)s"))
    package = logging.getLogger("fasts2s")
    package.addHandler(handler)
    package.propagate = False
    package.setLevel(logging.DEBUG if verbosity > 0 else logging.WARNING)
    _log.setLevel(logging.WARNING if verbosity < 0 else logging.DEBUG if verbosity > 0 else logging.INFO)


def fall_silent(handler: logging.Handler) -> None:
    """Take :func:`speak` back."""
    package = logging.getLogger("fasts2s")
    package.removeHandler(handler)
    package.propagate = True
    package.setLevel(logging.NOTSET)
    _log.setLevel(logging.NOTSET)


def say_replaced(names: list[str], version: str, backend: str) -> None:
    """Say how much was replaced, in one line."""
    _log.info("%s, %s: %d classes and functions replaced", version, backend, len(names))
    _log.debug("replaced: %s", " ".join(names))


def say_meant(entries: Sequence[Entry]) -> None:
    """Say which classes were recognised by what they compute, one line for each module, and what was read."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        if entry.by_meaning and entry.status == REPLACED:
            names.setdefault(entry.module, []).append(entry.name)
    for module, found in names.items():
        verb = ("computes", "computes") if len(found) == 1 else ("compute", "compute")
        _log.info("%s of %s %s what the book's %s: replaced", ", ".join(found), file_of(module), *verb)
    for entry in entries:
        if entry.by_reading and entry.status == REPLACED:
            _log.info("%s of %s is %s", entry.name, file_of(entry.module), _READ)


def file_of(module: str) -> str:
    """Return the name of the file of a module, as its reader knows it."""
    if module == "__main__" and not hasattr(sys.modules.get(module), "__file__"):
        return "what is typed"
    return Path(getattr(sys.modules.get(module), "__file__", None) or module).name


def say_left(entries: Iterable[Entry]) -> None:
    """Say what was left as it is, and why: one line for each reason."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        if entry.status == LEFT:
            names.setdefault(entry.reason, []).append(entry.name)
    for reason, left in names.items():
        who = ", ".join(dict.fromkeys(left)) if len(left) <= _NAMED else f"{len(left)} classes and functions"
        _log.info("%s left as %s: %s", who, "it is" if len(left) == 1 else "they are", reason)


class Report:
    """A list of entries that prints as a table."""

    def __init__(self, entries: list[Entry], total_seconds: float | None = None) -> None:
        self.entries, self.total_seconds = entries, total_seconds

    def names(self, status: str) -> list[str]:
        """Return the names of one status, each once."""
        return list(dict.fromkeys(entry.name for entry in self.entries if entry.status == status))

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers and texts, for JSON."""
        own = None if self.total_seconds is None else self.total_seconds - sum(e.seconds for e in self.entries)
        return {
            "total_seconds": self.total_seconds,
            "script_seconds": own,
            "entries": [entry.as_dict() for entry in self.entries],
        }

    def __repr__(self) -> str:
        if not self.entries:
            return "nothing of the book was found"
        lines = [f"{'':34} {'calls':>9} {'s':>9} {'ms/call':>9}  remarks"]
        told = [e for e in self.entries if e.calls or _remarks(e)]
        for e in sorted(told, key=lambda e: (-e.seconds, e.module, e.name)):
            each = f"{1e3 * e.seconds / e.calls:9.3f}" if e.calls else " " * 9
            lines.append(f"{e.module + '.' + e.name:34} {e.calls:9,} {e.seconds:9.3f} {each}  {_remarks(e)}".rstrip())
        if self.total_seconds:
            own = self.total_seconds - sum(e.seconds for e in self.entries)
            share = 100 * own / self.total_seconds
            lines.append(f"{'everything':34} {'':9} {self.total_seconds:9.3f}")
            lines.append(f"{'of it the script, Python, NumPy':34} {'':9} {own:9.3f} {'':9}  {share:.0f} %")
        rest = list(dict.fromkeys(e.name for e in self.entries if e not in told))
        if rest:
            lines.append(f"replaced and not called: {' '.join(rest)}")
        return "\n".join(lines)


def _remarks(e: Entry) -> str:
    parts = [f"left as is: {e.reason}"] if e.status == LEFT else []
    parts += ["computes what the book's computes"] if e.by_meaning and e.status == REPLACED else []
    parts += [_READ] if e.by_reading and e.status == REPLACED else []
    if e.checked:
        speed = f", {e.speedup:.2f} times as fast" if e.speedup else ""
        parts.append(f"{e.checked:,} calls compared, largest difference {e.difference:.1e}{speed}")
        if e.status == LEFT and not e.verdict:
            parts.append("computed the same in all of them")
    if e.verdict:
        parts.append(e.verdict)
    parts += [f"{count:,} times the book's own code: {reason}" for reason, count in e.fallbacks.items()]
    return "; ".join(parts)
