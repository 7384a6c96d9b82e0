"""Functions and classes as their text has them: what is asked of them in every run is found in the text once."""

import ast
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from fasts2s.dropin.recognise.facts import Facts, Kept

Node: TypeAlias = ast.ClassDef | ast.FunctionDef


class Written:
    """A function as its text has it.

    Parameters
    ----------
    find : function
        Returns its node in the syntax tree: who asks for what is kept has no need of it.
    """

    def __init__(self, name: str, kept: Kept, find: Callable[[], ast.FunctionDef]) -> None:
        self.name, self.kept, self._find = name, kept, find

    @cached_property
    def node(self) -> ast.FunctionDef:
        """The function in its syntax tree."""
        return self._find()

    @property
    def lineno(self) -> int:
        """The line of its ``def``."""
        line: int = self.kept.fact("line", lambda: self.node.lineno)
        return line

    @property
    def form(self) -> str:
        """Its fingerprint, see :mod:`fasts2s.dropin.recognise.canonical`."""
        return self._canonical[0]

    @property
    def free(self) -> list[str]:
        """The names that it takes from its module."""
        return self._canonical[1]

    @property
    def _canonical(self) -> tuple[str, list[str]]:
        found: tuple[str, list[str]] = self.kept.fact("canonical", lambda: _trees().canonical(self.node))
        return found

    def asked_of(self, name: str) -> list[str]:
        """Return the attributes that it asks of a name; "" is its first parameter."""
        asked: dict[str, list[str]] = self.kept.fact("asked", lambda: _trees().by_name(self.node))
        return asked.get(name, [])

    @property
    def stores(self) -> list[tuple[str, bool, bool]]:
        """The attributes that it sets, and whether what to may be a flag, or a shape."""
        found: list[tuple[str, bool, bool]] = self.kept.fact("stores", lambda: _trees().stores(self.node))
        return found


class Text(NamedTuple):
    """Where a definition stands in its text.

    Attributes
    ----------
    lineno : int
        The line of its ``class`` or ``def``.
    functions : dict of str to Written
        The methods of a class, or the function itself.
    """

    lineno: int
    is_class: bool
    functions: dict[str, Written]
    kept: Kept
    find: Callable[[], Node]

    def statements(self) -> list[Facts]:
        """Return what stands in a class, see :func:`fasts2s.dropin.recognise.in_trees.statements`."""
        found: list[Facts] = self.kept.fact("body", lambda: _trees().statements(self.find()))
        return found


def _trees() -> Any:
    """Return what looks into syntax trees: nobody needs it where all is kept."""
    return import_module("fasts2s.dropin.recognise.in_trees")
