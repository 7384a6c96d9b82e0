"""What was there before: every attribute and code object that was replaced, and how it comes back."""

from types import FunctionType
from typing import Any

#: Owner (a class, or a function whose code was exchanged) -> name -> what was there; ABSENT where there was nothing.
_kept: dict[Any, dict[str, Any]] = {}
ABSENT = object()


def of(owner: Any) -> dict[str, Any]:
    """Return what stood in a class, or was the code of a function, before it was replaced."""
    return {name: value for name, value in _kept.get(owner, {}).items() if value is not ABSENT}


def replace(owner: type, name: str, value: Any) -> None:
    """Set an attribute of a class, and remember what was there."""
    _kept.setdefault(owner, {}).setdefault(name, vars(owner).get(name, ABSENT))
    setattr(owner, name, value)


def replace_code(function: FunctionType, code: Any) -> None:
    """Exchange the code of a function, which reaches everybody who has imported it by name."""
    _kept.setdefault(function, {}).setdefault(function.__name__, function.__code__)
    function.__code__ = code


def restore_all() -> None:
    """Put everything back."""
    for owner in list(_kept):
        restore(owner)


def restore(owner: Any) -> None:
    """Put everything back that was replaced in a class, or the code of a function."""
    for name, value in _kept.pop(owner, {}).items():
        if isinstance(owner, FunctionType):
            owner.__code__ = value
        elif value is ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, value)


class Suspended:
    """A ``with`` block in which everything is as the book has it; blocks may be nested."""

    def __enter__(self) -> None:
        self._now: list[tuple[Any, dict[str, Any]]] = []
        for owner, names in _kept.items():
            if isinstance(owner, FunctionType):
                self._now.append((owner, {"": owner.__code__}))
                owner.__code__ = names[owner.__name__]
                continue
            self._now.append((owner, {name: vars(owner)[name] for name in names if name in vars(owner)}))
            for name, value in names.items():
                if value is not ABSENT:
                    setattr(owner, name, value)
                elif name in vars(owner):
                    delattr(owner, name)

    def __exit__(self, *error: object) -> None:
        for owner, names in self._now:
            if isinstance(owner, FunctionType):
                owner.__code__ = names[""]
                continue
            for name, value in names.items():
                setattr(owner, name, value)
