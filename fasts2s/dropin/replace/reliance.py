"""What a replacement relies on, looked at before every call: names, methods and NumPy's functions, by identity.

The book's code looks each of them up when it runs. Who exchanges one (``time_layers.LSTM = MyLSTM``, a wrapper that
counts the calls of ``TimeLSTM.forward``) would be heard by the book and not by ours, which goes past it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.replace import originals

_log = logging.getLogger("fasts2s.dropin")
#: With one of these a class decides itself what reading or setting an attribute does.
_SPECIAL = frozenset({"__getattribute__", "__getattr__", "__setattr__", "__delattr__"})


class Item(NamedTuple):
    """Something that the book's code finds by its name.

    Attributes
    ----------
    owner : type or None
        The class that it is a method of; None: a name of a module.
    space : mapping
        Where it is found: the names of the module or of the class, alive.
    value : object
        What stood there when the code was recognised.
    said : str
        What it is called.
    """

    owner: type | None
    space: Mapping[str, Any]
    name: str
    value: Any
    said: str

    def is_there(self) -> bool:
        """Return whether it stands there still, or what we have put in its place."""
        now = self.space.get(self.name, originals.ABSENT)
        return now is self.value or now is originals.put_there(self.owner, self.name)


_names: dict[type, Mapping[str, Any]] = {}


def names_of(kind: type) -> Mapping[str, Any]:
    """Return the names of a class, alive, as always the same object."""
    return _names.setdefault(kind, vars(kind))


class Used(NamedTuple):
    """A class, and the attributes of its objects that its methods use: these must be plain ones."""

    kind: type
    attributes: frozenset[str]

    def intruder(self) -> str:
        """Return the first name of a property, or of a method that decides about attributes; or ""."""
        for kind in self.kind.__mro__[:-1]:
            for name, value in vars(kind).items():
                is_data = name in self.attributes and hasattr(type(value), "__set__")
                if (is_data or name in _SPECIAL) and value is not originals.put_there(kind, name):
                    return f"{kind.__name__}.{name}"
        return ""


def _never() -> bool:
    return False


class Reliance:
    """What one replacement relies on.

    A look takes some hundred nanoseconds: what stood there at the last thorough one is compared by identity.

    Parameters
    ----------
    again : function or None
        A function or class that took the place of another -> what it relies on itself, if it is the book's as well
        (a cell of a notebook was run once more); else raises UnrecognisedError.
    """

    def __init__(
        self,
        items: Iterable[Item] = (),
        used: Iterable[Used] = (),
        fixed: str = "",
        again: Callable[[Any], "Reliance"] | None = None,
    ) -> None:
        self.items = {(id(item.space), item.name): item for item in items}
        self.used, self.fixed, self.again = tuple(used), fixed, again
        self._same: Callable[[], bool] = _never
        self._reason = ""
        self._subclasses: WeakKeyDictionary[type, str] = WeakKeyDictionary()

    def exchanged(self) -> str:
        """Return what has been exchanged since the book's code was recognised, as a reason; or ""."""
        try:
            return self._reason if self._same() else self._look()
        except KeyError:  # something is gone
            return self._look()

    def own_ways(self, kind: type) -> str:
        """Return why a subclass of the replaced class keeps its attributes in a way of its own, or ""."""
        if not self.used or kind is self.used[0].kind:
            return ""
        if kind not in self._subclasses:
            found = self.used[0]._replace(kind=kind).intruder()
            self._subclasses[kind] = f"{found} is not the book's" if found else ""
        return self._subclasses[kind]

    def _look(self) -> str:
        gone = next((item for item in self.items.values() if not item.is_there()), None)
        while gone is not None and self._take(gone):
            gone = next((item for item in self.items.values() if not item.is_there()), None)
        found = gone.said if gone else next(filter(None, (used.intruder() for used in self.used)), "")
        self._reason = self.fixed or (f"{found} was exchanged" if found else "")
        self._same = self._comparison()
        if self._reason and not self.fixed and self._reason not in _said:
            _said.add(self._reason)
            _log.warning("%s: what relies on it runs the book's own code", self._reason)
        return self._reason

    def _take(self, item: Item) -> bool:
        """Rely on what stands in the place of an item, if it is the book's too; return whether it is."""
        now = item.space.get(item.name)
        if item.owner is not None or self.again is None or not isinstance(now, type | FunctionType):
            return False
        try:
            more = self.again(now)
        except UnrecognisedError:
            return False
        self.items = {**self.items, **more.items, (id(item.space), item.name): item._replace(value=now)}
        self.used += more.used
        return True

    def _lent(self, kind: type) -> set[str]:
        """Return the attributes used in a class for which something of ours stands there."""
        wanted = {name for used in self.used if kind in used.kind.__mro__ for name in used.attributes}
        return {name for name in wanted & vars(kind).keys() if vars(kind)[name] is originals.put_there(kind, name)}

    def _comparison(self) -> Callable[[], bool]:
        """Return a function that tells whether all is as it is now; it raises KeyError where something is gone."""
        names: dict[str, Any] = {}
        parts = []
        for k, item in enumerate(self.items.values()):
            if item.name not in item.space:
                return _never
            names |= {f"s{k}": item.space, f"v{k}": item.space[item.name]}
            parts.append(f"s{k}[{item.name!r}] is v{k}")
        # A property can only come as one name more, or in the place of a method or of an attribute of ours.
        for k, kind in enumerate({kind for used in self.used for kind in used.kind.__mro__[:-1]}):
            names |= {f"c{k}": vars(kind), f"n{k}": len(vars(kind))}
            parts.append(f"len(c{k}) == n{k}")
            for number, name in enumerate(sorted(self._lent(kind))):
                names[f"a{k}_{number}"] = vars(kind)[name]
                parts.append(f"c{k}[{name!r}] is a{k}_{number}")
        text = f"def same():\n    return {' and '.join(parts) or True}\n"
        exec(compile(text, "<fasts2s>", "exec"), names)
        same: Callable[[], bool] = names["same"]
        return same


class Known(NamedTuple):
    """What is known of a replaced class.

    Attributes
    ----------
    inside : Reliance
        What its replaced methods go past: not its own methods.
    whole : Reliance
        The same and its own methods, for who goes past these too.
    ready : function or None
        Its object -> why ours must not run on it, or "".
    """

    inside: Reliance
    whole: Reliance
    ready: Callable[[Any], str] | None = None


#: Of every replaced class.
known: dict[type, Known] = {}
_together: dict[tuple[type, ...], Reliance] = {}
_said: set[str] = set()


def exchanged_in(*kinds: type) -> str:
    """Return what of these replaced classes, or of what they rely on, has been exchanged, as a reason; or ""."""
    found = _together.get(kinds)
    if found is None:
        wholes = [known[kind].whole for kind in kinds]
        items = [item for whole in wholes for item in whole.items.values()]
        used = dict.fromkeys(u for whole in wholes for u in whole.used)
        fixed = next((whole.fixed for whole in wholes if whole.fixed), "")
        found = _together[kinds] = Reliance(items, used, fixed, wholes[0].again)
    return found.exchanged()


def forget() -> None:
    """Forget everything."""
    known.clear()
    _together.clear()
    _names.clear()
    _said.clear()
