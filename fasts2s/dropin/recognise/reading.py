"""Reading a definition and all that it calls: is it of a kind that trying it on numbers can prove?

The argument. What is let through is made of nothing but analytic functions of the inputs, moves of numbers, loops
over shapes, and branches on flags (None or not, stateful or not, two axes or three), all of which are tried. Two such
definitions that agree at points drawn at random, in several shapes, agree everywhere but for a set of measure zero:
an analytic function that is zero on a set of positive measure is zero. What the argument cannot bear is refused by
name: branches on values or sizes, clipping and rounding, whole numbers larger than the sizes that are tried, state
outside the object, files, chance. Sizes enter by polynomials of low degree, and are tried on both sides of the
largest number allowed. That both agree at these points is for :mod:`fasts2s.dropin.recognise.probe` to find out.
"""

import ast
import hashlib
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import allowed, retold
from fasts2s.dropin.recognise.facts import Facts
from fasts2s.dropin.recognise.names_in import Names
from fasts2s.dropin.recognise.sources import text_of
from fasts2s.dropin.recognise.written import Text, Written
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Item, Reliance, Used, names_of


class _Task(NamedTuple):
    """A function that is to be read, and the class that it belongs to."""

    owner: type | None
    written: Written
    function: FunctionType


class Reading(Names):
    """What was read.

    Parameters
    ----------
    obj : type or FunctionType
    members : tuple of str
        Methods of a class that are replaced; what they call is read, and the constructor.
    others : tuple of str
        Further methods that are run to try it.
    integers : bool
        Whether it deals in ids or labels.
    draws : bool
        Whether it may draw.
    made_alive : bool
        Whether what its constructor makes is looked at alive: the constructor is not read then.
    parts_have : tuple of str
        Methods of such parts.
    instead : Written or None
        What of a function is read in the place of its text.
    positive : bool
        Whether it may choose the larger of 0 and a number: it is tried on both sides.

    Raises
    ------
    UnrecognisedError
        Something in it is not understood; the text names file, line and construct.

    Attributes
    ----------
    items, used
        What it finds by name, see :mod:`fasts2s.dropin.replace.reliance`.
    """

    def __init__(
        self,
        obj: Any,
        members: tuple[str, ...],
        others: tuple[str, ...] = (),
        *,
        integers: bool = False,
        draws: bool = False,
        made_alive: bool = False,
        parts_have: tuple[str, ...] = (),
        instead: Written | None = None,
        positive: bool = False,
    ) -> None:
        super().__init__(integers=integers, draws=draws, positive=positive)
        self._instead = instead
        self._constructor, self._parts_have = () if made_alive else ("__init__",), parts_have
        self._obj, self._members, self._others = obj, members, others
        self.used: list[Used] = []
        self._forms: set[str] = set()
        self._classes: dict[type, Text] = {}
        self._tasks: list[_Task] = []
        self._seen: set[tuple[Any, str]] = set()
        # Attribute -> of all that it is set to, whether that may be a flag, and whether a shape.
        self._stored: dict[str, list[tuple[bool, bool]]] = {}
        self._flags: list[tuple[str, Written, FunctionType]] = []
        self._shapes: list[tuple[str, Written, FunctionType]] = []
        self._require(obj, None)
        self._finish()

    # ---- results -------------------------------------------------------------------------------------------------

    def key(self) -> str:
        """Return a hash of all the text that was read, and of the constants that it uses."""
        return hashlib.sha256("\n".join(self._texts).encode()).hexdigest()

    def kinds(self) -> list[type]:
        """Return the classes that it is made of."""
        return list(self._classes)

    def asked(self) -> frozenset[str]:
        """Return the names of all attributes and methods that it asks anything for, where it can come to it."""
        return frozenset(self._asked)

    def reliance(self) -> Reliance:
        """Return what replaced methods rely on."""
        return Reliance(self.items, self.used, again=self._again)

    def whole(self, fixed: str) -> Reliance:
        """Return the same with all methods of the class, for who goes past these; ``fixed``: why nobody may."""
        there = originals.own(self._obj)
        own = [Item(self._obj, names_of(self._obj), name, f, f"{self._obj.__name__}.{name}")
               for name, f in there.items() if isinstance(f, FunctionType) and name != "__init__"]  # fmt: skip
        return Reliance([*own, *self.items], self.used, fixed, self._again)

    def _again(self, now: Any) -> Reliance:
        """Return what a definition relies on that took the place of one that was read, if its text is the same."""
        more = Reading(now, (), integers=self._integers, draws=self._draws)
        if not more._forms <= self._forms:
            raise UnrecognisedError(f"{now.__name__} is another one")
        return more.reliance()

    # ---- what is found -------------------------------------------------------------------------------------------

    def _require(self, obj: Any, node: ast.AST | None) -> None:
        """See to it that a class or function of the reader's is read."""
        if (obj, "") in self._seen:
            return
        self._seen.add((obj, ""))
        if isinstance(obj, FunctionType):
            text = text_of(obj, originals.of(obj))
            instead = self._instead if obj is self._obj else None
            self._add_task(None, instead or text.functions[obj.__name__], obj)
            return
        if type(obj) is not type:
            raise UnrecognisedError(f"{obj.__name__} has a metaclass")
        for kind in reversed(obj.__mro__[:-1]):
            self._read_class(kind, node)

    def _read_class(self, kind: type, node: ast.AST | None) -> None:
        if kind in self._classes:
            return
        if not any(isinstance(value, FunctionType | staticmethod) for value in originals.own(kind).values()):
            if kind.__module__ == "builtins":
                raise UnrecognisedError(f"{kind.__name__} as a base class")
            return
        text = self._classes[kind] = text_of(kind, originals.of(kind))
        if not text.is_class:
            raise UnrecognisedError(f"{kind.__name__} is a function in its text")
        for part in text.statements():
            self._read_class_statement(kind, part)
        for function in text.functions.values():
            for name, *kinds in function.stores:
                self._stored.setdefault(name, []).append((kinds[0], kinds[1]))
        wanted = (*self._members, *self._others) if issubclass(self._obj, kind) else ()
        for name in (*self._constructor, *wanted, *self._asked):
            self._ask(kind, name)

    def _read_class_statement(self, kind: type, part: Facts) -> None:
        where = f"{_file(kind)}, line {part['line']}"
        if part["is"] == "method":
            said = f"{where}: {kind.__name__}.{part['name']}"
            if part["name"].startswith("__") and part["name"] not in allowed.SPECIAL:
                raise UnrecognisedError(said)
            if part["decorators"] not in ([], ["staticmethod"]):
                raise UnrecognisedError(f"{said} has a decorator")
        elif part["is"] == "constant":
            for name in part["names"]:
                if name.startswith("__"):
                    raise UnrecognisedError(f"{where}: {name}")
                self._stored.setdefault(name, []).append(tuple(part["kinds"]))
                self._texts.append(f"{kind.__name__}.{name}={part['value']}")
                if name in vars(kind):
                    self.items.append(Item(kind, names_of(kind), name, vars(kind)[name], f"{kind.__name__}.{name}"))
        else:
            raise UnrecognisedError(f"{where}: something that belongs to the class itself")

    def _ask(self, kind: type, name: str) -> None:
        """Read a method of a class, if it has one of this name."""
        text = self._classes[kind]
        if name in text.functions and (kind, name) not in self._seen:
            self._seen.add((kind, name))
            live = originals.own(kind)[name]
            self._add_task(kind, text.functions[name], getattr(live, "__func__", live))
            if kind is not self._obj or name not in (*self._members, "__init__"):
                self.items.append(Item(kind, names_of(kind), name, live, f"{kind.__name__}.{name}"))

    def _add_task(self, owner: type | None, written: Written, function: FunctionType) -> None:
        if set(function.__code__.co_freevars) - {"__class__"}:
            raise UnrecognisedError(
                f"{_place(written, function)}: {written.name} uses names of the function around it"
            )
        self._tasks.append(_Task(owner, written, function))
        self._forms.add(written.form)
        self._texts.append(f"{owner.__name__ if owner else ''}.{written.name}:{written.form}")

    def _finish(self) -> None:
        while self._tasks:
            self._read(self._tasks.pop())
            if not self._tasks:
                for name in list(self._asked):
                    for kind in list(self._classes):
                        self._ask(kind, name)
        methods = {name for text in self._classes.values() for name in text.functions}
        known = allowed.ATTRIBUTES | allowed.METHODS | methods | self._stored.keys() | set(self._parts_have)
        for name, (node, function) in self._asked.items():
            if name not in known:
                raise UnrecognisedError(f"{_place(node, function)}: the attribute {name}")
        for name, written, function in self._shapes:
            if not all(is_shape for _, is_shape in self._stored.get(name, [(False, False)])):
                raise UnrecognisedError(f"{_place(written, function)}: a condition on {name}, which may be no shape")
        for name, written, function in self._flags:
            if not all(is_flag for is_flag, _ in self._stored.get(name, [(False, False)])):
                raise UnrecognisedError(f"{_place(written, function)}: a condition on {name}, which may be a value")
        kinds = [self._obj, *(kind for kind in self._classes if kind is not self._obj)]
        self.used = [Used(kind, self._attributes(kind)) for kind in kinds if kind in self._classes]
        intruder = next(filter(None, (used.intruder() for used in self.used)), "")
        if intruder:
            raise UnrecognisedError(f"{intruder} decides itself what reading an attribute does")

    def _attributes(self, kind: type) -> frozenset[str]:
        functions = [f for name, f in self._classes[kind].functions.items() if (kind, name) in self._seen]
        return frozenset().union(*(function.asked_of("") for function in functions))

    # ---- one function --------------------------------------------------------------------------------------------

    def _read(self, task: _Task) -> None:
        owner, written, function = task

        def resolve(names: list[str], where: ast.AST) -> Any:
            return self._resolve(names, where, function)

        def flag(name: str) -> bool:
            self._flags.append((name, written, function))
            return True

        def shape(name: str) -> bool:
            self._shapes.append((name, written, function))
            return True

        aside = written.name in ("__init__", *self._others) and owner is not None and issubclass(self._obj, owner)
        ask = retold.Ask(resolve, flag, shape)
        try:
            asked = retold.read(
                written,
                function.__globals__,
                ask,
                integers=self._integers,
                positive=self._positive,
                may_print=aside,
            )
        except UnrecognisedError as error:
            raise UnrecognisedError(f"{_file(function)}, {error}") from None
        for name, line in asked:
            self._asked.setdefault(name, (ast.Pass(lineno=line), function))


def _file(obj: Any) -> str:
    code = getattr(obj, "__code__", None)
    name = code.co_filename if code is not None else ""
    return Path(name).name if name.endswith(".py") and Path(name).is_file() else obj.__module__


def _place(node: Any, obj: Any) -> str:
    return f"{_file(obj)}, line {getattr(node, 'lineno', '?')}"
