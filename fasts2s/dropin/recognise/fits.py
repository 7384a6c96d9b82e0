"""Is a reader's ``fit`` a loop into which what stands for a model can be put? Its text runs as it is.

How it shuffles, counts, prints and what it keeps is its own affair. It must take steps as the book's does, each call
once in the text and one after the other in one block: ``forward`` of the model, ``backward``, ``remove_duplicate``,
perhaps ``clip_grads``, ``update`` of the optimiser. And it must do nothing else with the model, the optimiser, or
what ``remove_duplicate`` returns, of which ours changes few rows.
"""

import ast
import builtins
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise.facts import Facts
from fasts2s.dropin.recognise.refusals import refused, short
from fasts2s.dropin.recognise.sizes_in import assigned
from fasts2s.dropin.recognise.sources import text_of
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Item, Known, Reliance, Used

_PARTS = ("model", "optimizer")
#: What the loop calls of the book's functions.
_DUPLICATES, _CLIP = "remove_duplicate", "clip_grads"
_BUILTINS = frozenset(
    ["range", "len", "enumerate", "zip", "print", "float", "int", "str", "round", "abs", "max", "min", "sum", "bool"]
)
_MODULES = (np, time, math)
_STATEMENTS = (
    ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.While, ast.If, ast.Pass, ast.Break, ast.Continue,
    ast.Return,
)  # fmt: skip
_EXPRESSIONS = (
    ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.Call, ast.Tuple, ast.List, ast.JoinedStr, ast.FormattedValue, ast.IfExp, ast.keyword,
)  # fmt: skip
_AROUND = (ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context)

Require = Callable[[FunctionType], Reliance]


def recognise(found: type, require: Require) -> Known:
    """Make sure that ``fit`` of a class is such a loop.

    Parameters
    ----------
    require : function
        A function that it calls -> what that relies on, if it is the book's; else raises UnrecognisedError.

    Raises
    ------
    UnrecognisedError
        It is none; the text names the line.
    """
    fit = originals.own(found)["fit"]
    written = text_of(found, originals.of(found)).functions["fit"]
    facts: Facts = written.kept.fact_unless_refused("loop", lambda: _facts(written.node))
    _look_up(facts, found, fit.__globals__)
    items, used = [], [Used(found, frozenset(written.asked_of("")))]
    for name in facts["called"]:
        function = fit.__globals__.get(name)
        if not isinstance(function, FunctionType):
            raise UnrecognisedError(f"line {written.lineno}: {name}, which is not there")
        more = require(function)
        items += [Item(None, fit.__globals__, name, function, f"{fit.__module__}.{name}"), *more.items.values()]
        used += more.used
    relies = Reliance(items, used, again=require)
    return Known(relies, relies)


def _facts(node: ast.FunctionDef) -> Facts:
    """Return what a text asks for, as it is kept. Raises UnrecognisedError."""
    loop = _Loop(node)
    loop.read()
    return {name: getattr(loop, name) for name in ("called", "builtins", "names", "attributes")}


def _look_up(facts: Facts, found: type, space: dict[str, Any]) -> None:
    """Make sure that what a text asks for stands for what it was taken for. Raises UnrecognisedError."""
    for name, line in facts["builtins"]:
        if name in space:
            raise UnrecognisedError(f"line {line}: a call of {name}")
    for name, line in facts["names"]:
        value = space.get(name, vars(builtins).get(name))
        if not isinstance(value, int | float | str) and not any(value is module for module in _MODULES):
            raise UnrecognisedError(f"line {line}: {name}")
    for name, line in facts["attributes"]:
        if hasattr(found, name):
            raise UnrecognisedError(f"line {line}: something else that is done with its {name}")


class _Loop:
    """One ``fit``.

    Attributes
    ----------
    called : list of str
        The functions of the book's that it calls.
    builtins, names, attributes : list of (str, int)
        Functions of Python's that it calls, other names that it finds in its module, and attributes of the trainer;
        and where.
    """

    def __init__(self, node: ast.FunctionDef) -> None:
        self.node, self.called = node, [_DUPLICATES]
        self.builtins: list[tuple[str, int]] = []
        self.names: list[tuple[str, int]] = []
        self.attributes: list[tuple[str, int]] = []
        a = node.args
        if not a.args or a.vararg or a.kwarg or a.kwonlyargs or a.posonlyargs or node.decorator_list:
            raise refused(node, "other arguments than those of a loop")
        self._self = a.args[0].arg
        self._stored = Counter(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _is_stored(n))
        self._stored.update(p.arg for p in a.args)
        if self._stored.keys() & {_DUPLICATES, _CLIP, *_BUILTINS}:
            raise refused(node, "names of the book's functions for something else")
        self._names: dict[str, str] = {}  # of its own -> the part of the trainer that it stands for
        self._returned: list[str] = []  # the names of what remove_duplicate has returned
        self._understood: set[ast.AST] = set()

    def read(self) -> None:
        """Raise UnrecognisedError where something is not understood."""
        for part in ast.walk(self.node):
            if isinstance(part, ast.Assign) and len(part.targets) == 1:
                self._note_names(part)
        blocks = [block for block in _blocks(self.node) if any(self._is_forward(part) for part in block)]
        if len(blocks) != 1:
            raise refused(self.node, "not one place where forward of its model is called")
        self._read_step(blocks[0])
        for statement in self.node.body:
            self._look(statement)

    def _note_names(self, node: Any) -> None:
        """Note ``model, optimizer = self.model, self.optimizer``."""
        target: Any = node.targets[0]
        pairs: list[tuple[Any, Any]] = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=False))
        meant = [self._part(value) for _, value in pairs]
        if all(meant) and all(isinstance(name, ast.Name) and self._stored[name.id] == 1 for name, _ in pairs):
            self._names |= {name.id: part for (name, _), part in zip(pairs, meant, strict=True)}
            self._understood.add(node)

    def _part(self, node: Any) -> str:
        """Return "model" or "optimizer" where an expression stands for one, or ""."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, "")
        own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == self._self
        return node.attr if own and node.attr in _PARTS else ""

    def _asked(self, node: Any, part: str, name: str) -> bool:
        """Return whether this is an attribute of the model or of the optimiser."""
        return isinstance(node, ast.Attribute) and node.attr == name and self._part(node.value) == part

    def _calls(self, node: Any, part: str, name: str, count: int) -> bool:
        """Return whether this is a call of one of their methods, with so many arguments."""
        is_call = isinstance(node, ast.Call) and self._asked(node.func, part, name)
        return is_call and len(node.args) == count and not node.keywords

    # ---- the step ------------------------------------------------------------------------------------------------

    def _is_forward(self, node: Any) -> bool:
        plain = isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        return plain and self._calls(node.value, "model", "forward", 2)

    def _read_step(self, block: list[ast.stmt]) -> None:
        wanted = [self._is_forward, self._is_backward, self._is_gathering, self._is_clipping, self._is_update]
        for part in block:
            if len(wanted) == 2 and not self._is_clipping(part):
                wanted.pop(0)  # nothing may be clipped
            if wanted[0](part):
                self._understood.add(part)
                wanted.pop(0)
                if not wanted:
                    return
            elif len(wanted) < 5 and not self._is_harmless(part):
                raise refused(part, "something in the midst of a step")
        raise refused(block[0], "no step as the book's")

    def _is_harmless(self, node: ast.stmt) -> bool:
        """Return whether a statement prints or counts: what was given to forward stays as it is until the update."""
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant) or _is_call_of(node.value, "print")
        if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Name):
            return False
        values = assigned(self.node).get(node.target.id, [])
        return all(isinstance(v, ast.Constant) or v is node.value for v in values)

    def _is_backward(self, node: ast.stmt) -> bool:
        return isinstance(node, ast.Expr) and self._calls(node.value, "model", "backward", 0)

    def _is_gathering(self, node: Any) -> bool:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple)):
            return False
        names: list[Any] = node.targets[0].elts
        call: Any = node.value
        if not (_is_call_of(call, _DUPLICATES) and all(isinstance(n, ast.Name) for n in names)):
            return False
        given = [self._asked(a, "model", name) for a, name in zip(call.args, ("params", "grads"), strict=False)]
        self._returned = [name.id for name in names]
        is_pair = len(call.args) == len(names) == 2
        return is_pair and all(given) and all(self._stored[name] == 1 for name in self._returned)

    def _is_clipping(self, node: Any) -> bool:
        inner = node
        if isinstance(node, ast.If) and len(node.body) == 1 and not node.orelse:
            self._look(node.test)
            inner = node.body[0]
        call: Any = inner.value if isinstance(inner, ast.Expr) else None
        if not (_is_call_of(call, _CLIP) and len(call.args) == 2 and _is_name(call.args[0], self._returned[1])):
            return False
        self._look(call.args[1])
        self.called = [_DUPLICATES, _CLIP]
        return True

    def _is_update(self, node: Any) -> bool:
        call: Any = node.value if isinstance(node, ast.Expr) else None
        return self._calls(call, "optimizer", "update", 2) and all(map(_is_name, call.args, self._returned))

    # ---- all the rest --------------------------------------------------------------------------------------------

    def _look(self, node: Any) -> None:
        """Make sure that something has nothing to do with the model."""
        if node in self._understood:
            if self._is_forward(node):
                for argument in node.value.args:
                    self._look(argument)
            return
        if not isinstance(node, (*_STATEMENTS, *_EXPRESSIONS, *_AROUND)):
            raise refused(node)
        if isinstance(node, ast.Call):
            self._look_at_call(node)
            return
        if isinstance(node, ast.Name):
            self._look_at_name(node)
        elif isinstance(node, ast.Attribute):
            self._look_at_attribute(node)
            return
        for inner in ast.iter_child_nodes(node):
            self._look(inner)

    def _look_at_name(self, node: ast.Name) -> None:
        if node.id == self._self or node.id in self._names or node.id in self._returned:
            raise refused(node, f"something else that is done with {node.id}")
        if node.id in self._stored:
            return
        self.names.append((node.id, node.lineno))

    def _look_at_attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("__"):
            raise refused(node, f"the attribute {node.attr}")
        if not _is_name(node.value, self._self):
            self._look(node.value)
        elif node.attr in _PARTS:
            raise refused(node, f"something else that is done with {short(node)}")
        else:
            self.attributes.append((node.attr, node.lineno))

    def _look_at_call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name):
            if function.id not in _BUILTINS:
                raise refused(node, f"a call of {function.id}")
            self.builtins.append((function.id, node.lineno))
        elif isinstance(function, ast.Attribute) and not _is_name(function.value, self._self):
            self._look(function)
        else:
            raise refused(node, f"a call of {short(function)}")
        for inner in (*node.args, *node.keywords):
            self._look(inner)


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store | ast.Del)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_call_of(node: Any, name: str) -> bool:
    return isinstance(node, ast.Call) and _is_name(node.func, name) and not node.keywords


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for part in ast.walk(node):
        for name in ("body", "orelse"):
            block = getattr(part, name, None)
            if isinstance(block, list):
                yield block
