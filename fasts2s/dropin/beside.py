"""What the replacements keep beside the book's objects, whose own attributes stay the book's: pickles, vars, repr."""

from collections.abc import Callable
from operator import is_
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary


class Call(NamedTuple):
    """A forward call that can be run again: what it changed as it was before, and its arguments."""

    before: dict[str, Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Beside:
    """What belongs to one object."""

    __slots__ = ("cache", "compared", "parts", "replay", "twin")

    def __init__(self) -> None:
        self.cache: Any = None  # of the replaced forward, for the replaced backward
        self.replay: Call | None = None  # the last forward, if it was a replaced one
        self.parts: Any = None  # a helper of ours that belongs to this object, and what it was made of
        self.twin: Any = None  # the copy on which --verify runs the original
        self.compared = False  # whether it ran the last forward


_all: "WeakKeyDictionary[Any, Beside]" = WeakKeyDictionary()


def of(obj: Any) -> Beside:
    """Return what is kept beside an object."""
    found = _all.get(obj)
    if found is None:
        found = _all[obj] = Beside()
    return found


def forget() -> None:
    """Forget everything."""
    _all.clear()


class Cache:
    """The attribute ``_cache`` of the replaced methods, which lives beside the object."""

    def __get__(self, obj: Any, kind: Any = None) -> Any:
        return self if obj is None else of(obj).cache

    def __set__(self, obj: Any, value: Any) -> None:
        of(obj).cache = value


class MadeOnRead:
    """An attribute that only the book's forward sets: who reads it after a replaced one has that run again."""

    def __init__(self, name: str, run_again: Callable[[Any], None]) -> None:
        self._name, self._run_again = name, run_again

    def __get__(self, obj: Any, kind: Any = None) -> Any:
        if obj is None:
            return self
        if obj.__dict__.get(self._name) is None and of(obj).replay is not None:
            self._run_again(obj)
        try:
            return obj.__dict__[self._name]
        except KeyError:
            raise AttributeError(f"{type(obj).__name__!r} object has no attribute {self._name!r}") from None

    def __set__(self, obj: Any, value: Any) -> None:
        obj.__dict__[self._name] = value


class Part:
    """An attribute that stands for a helper of ours, made of other attributes when it is first wanted, and anew
    when one of them was exchanged."""

    def __init__(self, make: Callable[..., Any], *names: str) -> None:
        self._make, self._names = make, names

    def __get__(self, obj: Any, kind: Any = None) -> Any:
        if obj is None:
            return self
        kept, made_of = of(obj), [getattr(obj, name) for name in self._names]
        if kept.parts is None or not all(map(is_, kept.parts[1:], made_of)):
            kept.parts = (self._make(*made_of), *made_of)
        return kept.parts[0]
