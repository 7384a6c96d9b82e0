"""From a live class or function back to its text, made sure that the one was compiled from the other."""

import __future__

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, NamedTuple, TypeAlias

from fasts2s.dropin.errors import UnrecognisedError

Node: TypeAlias = ast.ClassDef | ast.FunctionDef

#: The flags of code objects that ``from __future__ import`` sets. In a notebook those of earlier cells hold as well.
_FUTURE = 0
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag


#: Name of a file -> text that is in no file: what came on the command line or on standard input.
given: dict[str, str] = {}


#: Code that we have put in the place of a script's -> what it was compiled to.
rewritten: dict[CodeType, CodeType] = {}


def as_written(code: CodeType) -> CodeType:
    """Return the code that the text of a script was compiled to."""
    return rewritten.get(code, code)


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
    first = next(iter(codes.values()))
    parsed, filename = parsed_file(first), first.co_filename
    definitions = [node for node in parsed.tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    for node in definitions:
        if node.name == obj.__name__ and (
            _compiled_from(parsed.code, node, codes) or _compiled_from(_alone(node, first), node, codes)
        ):
            return Text(node, {name: part for name, part in _functions(node).items() if name in codes})
    raise UnrecognisedError(f"its code is not that of its source text ({filename})")


def parsed_file(code: CodeType) -> Parsed:
    """Return the whole text that a code object says it comes from. Raises UnrecognisedError where there is none."""
    filename = code.co_filename
    linecache.checkcache(filename)  # IPython sees to it that the texts of cells stay
    text = "".join(linecache.getlines(filename)) or given.get(filename, "")
    if not text:
        raise UnrecognisedError(f"its source text is not there ({filename})")
    return _parsed(text, filename, code.co_flags & _FUTURE)


def inner_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code objects of all functions and classes inside a code object, at every depth."""
    for inner in _inner(code):
        yield inner
        yield from inner_codes(inner)


def _codes(obj: type | FunctionType, originals: dict[str, Any]) -> dict[str, CodeType]:
    if isinstance(obj, FunctionType):
        return {obj.__name__: originals.get(obj.__name__, as_written(obj.__code__))}
    members = {**vars(obj), **originals}
    functions = {name: getattr(a, "__func__", a) for name, a in members.items()}  # of a staticmethod
    return {name: f.__code__ for name, f in functions.items() if isinstance(f, FunctionType)}


@lru_cache(maxsize=64)
def _parsed(text: str, filename: str, flags: int) -> Parsed:
    try:
        tree = ast.parse(text, filename)
        return Parsed(tree, compile(text, filename, "exec", flags, dont_inherit=True))
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


@lru_cache(maxsize=64)
def _alone(node: Node, code: CodeType) -> CodeType:
    """Compile a definition by itself, as a notebook does: names imported beside it change what is compiled."""
    alone: CodeType = compile(
        ast.Module([node], []), code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True
    )
    return alone


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]
