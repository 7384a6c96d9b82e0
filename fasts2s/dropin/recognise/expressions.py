"""Reading the expressions and conditions of one function: each must be of a kind that is understood."""

import ast
from collections.abc import Callable
from typing import Any

from fasts2s.dropin.recognise import allowed, conditions, sizes_in
from fasts2s.dropin.recognise.refusals import WORDS, refused, short

Resolve = Callable[[list[str], ast.AST], Any]
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult)
_SIGNS = (ast.USub, ast.UAdd, ast.Invert)


class Expressions:
    """What the expressions of one function are made of; the statements around them are read by a subclass.

    Parameters
    ----------
    resolve : function
        Parts of a dotted name that begins in the module, node -> what it stands for: "value", "array", or a callable
        of the reader's. Raises UnrecognisedError where it stands for something unknown.
    integers : bool
        Whether numbers may be made whole, as ids and labels are.
    positive : bool
        Whether ``max(0, x)`` may be taken.
    flags, shapes : function
        Name of an attribute -> whether it can only be a flag, or a shape.
    may_print : bool
        Whether printing is none of what is replaced.

    Attributes
    ----------
    attributes : dict of str to node
        Attributes and methods that it asks of what it computes with; where first.
    """

    def __init__(
        self,
        node: ast.FunctionDef,
        resolve: Resolve,
        *,
        integers: bool,
        positive: bool,
        flags: Callable[[str], bool],
        shapes: Callable[[str], bool],
        may_print: bool,
    ) -> None:
        self._resolve, self._integers, self._may_print = resolve, integers, may_print
        self._positive = positive
        self._flags, self._shapes = flags, shapes
        self.attributes: dict[str, ast.AST] = {}
        self._assigned = sizes_in.assigned(node)
        self._locals = set(self._assigned)
        self._flag_arguments: set[str] = set()
        self._read_function(node)

    def _read_function(self, node: ast.FunctionDef | ast.Lambda) -> None:
        raise NotImplementedError

    def _target(self, node: ast.expr) -> None:
        raise NotImplementedError

    # ---- conditions ----------------------------------------------------------------------------------------------

    def _known(self, test: ast.expr) -> bool | None:
        """Return what a switch of the module says, such as GPU: it is watched, and the other branch never runs."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self._known(test.operand)
            return None if inner is None else not inner
        names = self._dotted(test)
        value = self._resolve(names, test) if names else None
        return value if isinstance(value, bool) else None

    def _condition(self, test: ast.expr) -> None:
        if not conditions.is_allowed(test, self._is_flag, self._is_shape):
            raise refused(test, f"a condition on values (`{short(test)}`)")

    def _is_flag(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, bool)
        if isinstance(node, ast.Name):
            return node.id in self._flag_arguments and node.id not in self._assigned
        return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and self._flags(node.attr)

    def _is_shape(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            values = self._assigned.get(node.id, [])
            return bool(values) and all(map(sizes_in.is_shape, values))
        own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        return sizes_in.is_shape(node) or (own and self._shapes(getattr(node, "attr", "")))

    # ---- expressions ---------------------------------------------------------------------------------------------

    def _values(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self._value(node)

    def _value(self, node: ast.AST) -> None:
        reader = getattr(self, f"_value_{type(node).__name__}", None)
        if reader is None:
            raise refused(node)
        reader(node)

    def _value_Name(self, node: ast.Name) -> None:
        if node.id not in self._locals:
            self._resolve([node.id], node)

    def _value_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, str):
            self._text(node, value)
        elif isinstance(value, bytes | complex):
            raise refused(node, f"the constant {value!r}")
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > allowed.LARGEST:
            raise refused(node, f"the whole number {value}: sizes up to {allowed.LARGEST} are tried")

    def _text(self, node: ast.AST, value: str) -> None:
        kinds = allowed.DTYPES | (allowed.INTEGER_DTYPES if self._integers else frozenset())
        if value.lstrip("<=>") not in kinds and not set(value) <= set("abcdefghijklmnopqrstuvwxyz,->. "):
            raise refused(node, f"the text {value!r}")
        if value in allowed.INTEGER_DTYPES - kinds:
            raise refused(node, f"numbers that are made whole ({value!r})")

    def _value_Tuple(self, node: ast.Tuple | ast.List) -> None:
        self._values(*node.elts)

    _value_List = _value_Tuple

    def _value_Dict(self, node: ast.Dict) -> None:
        self._values(*(key for key in node.keys if not isinstance(key, ast.Constant)), *node.values)

    def _value_Starred(self, node: ast.Starred) -> None:
        self._value(node.value)

    def _value_Slice(self, node: ast.Slice) -> None:
        self._values(node.lower, node.upper, node.step)

    def _value_Subscript(self, node: ast.Subscript) -> None:
        self._value(node.value)
        if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):  # an item of a dict
            self._value(node.slice)

    def _value_BinOp(self, node: ast.BinOp) -> None:
        self._operator(node, node.left, node.op, node.right)
        divisor = isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant)
        self._values(node.left, None if divisor else node.right)  # what is divided is no size any more

    def _operator(self, node: ast.AST, left: ast.expr, op: ast.operator, right: ast.expr) -> None:
        if isinstance(op, ast.FloorDiv):
            if not sizes_in.is_size(left, self._assigned) or not isinstance(right, ast.Constant):
                raise refused(node, WORDS[ast.FloorDiv])
        elif not isinstance(op, _OPERATORS):
            raise refused(node, WORDS.get(type(op), f"the operator {type(op).__name__}"))

    def _value_UnaryOp(self, node: ast.UnaryOp) -> None:
        if not isinstance(node.op, _SIGNS):
            raise refused(node, "a choice by value")
        self._value(node.operand)

    def _value_Compare(self, node: ast.Compare) -> None:
        """A mask of labels: two numbers at random are never the same."""
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            raise refused(node, f"a comparison of values (`{short(node)}`)")
        self._values(node.left, node.comparators[0])

    def _value_IfExp(self, node: ast.IfExp) -> None:
        known = self._known(node.test)
        if known is None:
            self._condition(node.test)
        self._values(node.body if known is not False else None, node.orelse if known is not True else None)

    def _value_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> None:
        for generator in node.generators:
            self._value(generator.iter)
            self._target(generator.target)
            for test in generator.ifs:
                self._condition(test)
        self._value(node.elt)

    _value_GeneratorExp = _value_ListComp

    def _value_Lambda(self, node: ast.Lambda) -> None:
        self._read_function(node)

    def _value_Attribute(self, node: ast.Attribute) -> None:
        names = self._dotted(node)
        if names:
            self._resolve(names, node)
        else:
            self._attribute(node)
            self._value(node.value)

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("__") and node.attr not in allowed.SPECIAL:
            raise refused(node, f"the attribute {node.attr}")
        self.attributes.setdefault(node.attr, node)

    def _dotted(self, node: ast.AST) -> list[str]:
        """Return the parts of a dotted name that begins in the module; [] where it begins in the function."""
        names: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name) or inner.id in self._locals:
            return []
        return [inner.id, *reversed(names)]

    def _value_Call(self, node: ast.Call) -> None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if isinstance(function, ast.Attribute):
            self._value_Attribute(function)
        elif isinstance(function, ast.Name):
            self._called_name(function)
        else:
            raise refused(node, "a call of something that was computed")
        chosen = [keyword.arg for keyword in node.keywords if keyword.arg in allowed.CHOOSING]
        if chosen:
            raise refused(node, f"the option {chosen[0]}=")
        self._guarded(node, name)
        self._values(*node.args, *(keyword.value for keyword in node.keywords))

    def _called_name(self, node: ast.Name) -> None:
        if node.id in self._locals and not sizes_in.is_function(node.id, self._assigned, self._locals):
            raise refused(node, f"a call of {node.id}, which may be anything")
        self._value_Name(node)

    def _guarded(self, node: ast.Call, name: str) -> None:
        """Look at calls that are harmless only as the book makes them."""
        asked = node.func.value if isinstance(node.func, ast.Attribute) and not node.args else (*node.args, None)[0]
        is_positive_part = self._positive and getattr(node.func, "id", "") == "max" and _is_zero_first(node.args)
        if name in {"max", "amax"} and not is_positive_part:
            root = getattr(node.func, "value", None)
            is_method = root is not None and not (isinstance(root, ast.Name) and root.id not in self._locals)
            if not sizes_in.is_made_of_arrays(root if is_method else asked, self._assigned):
                raise refused(node, "the larger of several values")
        if name == "int" and not (
            sizes_in.is_size(asked, self._assigned) or sizes_in.is_choice(asked, self._assigned, self._locals)
        ):
            raise refused(node, "a number that is made whole")
        if name == "astype" and not self._integers and getattr(asked, "id", "") == "int":
            raise refused(node, "numbers that are made whole")


def _is_zero_first(args: list[ast.expr]) -> bool:
    """Return whether this is 0 and something else."""
    return len(args) == 2 and isinstance(args[0], ast.Constant) and args[0].value == 0
