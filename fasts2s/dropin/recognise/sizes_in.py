"""Which names of a function hold sizes, inner functions or arrays of the book's, by all that they are assigned."""

import ast
from functools import lru_cache

#: Name -> every value that it is assigned; None where that is part of what is assigned, or a turn of a loop.
Assigned = dict[str, list[ast.AST | None]]


@lru_cache(maxsize=4096)  # what several classes call is read for each of them
def assigned(function: ast.AST) -> Assigned:
    """Return what every name that is bound in a function is assigned, at every depth."""
    found: Assigned = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _note(target, node.value, found)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            _note(node.target, node.value, found)
        elif isinstance(node, ast.For | ast.comprehension):
            _note(node.target, None, found)
        elif isinstance(node, ast.FunctionDef) and node is not function:
            found.setdefault(node.name, []).append(node)
    return found


def _note(target: ast.AST, value: ast.AST | None, found: Assigned) -> None:
    if isinstance(target, ast.Name):
        found.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Starred):
        _note(target.value, None, found)
    elif isinstance(target, ast.Tuple | ast.List):
        parts: list[ast.AST | None] = [None] * len(target.elts)
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(parts):
            parts = list(value.elts)
        elif is_shape(value):
            parts = [value] * len(parts)
        for part, of_it in zip(target.elts, parts, strict=True):
            _note(part, of_it, found)


def is_shape(node: ast.AST | None) -> bool:
    """Return whether this is the shape of something."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "shape"
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def is_size(node: ast.AST | None, found: Assigned) -> bool:
    """Return whether an expression can only be a size: whole numbers, parts of shapes, and what is made of them."""
    if isinstance(node, ast.BinOp):
        return is_size(node.left, found) and is_size(node.right, found)
    if isinstance(node, ast.Name):
        values = found.get(node.id, [])
        return bool(values) and all(is_shape(v) or (v is not node and _is_plain_size(v, found)) for v in values)
    return (
        is_shape(node)
        or (isinstance(node, ast.Constant) and isinstance(node.value, int))
        or (isinstance(node, ast.Subscript) and is_shape(node.value))
        or (isinstance(node, ast.Attribute) and node.attr == "size")
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len")
    )


def _is_plain_size(node: ast.AST | None, found: Assigned) -> bool:
    """As is_size, of a value that does not lean on further names: such a name may lean on itself."""
    if node is None or any(isinstance(part, ast.Name) and part.id in found for part in ast.walk(node)):
        return isinstance(node, ast.Subscript) and is_shape(node.value)
    return is_size(node, found)


def compares_sizes(test: ast.expr, found: Assigned) -> bool:
    """Return whether a test asks whether sizes, or shapes, are the same."""
    if not isinstance(test, ast.Compare) or not all(isinstance(op, ast.Eq) for op in test.ops):
        return False
    return all(is_size(e, found) or is_shape(e) or isinstance(e, ast.Tuple) for e in (test.left, *test.comparators))


def is_function(name: str, found: Assigned, locals_: set[str]) -> bool:
    """Return whether a name stands for nothing but a function that was defined inside, or one of the module's."""
    values = found.get(name, [])
    return bool(values) and all(
        isinstance(value, ast.FunctionDef | ast.Lambda) or _is_of_the_module(value, locals_) for value in values
    )


def _is_of_the_module(node: ast.AST | None, locals_: set[str]) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id not in locals_


def is_choice(node: ast.AST | None, found: Assigned, locals_: set[str]) -> bool:
    """Return whether this is the place of the largest number, ``np.argmax(x)``, or an argument that is a number."""
    if isinstance(node, ast.Name) and node.id in locals_:
        return all(value is not node and _is_argmax_or_argument(value, found) for value in found.get(node.id, []))
    return _is_argmax_or_argument(node, found)


def _is_argmax_or_argument(node: ast.AST | None, found: Assigned) -> bool:
    if isinstance(node, ast.Name):
        return node.id not in found
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "argmax"


def is_made_of_arrays(node: ast.AST | None, found: Assigned) -> bool:
    """Return whether an expression is an argument or attribute, reshaped at most: no list to choose from."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
        return is_made_of_arrays(node.func.value, found)
    if isinstance(node, ast.Subscript):
        return is_made_of_arrays(node.value, found)
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name)
    if not isinstance(node, ast.Name):
        return False
    names = {
        n.id
        for value in found.get(node.id, [])
        if value is not None
        for n in ast.walk(value)
        if isinstance(n, ast.Name)
    }
    return all(
        value is not None and (node.id in names or is_made_of_arrays(value, found)) and not _lists_values(value)
        for value in found.get(node.id, [])
    )


def _lists_values(node: ast.AST) -> bool:
    """Return whether an expression could put a constant beside other numbers."""
    joining = {"array", "asarray", "append", "concatenate", "hstack", "vstack", "stack", "full", "ones", "maximum"}
    return any(
        isinstance(part, ast.List | ast.ListComp)
        or (isinstance(part, ast.Call) and getattr(part.func, "attr", getattr(part.func, "id", "")) in joining)
        for part in ast.walk(node)
    )
