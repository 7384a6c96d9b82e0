"""Which conditions a definition that is to be recognised may have: on flags and kinds, never on values or sizes."""

import ast
from collections.abc import Callable

_EQUALITY = (ast.Eq, ast.NotEq)
_IDENTITY = (ast.Is, ast.IsNot)
_ORDER = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


Ask = Callable[[ast.expr], bool]


def is_allowed(test: ast.expr, is_flag: Ask, is_shape: Ask) -> bool:
    """Return whether a condition asks for nothing but flags, None, numbers of axes, and whether sizes are the same.

    ``is_flag`` tells whether a name or an attribute can only be True or False, ``is_shape`` whether only a shape.
    """
    if isinstance(test, ast.BoolOp):
        return all(is_allowed(part, is_flag, is_shape) for part in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return is_allowed(test.operand, is_flag, is_shape)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _comparison(test.left, test.ops[0], test.comparators[0], is_flag, is_shape)
    return is_flag(test)


def _comparison(left: ast.expr, how: ast.cmpop, right: ast.expr, is_flag: Ask, is_shape: Ask) -> bool:
    if isinstance(how, _IDENTITY):
        return is_place(left) and isinstance(right, ast.Constant) and right.value in (None, True, False)
    if isinstance(right, ast.Constant) and isinstance(right.value, bool):
        return isinstance(how, _EQUALITY) and is_flag(left)
    if _axes(left, is_shape) or _axes(right, is_shape):
        both = all(_axes(e, is_shape) or isinstance(e, ast.Constant) for e in (left, right))
        return isinstance(how, _ORDER) and both
    return isinstance(how, _EQUALITY) and any(
        all(isinstance(e, ast.Attribute) and e.attr == name for e in (left, right)) for name in ("size", "shape")
    )


def _axes(node: ast.expr, is_shape: Ask) -> bool:
    """Return whether this is a number of axes: ``x.ndim``, ``len(x.shape)``, ``np.ndim(x)``."""
    if isinstance(node, ast.Attribute):
        return node.attr == "ndim"
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    asked = node.args[0]
    return name == "ndim" or (name == "len" and is_shape(asked))


def is_place(node: ast.expr) -> bool:
    """Return whether an expression is a name, or an attribute or an element of one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name)
