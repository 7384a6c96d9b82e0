"""How the drop-in was asked to behave; read by every replaced method."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fasts2s.backend import Backend, get_backend


@dataclass
class Settings:
    """The options of ``patch`` and of the command line.

    Attributes
    ----------
    backend : Backend or None
        None: what the switch says, at every call.
    strict : bool
        Fallbacks and edited classes are errors.
    verify : bool
        Original and replacement run side by side.
    trust : frozenset of str
        Names of edited classes that are replaced all the same.
    only_book : bool
        Classes are recognised by their text alone, not by what they compute.
    all_sizes : bool
        Ours run at every size, also where the book's code is as fast.
    """

    backend: Backend | None = None
    strict: bool = False
    verify: bool = False
    trust: frozenset[str] = frozenset()
    only_book: bool = False
    all_sizes: bool = False


settings = Settings()


@contextmanager
def every_size() -> Iterator[None]:
    """Have ours run at every size inside."""
    before, settings.all_sizes = settings.all_sizes, True
    try:
        yield
    finally:
        settings.all_sizes = before


#: Classes of the book whose methods are replaced -> name of the target.
installed: dict[type, str] = {}


def active_backend() -> Backend:
    """Return the backend of the replaced code."""
    return settings.backend or get_backend()


class ActiveBackend:
    """The attribute ``backend`` of the book's classes."""

    def __get__(self, obj: Any, kind: Any = None) -> Backend:
        return active_backend()
