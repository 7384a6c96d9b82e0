"""Reading one function: every statement must be of a kind that is understood."""

import ast
from collections.abc import Iterable

from fasts2s.dropin.recognise import conditions, sizes_in
from fasts2s.dropin.recognise.expressions import Expressions
from fasts2s.dropin.recognise.refusals import refused, short


class Function(Expressions):
    """What one function of a reader's is made of; the parameters are those of :class:`Expressions`."""

    def _read_function(self, node: ast.FunctionDef | ast.Lambda) -> None:
        a = node.args
        named = [*a.posonlyargs, *a.args]
        defaults = [*zip(named[len(named) - len(a.defaults) :], a.defaults, strict=True)]
        defaults += [(p, d) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None]
        for parameter, default in defaults:
            if not isinstance(default, ast.Constant | ast.UnaryOp | ast.Attribute):
                raise refused(default, "a default that is kept from call to call")
            if isinstance(default, ast.Constant) and isinstance(default.value, bool):
                self._flag_arguments.add(parameter.arg)
        self._locals |= {p.arg for p in (*named, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg)))}
        if isinstance(node, ast.Lambda):
            self._value(node.body)
        else:
            self._body(node.body)

    def _body(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            reader = getattr(self, f"_read_{type(statement).__name__}", None)
            if reader is None:
                raise refused(statement)
            reader(statement)

    def _read_Pass(self, node: ast.stmt) -> None:
        """Nothing happens."""

    _read_Break = _read_Continue = _read_Pass

    def _read_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "print":
            if not self._may_print:
                raise refused(node, "a print, which would be heard no longer")
            return
        self._value(node.value)

    def _read_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._value(node.value)

    def _read_Assign(self, node: ast.Assign) -> None:
        self._value(node.value)
        for target in node.targets:
            self._target(target)

    def _read_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._value(node.value)
        self._target(node.target)

    def _read_AugAssign(self, node: ast.AugAssign) -> None:
        self._operator(node, node.target, node.op, node.value)
        self._value(node.value)
        self._target(node.target)

    def _read_For(self, node: ast.For) -> None:
        if node.orelse:
            raise refused(node, "an else of a loop")
        self._value(node.iter)
        self._target(node.target)
        self._body(node.body)

    def _read_If(self, node: ast.If) -> None:
        known = self._known(node.test)
        if known is None:
            self._condition(node.test)
        if known is not False:
            self._body(node.body)
        if known is not True:
            self._body(node.orelse)

    def _read_Assert(self, node: ast.Assert) -> None:
        if not (
            conditions.is_allowed(node.test, self._is_flag, self._is_shape)
            or sizes_in.compares_sizes(node.test, self._assigned)
        ):
            raise refused(node, f"a condition on values (`{short(node.test)}`)")

    def _read_Raise(self, node: ast.Raise) -> None:
        """Whatever raises here: ours refuse such a call, and the reader's own code runs."""

    def _read_Delete(self, node: ast.Delete) -> None:
        if not all(isinstance(target, ast.Name) and target.id in self._locals for target in node.targets):
            raise refused(node, "something that is deleted")

    def _read_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            raise refused(node, "a decorator")
        self._read_function(node)

    def _target(self, node: ast.expr) -> None:
        if isinstance(node, ast.Tuple | ast.List):
            for part in node.elts:
                self._target(part)
        elif isinstance(node, ast.Starred):
            self._target(node.value)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            root: ast.expr = node
            while isinstance(root, ast.Attribute | ast.Subscript):
                if isinstance(root, ast.Subscript):
                    self._value(root.slice)
                root = root.value
            if isinstance(root, ast.Name) and root.id not in self._locals:
                raise refused(node, f"a change of {root.id}, which is not its own")
            if isinstance(node.value, ast.Attribute):
                self._value(node.value)
            if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
                raise refused(node, f"the attribute {node.attr}")
