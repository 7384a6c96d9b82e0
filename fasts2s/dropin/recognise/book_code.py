"""Which definitions are the book's: fingerprints of both editions, and of what they call."""

import builtins
import json
import sys
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise.sources import text_of
from fasts2s.dropin.recognise.written import Text, Written
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Item, Known, Reliance, Used, names_of

#: What a global name of the book's code may stand for beside its own definitions.
_MODULES = {"numpy", "cupy", "collections", "os", "sys", "time", "pickle", "matplotlib.pyplot", "urllib"}


@cache
def _known() -> dict[str, list[dict[str, str]]]:
    """Return name of a class or function -> its form in each edition: name of a member -> fingerprint."""
    return dict(json.loads(Path(__file__).with_name("book_code.json").read_text(encoding="utf-8")))


def is_known(name: str) -> bool:
    """Return whether a class or function of the book has this name."""
    return name in _known()


def require_known(obj: Any, members: tuple[str, ...]) -> Reliance:
    """Make sure that the members of a class (or a function, without members) are the book's, and what they call.

    Returns
    -------
    Reliance
        What they find by name when they run; the members themselves, who calls them finds.

    Raises
    ------
    UnrecognisedError
        They are not; the text says what differs.
    """
    search = _Search()
    search.require(obj, members)
    return Reliance(search.items, search.used, again=_again)


def known_class(obj: type, inside: Reliance, *, trusted: bool) -> Known:
    """Return what is known of a class whose replaced methods rely on ``inside``; its other methods may be edited."""
    there = originals.own(obj)
    methods = {name: f for name, f in there.items() if isinstance(f, FunctionType) and name != "__init__"}
    items = [Item(obj, names_of(obj), name, f, f"{obj.__name__}.{name}") for name, f in methods.items()]
    search, fixed = _Search(), ""
    try:
        form = _known().get(obj.__name__, [{}])[0]
        search.require(obj, tuple(name for name in methods if name in form))
    except UnrecognisedError as error:
        fixed = "" if trusted else str(error)
    return Known(inside, Reliance([*items, *search.items], search.used, fixed, _again))


def _again(obj: Any) -> Reliance:
    return require_known(obj, ())


class _Search:
    """One walk through a definition and all that it calls; ``items`` and ``used`` are what was met."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.used: list[Used] = []
        self._seen: set[int] = set()

    def require(self, obj: Any, members: tuple[str, ...] = ()) -> None:
        if id(obj) in self._seen:
            return
        self._seen.add(id(obj))
        forms = _known().get(obj.__name__, [])
        if not forms or not isinstance(obj, type | FunctionType):
            raise UnrecognisedError(f"{obj.__name__} is nothing of the book's")
        text = text_of(obj, originals.of(obj))
        found = text.functions
        special = [name for name in found if name.startswith("__") and name not in forms[0]]
        if special:
            raise UnrecognisedError(f"{obj.__name__}.{special[0]} is not in the book ({_where(obj)}:{text.lineno})")
        wanted = members or tuple(name for name in forms[0] if name in found) or (obj.__name__,)
        if not any(all(name in found and found[name].form == form.get(name) for name in wanted) for form in forms):
            differing = [n for n in wanted if n not in found or all(found[n].form != form.get(n) for form in forms)]
            what = f"{obj.__name__}.{differing[0]}" if differing and isinstance(obj, type) else obj.__name__
            raise UnrecognisedError(f"{what} is not the book's ({_where(obj)}:{text.lineno})")
        self._note(obj, text, wanted, own=not members)
        for name in sorted(set().union(*(found[n].free for n in wanted))):
            self._require_name(name, obj, [found[n] for n in wanted])

    def _note(self, obj: Any, text: Text, wanted: tuple[str, ...], *, own: bool) -> None:
        """Note the methods of a class that is called, and what is needed of its attributes."""
        if not isinstance(obj, type):
            return
        used = Used(obj, frozenset().union(*(text.functions[name].asked_of("") for name in wanted)))
        intruder = used.intruder()
        if intruder:
            raise UnrecognisedError(f"{intruder} is not in the book ({_where(obj)})")
        self.used.append(used)
        there = originals.own(obj)
        if own:
            self.items += [Item(obj, names_of(obj), name, there[name], f"{obj.__name__}.{name}") for name in wanted]

    def _require_name(self, name: str, user: Any, functions: list[Written]) -> None:
        """Make sure that a global name in a known definition stands for what it stands for in the book."""
        module = sys.modules[user.__module__]
        space = vars(module)
        value = space.get(name, vars(builtins).get(name))
        if name not in space and name in vars(builtins):
            return
        if isinstance(value, str):
            return  # texts, such as names of folders, are data: what replaces the function reads them too
        self.items.append(Item(None, space, name, value, f"{module.__name__}.{name}"))
        if isinstance(value, ModuleType) and getattr(value, "__name__", "") in _MODULES:
            names = {a for function in functions for a in function.asked_of(name)} & vars(value).keys()
            self.items += [Item(None, vars(value), a, vars(value)[a], f"{value.__name__}.{a}") for a in sorted(names)]
            return
        if name == "GPU" and isinstance(value, bool):
            return
        if not isinstance(value, type | FunctionType) or value.__name__ != name:
            raise UnrecognisedError(f"{name}, which {user.__name__} uses, is not the book's ({_where(user)})")
        self.require(value)


def _where(obj: Any) -> str:
    return str(getattr(sys.modules.get(obj.__module__), "__file__", obj.__module__))
