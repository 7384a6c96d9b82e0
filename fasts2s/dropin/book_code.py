"""Which definitions are the book's: fingerprints of both editions, and of what they call."""

import builtins
import json
import sys
from functools import cache
from importlib import resources
from types import FunctionType, ModuleType
from typing import Any

from fasts2s.dropin import originals
from fasts2s.dropin.canonical import fingerprint
from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.sources import text_of

#: What a global name of the book's code may stand for beside its own definitions.
_MODULES = {"numpy", "cupy", "os", "sys", "time", "pickle", "matplotlib.pyplot", "urllib"}


@cache
def _known() -> dict[str, list[dict[str, str]]]:
    """Return name of a class or function -> its form in each edition: name of a member -> fingerprint."""
    text = resources.files("fasts2s.dropin").joinpath("book_code.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def require_known(obj: Any, members: tuple[str, ...]) -> None:
    """Make sure that the members of a class (or a function, without members) are the book's, and what they call.

    Raises
    ------
    UnrecognisedError
        They are not; the text says what differs.
    """
    _require(obj, members, set())


def _require(obj: Any, members: tuple[str, ...], seen: set[int]) -> None:
    if id(obj) in seen:
        return
    seen.add(id(obj))
    forms = _known().get(obj.__name__, [])
    if not forms or not isinstance(obj, type | FunctionType):
        raise UnrecognisedError(f"{obj.__name__} is nothing of the book's")
    text = text_of(obj, originals.of(obj))
    found = {name: fingerprint(node) for name, node in text.functions.items()}
    special = [name for name in found if name.startswith("__") and name not in forms[0]]
    if special:
        raise UnrecognisedError(f"{obj.__name__}.{special[0]} is not in the book ({_where(obj)}:{text.node.lineno})")
    wanted = members or tuple(name for name in forms[0] if name in found) or (obj.__name__,)
    if not any(all(name in found and found[name][0] == form.get(name) for name in wanted) for form in forms):
        differing = [n for n in wanted if n not in found or all(found[n][0] != form.get(n) for form in forms)]
        what = f"{obj.__name__}.{differing[0]}" if differing and isinstance(obj, type) else obj.__name__
        raise UnrecognisedError(f"{what} is not the book's ({_where(obj)}:{text.node.lineno})")
    for name in sorted(set().union(*(found[n][1] for n in wanted))):
        _require_name(name, obj, seen)


def _require_name(name: str, user: Any, seen: set[int]) -> None:
    """Make sure that a global name in a known definition stands for what it stands for in the book."""
    space = vars(sys.modules[user.__module__])
    value = space.get(name, vars(builtins).get(name))
    if name not in space and name in vars(builtins):
        return
    if isinstance(value, ModuleType) and getattr(value, "__name__", "") in _MODULES:
        return
    if (name == "GPU" and isinstance(value, bool)) or isinstance(value, str):
        return  # texts, such as names of folders, are data: what replaces the function reads them too
    if not isinstance(value, type | FunctionType) or value.__name__ != name:
        raise UnrecognisedError(f"{name}, which {user.__name__} uses, is not the book's ({_where(user)})")
    _require(value, (), seen)


def _where(obj: Any) -> str:
    return str(getattr(sys.modules.get(obj.__module__), "__file__", obj.__module__))
