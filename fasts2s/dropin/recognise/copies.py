"""A throw-away copy of a reader's class with our methods in it, and a silence in which it is tried."""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.dropin.replace import originals, patching, reliance
from fasts2s.dropin.replace.reliance import Known, Reliance
from fasts2s.dropin.replace.targets import Target
from fasts2s.dropin.run import report
from fasts2s.dropin.run.report import Entry
from fasts2s.dropin.settings import installed, settings

Install = Callable[[Target, Entry, type], None]


@contextmanager
def quietly() -> Iterator[None]:
    """Leave no trace: chance, output, warnings, announcements, NumPy's handling of errors, settings, counts."""
    before, waiting = vars(settings).copy(), report.before_first_call[:]
    counted: Any = [(entry, entry.calls, entry.seconds, dict(entry.fallbacks)) for entry in patching.entries]
    state = np.random.get_state()
    report.before_first_call.clear()
    vars(settings).update(backend=get_backend("numpy"), strict=False, verify=False, all_sizes=True)
    try:
        with (
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        vars(settings).update(before)
        report.before_first_call[:] = waiting
        for entry, *counts in counted:  # classes that it is made of were called
            entry.calls, entry.seconds, entry.fallbacks = counts
        np.random.set_state(state)


class Copy:
    """A throw-away copy of a class with our methods in it; a ``with`` block, after which nothing is left of it."""

    def __init__(self, found: type, target: Target, install: Install) -> None:
        kept = {
            name: value for name, value in originals.own(found).items() if name not in {"__dict__", "__weakref__"}
        }
        self.entry, self._target, self._install = Entry("", found.__name__), target, install
        # A subclass: `super()` in its methods goes on from the class that they were written in.
        self.kind = type(found.__name__, (found,), kept)

    def __enter__(self) -> "Copy":
        reliance.known[self.kind] = Known(Reliance(), Reliance())
        installed[self.kind] = self._target.name
        self._install(self._target, self.entry, self.kind)
        return self

    def __exit__(self, *error: object) -> None:
        reliance.known.pop(self.kind, None)
        installed.pop(self.kind, None)
        originals.drop(self.kind)
