"""The canonical form of a definition: equal for two texts that mean the same to a reader of the book.

Comments, docstrings, white space, annotations and the names of local variables do not count; everything else does,
the names of parameters too, because callers may use them. Built on the syntax tree with a writing of our own, so that
it does not change with Python's version.
"""

import ast
import hashlib
from functools import lru_cache
from typing import Any, TypeAlias

# Hints for tools, not for the program; ctx follows from the place of a name.
_SKIPPED = {"ctx", "kind", "type_comment", "annotation", "returns", "type_params"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@lru_cache(maxsize=4096)  # what several classes call is looked at for each of them
def fingerprint(node: ast.AST) -> tuple[str, frozenset[str]]:
    """Return the fingerprint of a definition, 16 hexadecimal digits, and the names it takes from its module."""
    writer = _Writer()
    text = writer.write(node)
    return hashlib.sha256(text.encode()).hexdigest()[:16], frozenset(writer.free)


def members(node: ast.stmt) -> dict[str, str]:
    """Return name -> fingerprint of the methods of a class, or of a function itself; of other statements nothing."""
    parts = node.body if isinstance(node, ast.ClassDef) else [node]
    return {part.name: fingerprint(part)[0] for part in parts if isinstance(part, ast.FunctionDef)}


class _Writer:
    def __init__(self) -> None:
        self.free: set[str] = set()
        self._scopes: list[dict[str, str]] = []

    def write(self, value: Any) -> str:
        if isinstance(value, ast.AST):
            return self._node(value)
        if isinstance(value, list):
            return "[" + ",".join(map(self.write, value)) + "]"
        return f"{type(value).__name__}:{value!r}"

    def _node(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            return f"({self._resolve(node.id)})"
        if isinstance(node, ast.ExceptHandler) and node.name is not None:
            return self._fields(node, name=self._resolve(node.name))
        if isinstance(node, _FUNCTIONS):
            return self._inside(node, _bound_in_function(node))
        if isinstance(node, _COMPREHENSIONS):
            return self._inside(node, _targets(node.generators))
        return self._fields(node)

    def _inside(self, node: ast.AST, scope: dict[str, str]) -> str:
        self._scopes.append(scope)
        try:
            return self._fields(node)
        finally:
            self._scopes.pop()

    def _fields(self, node: ast.AST, **replaced: str) -> str:
        parts = []
        for name, value in _parts(node):
            counted = _undocumented(value) if name == "body" and isinstance(node, _DOCUMENTED) else value
            if name not in _SKIPPED and counted is not None and counted != []:
                parts.append(f"{name}={replaced.get(name) or self.write(counted)}")
        return f"{type(node).__name__}({','.join(parts)})"

    def _resolve(self, name: str) -> str:
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope:
                return f"{depth}{scope[name]}"
        self.free.add(name)
        return name


def _parts(node: ast.AST) -> list[tuple[str, Any]]:
    """Return the fields of a node, as ast.iter_fields does in several times the time; None where one is missing."""
    return [(name, getattr(node, name, None)) for name in node._fields]


def _undocumented(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return (body[1:] or [ast.Pass()]) if documented else body


def _bound_in_function(node: Function) -> dict[str, str]:
    """Return what each name that is bound in a function is written as: parameters by name, the rest by number."""
    a = node.args
    parameters = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
    scope = {p.arg: f".{p.arg}" for p in parameters}
    found = _Bound()
    for part in node.body if isinstance(node.body, list) else [node.body]:
        found.read(part)
    number = 0
    for name in found.names:
        if name not in found.declared and name not in scope:
            scope[name] = f"%{number}" if name not in found.kept else f".{name}"
            number += 1
    return scope


class _Bound:
    """The names that a function binds itself, in the order of its text."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.kept: set[str] = set()  # modules and inner functions go by their own names
        self.declared: set[str] = set()

    def read(self, node: ast.AST) -> None:
        """Note the names that a part of the function binds."""
        if isinstance(node, ast.Global | ast.Nonlocal):
            self.declared.update(node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._keep(*((alias.asname or alias.name).partition(".")[0] for alias in node.names))
        elif isinstance(node, _DOCUMENTED):
            self._keep(node.name)  # what is inside binds names of its own
        elif isinstance(node, _COMPREHENSIONS):
            # Its variables are its own, but `:=` inside it binds a name of the function.
            for inner in ast.walk(node):
                if isinstance(inner, ast.NamedExpr):
                    self.read(inner.target)
        elif not isinstance(node, ast.Lambda):
            self._read_name(node)
            for _, value in _parts(node):
                for part in value if isinstance(value, list) else [value]:
                    if isinstance(part, ast.AST):
                        self.read(part)

    def _read_name(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            self.names[node.id] = None
        elif isinstance(node, ast.ExceptHandler) and node.name is not None:
            self.names[node.name] = None

    def _keep(self, *names: str) -> None:
        self.names.update(dict.fromkeys(names))
        self.kept.update(names)


def _targets(generators: list[ast.comprehension]) -> dict[str, str]:
    found = _Bound()
    for generator in generators:
        found.read(generator.target)
    return {name: f"%{number}" for number, name in enumerate(found.names)}
