"""Functions of readers that do what the book's do: by a text that says the same in other words, or by meaning."""

import ast
import copy
import itertools
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import book_code
from fasts2s.dropin.recognise.sources import given, text_of
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Reliance

_numbers = itertools.count()


def require_same(found: Any) -> Reliance:
    """Make sure that a function is the book's, or says the same in other words; return what it relies on.

    Raises
    ------
    UnrecognisedError
        It is neither; the text says what differs.
    """
    try:
        return book_code.require_known(found, ())
    except UnrecognisedError as error:
        if not isinstance(found, FunctionType):
            raise
        written = text_of(found, originals.of(found)).functions[found.__name__]
        texts: list[str] = written.kept.fact("in other words", lambda: list(_in_other_words(written.node)))
        for text in texts:
            try:
                return book_code.require_known(_made_of(text, found), ())
            except (UnrecognisedError, SyntaxError):
                continue
        raise error from None


def _made_of(text: str, found: FunctionType) -> FunctionType:
    """Return a function with another text, where the first one stands."""
    name = f"<fasts2s {next(_numbers)}>"
    given[name] = text
    (code,) = (
        part for part in compile(text, name, "exec", dont_inherit=True).co_consts if isinstance(part, CodeType)
    )
    return FunctionType(code, found.__globals__, found.__name__, found.__defaults__)


def _in_other_words(node: ast.FunctionDef) -> Iterator[str]:
    """Yield texts that say the same as one does, and are written more as the book is."""
    for spelt_out in (False, True):
        other = _Rewritten(spelt_out=spelt_out).visit(copy.deepcopy(node))
        if ast.dump(other) != ast.dump(node):
            other.decorator_list = []
            yield ast.unparse(ast.fix_missing_locations(other))


class _Rewritten(ast.NodeTransformer):
    """Leaves out texts that are no docstrings; one ``if`` for two, where neither has an else; ``range`` from 0."""

    def __init__(self, *, spelt_out: bool) -> None:
        self._spelt_out = spelt_out

    def visit_Expr(self, node: ast.Expr) -> Any:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        inner = node.body[0] if len(node.body) == 1 else None
        if isinstance(inner, ast.If) and not node.orelse and not inner.orelse:
            parts = [*_parts(node.test), *_parts(inner.test)]
            return ast.If(ast.BoolOp(ast.And(), parts), inner.body, [])
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        is_range = isinstance(node.func, ast.Name) and node.func.id == "range"
        if self._spelt_out and is_range and len(node.args) == 1 and not node.keywords:
            node.args.insert(0, ast.Constant(0))
        return node


def _parts(test: ast.expr) -> list[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
