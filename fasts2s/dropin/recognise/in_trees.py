"""What is asked of every definition, by its syntax tree: form, attributes that it sets and asks for, statements."""

import ast
from collections.abc import Iterator
from typing import Any

from fasts2s.dropin.recognise import sizes_in
from fasts2s.dropin.recognise.canonical import fingerprint

#: An attribute that is set; whether what to can only be a flag, whether a shape.
Stored = tuple[str, bool, bool]


def canonical(function: ast.FunctionDef) -> tuple[str, list[str]]:
    """Return the fingerprint of a function, and the names that it takes from its module."""
    form, free = fingerprint(function)
    return form, sorted(free)


def stores(function: ast.FunctionDef) -> list[Stored]:
    """Return the attributes that a function sets, and what to."""
    named = {p.arg: p for p in function.args.args} if function.name == "__init__" else {}
    found: list[tuple[str, ast.AST | None]] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found += _store(target, node.value, named)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
            found += _store(node.target, None, named)
    return [(name, *_kinds(value)) for name, value in found]


def _kinds(value: ast.AST | None) -> tuple[bool, bool]:
    """Return whether a value may be a flag, an argument of a constructor too, and whether a shape, or None."""
    constant = value.value if isinstance(value, ast.Constant) else 2
    return isinstance(value, ast.arg) or constant in (None, True, False), constant is None or sizes_in.is_shape(value)


def _store(target: ast.AST, value: ast.AST | None, named: dict[str, ast.arg]) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        parts: list[Any] = list(values) if len(values) == len(target.elts) else [None] * len(target.elts)
        for part, of_it in zip(target.elts, parts, strict=True):
            yield from _store(part, of_it, named)
    elif isinstance(target, ast.Attribute):
        yield target.attr, named.get(value.id) if isinstance(value, ast.Name) else value


def by_name(function: ast.FunctionDef) -> dict[str, list[str]]:
    """Return the attributes that a function asks of every name; "" is its first parameter."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, set()).add(node.attr)
    first = function.args.args[0].arg if function.args.args else ""
    return {name: sorted(asked) for name, asked in found.items()} | {"": sorted(found.get(first, ()))}


def statements(node: ast.ClassDef | ast.FunctionDef) -> list[dict[str, Any]]:
    """Return what stands in a class, but for what means nothing: methods, constants, and what is something else."""
    return [said for said in map(_statement, node.body) if said["is"] != "nothing"]


def _statement(part: ast.stmt) -> dict[str, Any]:
    if isinstance(part, ast.FunctionDef):
        decorators = [getattr(d, "id", "?") for d in part.decorator_list]
        return {"is": "method", "line": part.lineno, "name": part.name, "decorators": decorators}
    if isinstance(part, ast.Assign) and isinstance(part.value, ast.Constant):
        names = [getattr(target, "id", "__") for target in part.targets]
        said = {"names": names, "value": repr(part.value.value), "kinds": _kinds(part.value)}
        return {"is": "constant", "line": part.lineno} | said
    means_nothing = isinstance(part, ast.Pass | ast.AnnAssign | ast.Expr) and _is_said_only(part)
    return {"is": "nothing" if means_nothing else "else", "line": part.lineno}


def _is_said_only(part: Any) -> bool:
    """Return whether a statement of a class is a docstring, a declaration without a value, or nothing."""
    value = getattr(part, "value", None)
    return value is None or (isinstance(part, ast.Expr) and isinstance(value, ast.Constant))
