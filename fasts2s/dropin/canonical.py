"""The canonical form of a definition: equal for two texts that mean the same to a reader of the book.

Comments, docstrings, white space, annotations and the names of local variables do not count; everything else does,
the names of parameters too, because callers may use them. Built on the syntax tree with a writing of our own, so that
it does not change with Python's version.
"""

import ast
import hashlib
from typing import Any, TypeAlias

# Hints for tools, not for the program; ctx follows from the place of a name.
_SKIPPED = {"ctx", "kind", "type_comment", "annotation", "returns", "type_params"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def fingerprint(node: ast.AST) -> tuple[str, frozenset[str]]:
    """Return the fingerprint of a definition, 16 hexadecimal digits, and the names it takes from its module."""
    writer = _Writer()
    text = writer.write(node)
    return hashlib.sha256(text.encode()).hexdigest()[:16], frozenset(writer.free)


class _Writer:
    def __init__(self) -> None:
        self.free: set[str] = set()
        self._scopes: list[dict[str, str]] = []

    def write(self, value: Any) -> str:
        if isinstance(value, ast.Name):
            return f"({self._resolve(value.id)})"
        if isinstance(value, ast.ExceptHandler) and value.name is not None:
            return self._fields(value, name=self._resolve(value.name))
        if isinstance(value, _FUNCTIONS):
            return self._inside(value, _bound_in_function(value))
        if isinstance(value, _COMPREHENSIONS):
            return self._inside(value, _targets(value.generators))
        if isinstance(value, ast.AST):
            return self._fields(value)
        if isinstance(value, list):
            return "[" + ",".join(map(self.write, value)) + "]"
        return f"{type(value).__name__}:{value!r}"

    def _inside(self, node: ast.AST, scope: dict[str, str]) -> str:
        self._scopes.append(scope)
        try:
            return self._fields(node)
        finally:
            self._scopes.pop()

    def _fields(self, node: ast.AST, **replaced: str) -> str:
        parts = []
        for name, value in ast.iter_fields(node):
            if name == "body" and isinstance(node, _DOCUMENTED):
                value = _undocumented(value)
            if name not in _SKIPPED and value is not None and value != []:
                parts.append(f"{name}={replaced.get(name) or self.write(value)}")
        return f"{type(node).__name__}({','.join(parts)})"

    def _resolve(self, name: str) -> str:
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope:
                return f"{depth}{scope[name]}"
        self.free.add(name)
        return name


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
        found.visit(part)
    number = 0
    for name in found.names:
        if name not in found.declared and name not in scope:
            scope[name] = f"%{number}" if name not in found.kept else f".{name}"
            number += 1
    return scope


class _Bound(ast.NodeVisitor):
    """The names that a function binds itself, in the order of its text."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.kept: set[str] = set()  # modules and inner functions go by their own names
        self.declared: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self.names[node.id] = None

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self.names[node.name] = None
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self._keep(*((alias.asname or alias.name).partition(".")[0] for alias in node.names))

    visit_ImportFrom = visit_Import

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.declared.update(node.names)

    visit_Nonlocal = visit_Global

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self._keep(node.name)  # what is inside binds names of its own

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_ListComp(self, node: ast.AST) -> None:
        # Its variables are its own, but `:=` inside it binds a name of the function.
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                self.visit(inner.target)

    visit_SetComp = visit_ListComp
    visit_DictComp = visit_ListComp
    visit_GeneratorExp = visit_ListComp

    def _keep(self, *names: str) -> None:
        self.names.update(dict.fromkeys(names))
        self.kept.update(names)


def _targets(generators: list[ast.comprehension]) -> dict[str, str]:
    found = _Bound()
    for generator in generators:
        found.visit(generator.target)
    return {name: f"%{number}" for number, name in enumerate(found.names)}
