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
from fasts2s.dropin.recognise import allowed, sizes_in
from fasts2s.dropin.recognise.attributes_in import is_said_only, of_self, stores
from fasts2s.dropin.recognise.canonical import fingerprint
from fasts2s.dropin.recognise.grammar import Function
from fasts2s.dropin.recognise.names_in import Names
from fasts2s.dropin.recognise.sources import Text, text_of
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Item, Reliance, Used, names_of


class _Task(NamedTuple):
    """A function that is to be read, and the class that it belongs to."""

    owner: type | None
    node: ast.FunctionDef
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
        self, obj: Any, members: tuple[str, ...], others: tuple[str, ...] = (), *, integers: bool = False
    ) -> None:
        super().__init__(integers=integers)
        self._obj, self._members, self._others = obj, members, others
        self.used: list[Used] = []
        self._forms: set[str] = set()
        self._classes: dict[type, Text] = {}
        self._tasks: list[_Task] = []
        self._seen: set[tuple[Any, str]] = set()
        self._stored: dict[str, list[ast.AST | None]] = {}
        self._flags: list[tuple[str, ast.AST, FunctionType]] = []
        self._shapes: list[tuple[str, ast.AST, FunctionType]] = []
        self._require(obj, None)
        self._finish()

    # ---- results -------------------------------------------------------------------------------------------------

    def key(self) -> str:
        """Return a hash of all the text that was read, and of the constants that it uses."""
        return hashlib.sha256("\n".join(self._texts).encode()).hexdigest()

    def kinds(self) -> list[type]:
        """Return the classes that it is made of."""
        return list(self._classes)

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
        more = Reading(now, (), integers=self._integers)
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
            self._add_task(None, text.functions[obj.__name__], obj)
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
        if not isinstance(text.node, ast.ClassDef):
            raise UnrecognisedError(f"{kind.__name__} is a function in its text")
        for part in text.node.body:
            self._read_class_statement(kind, part)
        for function in text.functions.values():
            for name, value in stores(function):
                self._stored.setdefault(name, []).append(value)
        wanted = (*self._members, *self._others) if issubclass(self._obj, kind) else ()
        for name in ("__init__", *wanted, *self._asked):
            self._ask(kind, name)

    def _read_class_statement(self, kind: type, part: ast.stmt) -> None:
        if isinstance(part, ast.FunctionDef):
            special = part.name.startswith("__") and part.name not in allowed.SPECIAL
            if special:
                raise UnrecognisedError(f"{_place(part, kind)}: {kind.__name__}.{part.name}")
            decorators = [getattr(d, "id", "?") for d in part.decorator_list]
            if decorators not in ([], ["staticmethod"]):
                raise UnrecognisedError(f"{_place(part, kind)}: {kind.__name__}.{part.name} has a decorator")
        elif isinstance(part, ast.Assign) and isinstance(part.value, ast.Constant):
            for target in part.targets:
                name = getattr(target, "id", "__")
                if name.startswith("__"):
                    raise UnrecognisedError(f"{_place(part, kind)}: {name}")
                self._stored.setdefault(name, []).append(part.value)
                self._texts.append(f"{kind.__name__}.{name}={part.value.value!r}")
                if name in vars(kind):
                    self.items.append(Item(kind, names_of(kind), name, vars(kind)[name], f"{kind.__name__}.{name}"))
        elif not (isinstance(part, ast.Pass | ast.AnnAssign | ast.Expr) and is_said_only(part)):
            raise UnrecognisedError(f"{_place(part, kind)}: something that belongs to the class itself")

    def _ask(self, kind: type, name: str) -> None:
        """Read a method of a class, if it has one of this name."""
        text = self._classes[kind]
        if name in text.functions and (kind, name) not in self._seen:
            self._seen.add((kind, name))
            live = originals.own(kind)[name]
            self._add_task(kind, text.functions[name], getattr(live, "__func__", live))
            if kind is not self._obj or name not in (*self._members, "__init__"):
                self.items.append(Item(kind, names_of(kind), name, live, f"{kind.__name__}.{name}"))

    def _add_task(self, owner: type | None, node: ast.FunctionDef, function: FunctionType) -> None:
        if set(function.__code__.co_freevars) - {"__class__"}:
            raise UnrecognisedError(f"{_place(node, function)}: {node.name} uses names of the function around it")
        self._tasks.append(_Task(owner, node, function))
        form = fingerprint(node)[0]
        self._forms.add(form)
        self._texts.append(f"{owner.__name__ if owner else ''}.{node.name}:{form}")

    def _finish(self) -> None:
        while self._tasks:
            self._read(self._tasks.pop())
            if not self._tasks:
                for name in list(self._asked):
                    for kind in list(self._classes):
                        self._ask(kind, name)
        methods = {name for text in self._classes.values() for name in text.functions}
        known = allowed.ATTRIBUTES | allowed.METHODS | methods | self._stored.keys()
        for name, (node, function) in self._asked.items():
            if name not in known:
                raise UnrecognisedError(f"{_place(node, function)}: the attribute {name}")
        for name, node, function in self._shapes:
            if not all(sizes_in.is_shape(v) or _is_none(v) for v in self._stored.get(name, [None])):
                raise UnrecognisedError(f"{_place(node, function)}: a condition on {name}, which may be no shape")
        for name, node, function in self._flags:
            values = self._stored.get(name, [None])
            if not all(
                isinstance(v, ast.arg) or (isinstance(v, ast.Constant) and v.value in (None, True, False))
                for v in values
            ):
                raise UnrecognisedError(f"{_place(node, function)}: a condition on {name}, which may be a value")
        kinds = [self._obj, *(kind for kind in self._classes if kind is not self._obj)]
        self.used = [Used(kind, self._attributes(kind)) for kind in kinds if kind in self._classes]
        intruder = next(filter(None, (used.intruder() for used in self.used)), "")
        if intruder:
            raise UnrecognisedError(f"{intruder} decides itself what reading an attribute does")

    def _attributes(self, kind: type) -> frozenset[str]:
        functions = [f for name, f in self._classes[kind].functions.items() if (kind, name) in self._seen]
        return frozenset().union(*map(of_self, functions))

    # ---- one function --------------------------------------------------------------------------------------------

    def _read(self, task: _Task) -> None:
        _, node, function = task

        def resolve(names: list[str], where: ast.AST) -> Any:
            return self._resolve(names, where, function)

        def flag(name: str) -> bool:
            self._flags.append((name, node, function))
            return True

        def shape(name: str) -> bool:
            self._shapes.append((name, node, function))
            return True

        aside = (
            node.name in ("__init__", *self._others) and task.owner is not None and issubclass(self._obj, task.owner)
        )
        try:
            read = Function(node, resolve, integers=self._integers, flags=flag, shapes=shape, may_print=aside)
        except UnrecognisedError as error:
            raise UnrecognisedError(f"{_file(function)}, {error}") from None
        for name, asked in read.attributes.items():
            self._asked.setdefault(name, (asked, function))


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _file(obj: Any) -> str:
    code = getattr(obj, "__code__", None)
    name = code.co_filename if code is not None else ""
    return Path(name).name if name.endswith(".py") and Path(name).is_file() else obj.__module__


def _place(node: ast.AST, obj: Any) -> str:
    return f"{_file(obj)}, line {getattr(node, 'lineno', '?')}"
