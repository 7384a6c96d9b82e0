"""What was there before: every attribute and code object that was replaced, and how it comes back."""

from types import FunctionType
from typing import Any

#: Owner (a class, or a function whose code was exchanged) -> name -> what was there; ABSENT where there was nothing.
_kept: dict[Any, dict[str, Any]] = {}
#: The same for what the book's own code needs in order to run: what stands there while all else is suspended.
_repaired: dict[Any, dict[str, Any]] = {}
#: What we have put there last.
_put_there: dict[Any, dict[str, Any]] = {}
#: What will stand for attributes of a class when ours run on one of its objects: reading them takes longer then.
_waiting: dict[type, dict[str, Any]] = {}
ABSENT = object()
_NOTHING = object()


def of(owner: Any) -> dict[str, Any]:
    """Return what stood in a class, or was the code of a function, before it was replaced."""
    return {name: value for name, value in _kept.get(owner, {}).items() if value is not ABSENT}


def own(found: type) -> dict[str, Any]:
    """Return what stands in a class, as its text has it."""
    return {**vars(found), **of(found)}


def put_there(owner: Any, name: str) -> Any:
    """Return what we have put in a class; what nothing is identical with where that is nothing."""
    return _put_there.get(owner, {}).get(name, _NOTHING)


def _held(owner: Any, name: str) -> Any:
    return owner.__code__ if isinstance(owner, FunctionType) else vars(owner).get(name, ABSENT)


def _put(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, FunctionType):
        owner.__code__ = value
    elif value is not ABSENT:
        setattr(owner, name, value)
    elif name in vars(owner):
        delattr(owner, name)


def replace(owner: Any, name: str, value: Any) -> None:
    """Set an attribute of a class, and remember what was there.

    Of a function (name: its own) the code is exchanged, which reaches everybody who has imported it.
    """
    _kept.setdefault(owner, {}).setdefault(name, _held(owner, name))
    _put_there.setdefault(owner, {})[name] = value
    _put(owner, name, value)


def replace_when_needed(owner: type, name: str, value: Any) -> None:
    """As :func:`replace`, when :func:`put_waiting` is called for this class or one below it."""
    _waiting.setdefault(owner, {})[name] = value


def put_waiting(kind: type) -> None:
    """Set what waits for ours to run on an object of a class."""
    if _waiting:
        for owner in kind.__mro__:
            if owner in _waiting:
                for name, value in _waiting.pop(owner).items():
                    replace(owner, name, value)


def repair(owner: Any, name: str, value: Any) -> None:
    """As :func:`replace`, for what the book's own code needs in order to run: it stays where ours is suspended."""
    replace(owner, name, value)
    _repaired.setdefault(owner, {})[name] = value


def put_back(owner: Any) -> None:
    """Put everything of one owner back, as long as nothing else is replaced in it."""
    _repaired.pop(owner, None)
    _put_there.pop(owner, None)
    for name, value in of(owner).items():
        _put(owner, name, value)


def take_back(owner: Any) -> None:
    """Put everything of one owner back, what was not there before as well, and forget it."""
    for name, value in _kept.get(owner, {}).items():
        _put(owner, name, value)
    drop(owner)


def drop(owner: Any) -> None:
    """Forget an owner that nobody will use again: nothing is put back."""
    for kept in (_kept, _repaired, _put_there, _waiting):
        kept.pop(owner, None)


def restore_all() -> None:
    """Put everything back."""
    _repaired.clear()
    _put_there.clear()
    _waiting.clear()
    while _kept:
        owner, names = _kept.popitem()
        for name, value in names.items():
            _put(owner, name, value)


class Suspended:
    """A ``with`` block in which everything is as the book has it, repaired; blocks may be nested."""

    def __enter__(self) -> None:
        everything = [
            (owner, name, _repaired.get(owner, {}).get(name, value))
            for owner, names in _kept.items()
            for name, value in names.items()
        ]
        self._now = [(owner, name, _held(owner, name)) for owner, name, _ in everything]
        for change in everything:
            _put(*change)

    def __exit__(self, *error: object) -> None:
        for change in self._now:
            _put(*change)
