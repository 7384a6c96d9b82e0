"""What the names of a module stand for that a function uses, and what is noted of them."""

import ast
import builtins
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from fasts2s.dropin.recognise import allowed
from fasts2s.dropin.recognise.refusals import refused
from fasts2s.dropin.recognise.sources import text_of
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Item

_CONSTANTS = (bool, int, float, str, type(None))


class Names:
    """Finds out what names stand for; notes them in ``items``, constants in ``_texts``, methods in ``_asked``."""

    def __init__(self, *, integers: bool, draws: bool, positive: bool) -> None:
        self._integers, self._draws, self._positive = integers, draws, positive
        self.items: list[Item] = []
        self._texts: list[str] = []
        self._asked: dict[str, tuple[ast.AST, FunctionType]] = {}

    def _require(self, obj: Any, node: ast.AST | None) -> None:
        raise NotImplementedError

    def _resolve(self, names: list[str], node: ast.AST, function: FunctionType) -> Any:
        first, *rest = names
        space = function.__globals__
        if first not in space:
            value = vars(builtins).get(first, originals.ABSENT)
            if value not in allowed.BUILTINS and not (self._positive and value is max):
                raise refused(
                    node, f"the function {first}" if value is not originals.ABSENT else f"{first}, which is not there"
                )
            return value
        value = space[first]
        self.items.append(Item(None, space, first, value, f"{function.__module__}.{first}"))
        while rest and isinstance(value, ModuleType) and value is not np:
            name, *rest = rest
            if name not in vars(value):
                raise refused(node, f"{'.'.join(names)}, which is not there")
            self.items.append(Item(None, vars(value), name, vars(value)[name], f"{value.__name__}.{name}"))
            value = vars(value)[name]
        if value is np:
            return self._numpy(".".join(rest), node)
        return self._value(value, rest, names, node, function)

    def _numpy(self, name: str, node: ast.AST) -> Any:
        known = allowed.NUMPY | allowed.NUMPY_BELOW | allowed.RANDOM
        known |= allowed.INTEGERS if self._integers else frozenset()
        known |= allowed.DRAWS if self._draws else frozenset()
        if name not in known:
            raise refused(node, f"np.{name}" if name else "the module np itself")
        first = name.partition(".")[0]
        value = getattr(np, first)
        if first in vars(np):
            self.items.append(Item(None, vars(np), first, value, f"numpy.{first}"))
        return value

    def _value(self, value: Any, rest: list[str], names: list[str], node: ast.AST, function: FunctionType) -> Any:
        said = ".".join(names)
        self._texts.append(f"{function.__qualname__}: {said} is {meant_by(value)}")
        if isinstance(value, type) and value not in allowed.BUILTINS and not _is_numpys(value):
            self._require(value, node)
            for name in rest:
                self._asked.setdefault(name, (node, function))
            return value
        if rest:
            raise refused(node, said)
        if isinstance(value, FunctionType) and not _is_numpys(value):
            self._require(value, node)
        elif _is_numpys(value):
            if value.__name__ not in allowed.NUMPY:
                raise refused(node, f"np.{value.__name__}")
        elif isinstance(value, _CONSTANTS):
            self._texts.append(f"{names[-1]}={value!r}")
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) > allowed.LARGEST:
                raise refused(node, f"the whole number {said} = {value}")
        elif not any(value is known for known in allowed.BUILTINS):
            raise refused(node, said)
        return value


def meant_by(value: Any) -> str:
    """Return what a name stands for, as a text that is another one for another definition."""
    if _is_numpys(value) or not isinstance(value, type | FunctionType):
        return f"{type(value).__name__} {getattr(value, '__name__', repr(value))}"
    if value.__module__ == "builtins":
        return value.__name__
    functions = text_of(value, originals.of(value)).functions
    return f"{value.__name__} {' '.join(function.form for function in functions.values())}"


def _is_numpys(value: Any) -> bool:
    """Return whether this is what NumPy has under its name."""
    name = getattr(value, "__name__", "")
    return (
        isinstance(name, str)
        and bool(name)
        and not isinstance(value, ModuleType)
        and getattr(np, name, None) is value
    )
