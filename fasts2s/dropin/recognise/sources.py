"""From a live class or function back to its text, made sure that the one was compiled from the other."""

import __future__

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import facts
from fasts2s.dropin.recognise.facts import Facts, Kept, digest
from fasts2s.dropin.recognise.written import Node, Text, Written

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


class _Source(NamedTuple):
    """A source text, and what is kept of it: it is parsed when something is asked that is not."""

    text: str
    filename: str
    flags: int
    kept: Kept

    def parsed(self) -> Parsed:
        return _parsed(self.text, self.filename, self.flags)

    def node(self, at: int) -> Node:
        """Return the definition that is the statement number ``at`` of the text."""
        found = self.parsed().tree.body[at]
        assert isinstance(found, ast.ClassDef | ast.FunctionDef)  # for the type checker: it was one
        return found


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
    source = _source(next(iter(codes.values())))
    said = _kept_definition(source, obj.__name__, codes) or _definition(source, obj.__name__, codes)
    part, at = source.kept.part(said), said["at"]
    functions = {
        name: Written(name, part.part(more), partial(_function, source, at, name))
        for name, more in said["functions"].items()
        if name in codes
    }
    return Text(said["line"], said["is a class"], functions, part, partial(source.node, at))


def parsed_file(code: CodeType) -> Parsed:
    """Return the whole text that a code object says it comes from. Raises UnrecognisedError where there is none."""
    return _source(code).parsed()


def _source(code: CodeType) -> _Source:
    filename = code.co_filename
    linecache.checkcache(filename)  # IPython sees to it that the texts of cells stay
    text = "".join(linecache.getlines(filename)) or given.get(filename, "")
    if not text:
        raise UnrecognisedError(f"its source text is not there ({filename})")
    return _source_of(text, filename, code.co_flags & _FUTURE)


@lru_cache(maxsize=64)
def _source_of(text: str, filename: str, flags: int) -> _Source:
    # What was typed will hardly be typed again.
    return _Source(text, filename, flags, facts.of(text, flags) if Path(filename).is_file() else Kept({}))


def _kept_definition(source: _Source, name: str, codes: dict[str, CodeType]) -> Facts | None:
    """Return what is kept of the definition of this name that these codes were compiled from, if anything is."""
    kept: list[Facts] = source.kept.facts.get("definitions", [])
    for said in kept:
        compiled = said["codes"]
        if said["name"] == name and all(compiled.get(n) == digest(code) for n, code in codes.items()):
            return said
    return None


def _definition(source: _Source, name: str, codes: dict[str, CodeType]) -> Facts:
    """Return the same by the syntax tree; it is kept where the text was compiled as one. Raises UnrecognisedError."""
    first = next(iter(codes.values()))
    parsed = source.parsed()
    for at, node in enumerate(parsed.tree.body):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name != name:
            continue
        said: Facts = {
            "at": at, "name": name, "line": node.lineno, "is a class": isinstance(node, ast.ClassDef),
            "functions": {method: {} for method in _functions(node)},
        }  # fmt: skip
        compiled = _compiled(parsed.code, node)
        if _are_in(compiled, codes):
            said["codes"] = {method: digest(code) for method, code in compiled.items()}
            source.kept.keep("definitions", [*source.kept.facts.get("definitions", []), said])
            return said
        if _are_in(_compiled(_alone(node, first), node), codes):
            return said
    raise UnrecognisedError(f"its code is not that of its source text ({source.filename})")


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


def _function(source: _Source, at: int, name: str) -> ast.FunctionDef:
    return _functions(source.node(at))[name]


def _compiled(module: CodeType, node: Node) -> dict[str, CodeType]:
    """Return what the methods of a class were compiled to, or a function."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    for code in _inner(module):
        if code.co_name == node.name and code.co_firstlineno == first:
            return {code.co_name: code} if isinstance(node, ast.FunctionDef) else {c.co_name: c for c in _inner(code)}
    return {}


def _are_in(compiled: dict[str, CodeType], live: dict[str, CodeType]) -> bool:
    """Return whether all live methods come from the text."""
    return all(compiled.get(name) == method for name, method in live.items())


@lru_cache(maxsize=64)
def _alone(node: Node, code: CodeType) -> CodeType:
    """Compile a definition by itself, as a notebook does: names imported beside it change what is compiled."""
    alone: CodeType = compile(
        ast.Module([node], []), code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True
    )
    return alone


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]
