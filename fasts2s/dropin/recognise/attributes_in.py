"""Which attributes a method sets and asks for, by its syntax tree."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=4096)
def stores(function: ast.FunctionDef) -> tuple[tuple[str, ast.AST | None], ...]:
    """Return the attributes that a function sets, and what to: a constant, an argument of a constructor, or None."""
    named = {p.arg: p for p in function.args.args} if function.name == "__init__" else {}
    found: list[tuple[str, ast.AST | None]] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found += _store(target, node.value, named)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
            found += _store(node.target, None, named)
    return tuple(found)


def _store(target: ast.AST, value: ast.AST | None, named: dict[str, ast.arg]) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        parts: list[Any] = list(values) if len(values) == len(target.elts) else [None] * len(target.elts)
        for part, of_it in zip(target.elts, parts, strict=True):
            yield from _store(part, of_it, named)
    elif isinstance(target, ast.Attribute):
        yield target.attr, named.get(value.id) if isinstance(value, ast.Name) else value


@lru_cache(maxsize=4096)
def of_self(function: ast.FunctionDef) -> frozenset[str]:
    """Return the attributes that a method asks of its first parameter."""
    first = function.args.args[0].arg if function.args.args else ""
    return frozenset(
        node.attr for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == first
    )  # fmt: skip


def is_said_only(part: Any) -> bool:
    """Return whether a statement of a class is a docstring, a declaration without a value, or nothing."""
    value = getattr(part, "value", None)
    return value is None or (isinstance(part, ast.Expr) and isinstance(value, ast.Constant))
