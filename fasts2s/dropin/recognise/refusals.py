"""Saying what is not understood: the line, and what stands there."""

import ast

from fasts2s.dropin.errors import UnrecognisedError

WORDS = {
    ast.While: "a loop without a known number of turns", ast.Try: "a try", ast.With: "a with block",
    ast.Global: "a name that it declares global", ast.Nonlocal: "a name that it declares nonlocal",
    ast.Yield: "a yield", ast.YieldFrom: "a yield", ast.Await: "an await", ast.NamedExpr: "an assignment inside",
    ast.JoinedStr: "a text that is put together", ast.Import: "an import inside", ast.ImportFrom: "an import inside",
    ast.Compare: "a comparison of values", ast.BoolOp: "a choice by value", ast.FloorDiv: "a division with rounding",
    ast.Mod: "a remainder", ast.ClassDef: "a class inside",
}  # fmt: skip


def refused(node: ast.AST, what: str = "") -> UnrecognisedError:
    """Return the error that names the line and what stands there."""
    said = what or WORDS.get(type(node)) or f"{type(node).__name__}, which is not understood here"
    return UnrecognisedError(f"line {getattr(node, 'lineno', '?')}: {said}")


def short(node: ast.AST) -> str:
    """Return the text of an expression, cut where it is long."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."
