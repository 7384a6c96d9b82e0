"""From a live class or function back to its text, made sure that the one was compiled from the other."""

import ast
import linecache
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, NamedTuple, TypeAlias

from fasts2s.dropin.errors import UnrecognisedError

Node: TypeAlias = ast.ClassDef | ast.FunctionDef


class Parsed(NamedTuple):
    """A source text, parsed and compiled."""

    tree: ast.Module
    code: CodeType


class Text(NamedTuple):
    """Where a definition stands in its text: ``functions`` are the nodes of a class's methods, or of the function."""

    node: Node
    functions: dict[str, ast.FunctionDef]


def text_of(obj: type | FunctionType, originals: dict[str, Any]) -> Text:
    """Return the text of a class or function.

    Parameters
    ----------
    originals : name -> what stood in the class, or was the code of the function, before it was replaced

    Raises
    ------
    UnrecognisedError
        There is no text, or it is not what the object was compiled from.
    """
    codes = _codes(obj, originals)
    if not codes:
        raise UnrecognisedError("it has no methods of its own")
    filename = next(iter(codes.values())).co_filename
    linecache.checkcache(filename)
    lines = linecache.getlines(filename)
    if not lines:
        raise UnrecognisedError(f"its source text is not there ({filename})")
    parsed = _parsed("".join(lines), filename)
    definitions = [node for node in parsed.tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    for node in definitions:
        if node.name == obj.__name__ and _compiled_from(parsed.code, node, codes):
            return Text(node, {name: part for name, part in _functions(node).items() if name in codes})
    raise UnrecognisedError(f"its code is not that of its source text ({filename})")


def _codes(obj: type | FunctionType, originals: dict[str, Any]) -> dict[str, CodeType]:
    if isinstance(obj, FunctionType):
        return {obj.__name__: originals.get(obj.__name__, obj.__code__)}
    members = {**vars(obj), **originals}
    return {name: a.__code__ for name, a in members.items() if isinstance(a, FunctionType)}


@lru_cache(maxsize=64)
def _parsed(text: str, filename: str) -> Parsed:
    try:
        tree = ast.parse(text, filename)
        return Parsed(tree, compile(text, filename, "exec", dont_inherit=True))
    except (SyntaxError, ValueError) as error:
        raise UnrecognisedError(f"its source text cannot be read: {error}") from None


def _functions(node: Node) -> dict[str, ast.FunctionDef]:
    if isinstance(node, ast.FunctionDef):
        return {node.name: node}
    return {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}


def _compiled_from(module: CodeType, node: Node, live: dict[str, CodeType]) -> bool:
    """Return whether all live methods come from the text."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    for code in _inner(module):
        if code.co_name == node.name and code.co_firstlineno == first:
            found = (
                {code.co_name: code} if isinstance(node, ast.FunctionDef) else {c.co_name: c for c in _inner(code)}
            )
            return all(found.get(name) == method for name, method in live.items())
    return False


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]
