"""Reading a text that runs between two questions to a model: can anything in it change a weight, or ask the model?

The argument. What is let through works on values whose types are Python's, NumPy's or CuPy's own: that what the text
finds by name is of such a type is looked at when it runs, see :mod:`fasts2s.dropin.book.standing`. So nothing of a
reader's own runs in it, and of what Python and NumPy have, it may use only what leaves its operands as they are.

* Assigned are names. An element, a slice or an attribute is not: it may be a weight's. Names that are declared
  global, an assignment inside an expression, ``del``, ``import``, ``with`` and ``try`` are refused.
* ``n += ...`` works in place on arrays and lists, and a name may be another one for a weight. So n must have been
  assigned something that was made there and then (a constant, a sum, a text, a list), or be a number when it runs.
* Called are some of Python's functions, with the options that call nothing (``print`` without ``file``, ``sorted``
  without ``key``), and some methods. None of them changes what it is a method of; none is given so many arguments
  that one is ``out``. ``append`` is for lists that were made there, or that hold nothing but numbers and texts.
* Attributes are a shape, or what a module or an object has in its own dictionary: no property runs.
* Functions inside are read as well. Decorators, defaults that are no constants, classes, generators, ``lambda`` and
  ``await`` are refused.

What is beyond it: objects of a reader's own inside a list or a dict, with operators that train a model; what a script
has put in the place of ``sys.stdout``. The book's own text is open to the same.
"""

import ast
from typing import NamedTuple

from fasts2s.dropin.book import unchanging
from fasts2s.dropin.recognise.refusals import refused, short

_NONE: frozenset[str] = frozenset()
_PARTS = (
    ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, ast.Subscript, ast.Slice, ast.BinOp,
    ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.JoinedStr, ast.FormattedValue,
)  # fmt: skip
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Needs(NamedTuple):
    """What names must stand for when a text runs; they may have dots.

    Attributes
    ----------
    pythons : frozenset of str
        What Python has under that name.
    plain : frozenset of str
        Values whose types are Python's, NumPy's or CuPy's own.
    numbers : frozenset of str
        Numbers or texts.
    lists : frozenset of str
        Lists of numbers and texts.
    parameters : frozenset of str
        As ``plain``: what a function is given.
    """

    pythons: frozenset[str] = _NONE
    plain: frozenset[str] = _NONE
    numbers: frozenset[str] = _NONE
    lists: frozenset[str] = _NONE
    parameters: frozenset[str] = _NONE

    def roots(self) -> set[str]:
        """Return the names outside of the text, up to their first dot."""
        return {name.partition(".")[0] for kind in self[:4] for name in kind}


def dotted(node: ast.AST) -> str:
    """Return the name a.b.c that an expression is, "" where it is none."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


class Reader:
    """Reads statements and expressions; raises UnrecognisedError at the first thing that is not harmless.

    Parameters
    ----------
    functions : set of str
        All functions inside the text: they are read where they stand.
    in_function : bool
        Whether the text is all of a function: nobody else has assigned the names that it assigns.
    inside : bool
        Whether that is one of ``functions``: it has none itself, whose names would mean something else outside of it.
    """

    def __init__(self, functions: frozenset[str] = _NONE, *, in_function: bool, inside: bool = False) -> None:
        self._functions, self._in_function, self._is_inside = functions, in_function, inside
        #: Name -> all that it is assigned, None where that is not known.
        self.bound: dict[str, list[ast.expr | None]] = {}
        self._bound_inside: set[str] = set()  # in comprehensions and functions
        self._scopes: list[set[str]] = []
        self._used: dict[str, ast.AST] = {}
        self._pythons: dict[str, ast.AST] = {}
        self._inside: dict[str, ast.AST] = {}  # functions inside that are called
        self._augmented: dict[str, ast.AST] = {}
        self._lists: dict[str, ast.AST] = {}

    # ---- statements ----------------------------------------------------------------------------------------------

    def statements(self, body: list[ast.stmt]) -> None:
        """Read statements in their order."""
        for node in body:
            self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Pass() | ast.Break() | ast.Continue() | ast.Return(None):
                pass
            case ast.Expr(value) | ast.Return(ast.expr() as value):
                self.expression(value)
            case ast.Assign(targets, value):
                self.expression(value)
                for target in targets:
                    self.assign(target, value)
            case ast.AugAssign(ast.Name(name), _, value):
                self.expression(value)
                self.augment(name, node)
            case ast.AugAssign(target):
                raise refused(node, f"an assignment to {short(target)}")
            case ast.If(test, body, others):
                self.expression(test)
                self.statements(body + others)
            case ast.For(target, values, body, others):
                self.expression(values)
                self.assign(target, None)
                self.statements(body + others)
            case ast.FunctionDef(name) if name in self._functions and not self._is_inside:
                self._function(node)
            case _:
                raise refused(node)

    def assign(self, target: ast.expr, value: ast.expr | None) -> None:
        """Note what a name, or a tuple of names, is assigned."""
        match target:
            case ast.Name(name):
                self.bound.setdefault(name, []).append(value)
            case ast.Tuple(parts) | ast.List(parts):
                for part in parts:
                    self.assign(part, None)
            case _:
                raise refused(target, f"an assignment to {short(target)}")

    def augment(self, name: str, node: ast.AST) -> None:
        """Note that what a name stands for is changed in place, if it can be."""
        self._augmented.setdefault(name, node)

    def parameters(self, node: ast.FunctionDef) -> None:
        """Read what stands above the body of a function, but for what is said of types."""
        given = node.args
        if node.decorator_list:
            raise refused(node, "a decorator")
        if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs:
            raise refused(node, "a parameter with a star or a slash")
        for default in given.defaults:
            if not isinstance(default, ast.Constant):
                raise refused(default, f"the default {short(default)}")
        self.bound |= {parameter.arg: [None] for parameter in given.args}

    def _function(self, node: ast.FunctionDef) -> None:
        for said in [*(parameter.annotation for parameter in node.args.args), node.returns]:
            if said is not None:
                self.expression(said)
        inner = Reader(self._functions, in_function=True, inside=True)
        inner.parameters(node)
        inner.statements(node.body)
        needs = inner.needs()
        self._bound_inside |= inner.bound.keys() | inner._bound_inside
        self._used |= dict.fromkeys(needs.plain, node)
        self._pythons |= dict.fromkeys(needs.pythons, node)
        self._inside |= inner._inside

    # ---- expressions ---------------------------------------------------------------------------------------------

    def expression(self, node: ast.AST) -> None:
        """Read an expression."""
        match node:
            case ast.Name(name):
                if not self._is_inner(name):
                    self._used.setdefault(name, node)
            case ast.Attribute(value, name) if name in unchanging.ATTRIBUTES:
                self.expression(value)
            case ast.Attribute(_, name):
                if not dotted(node) or self._is_inner(dotted(node)):
                    raise refused(node, f"the attribute {name}")
                self._used.setdefault(dotted(node), node)
            case ast.Call():
                self._call(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case _ if isinstance(node, _PARTS):
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, ast.expr):
                        self.expression(part)
            case _:
                raise refused(node)

    def _is_inner(self, name: str) -> bool:
        return any(name.partition(".")[0] in scope for scope in self._scopes)

    def _comprehension(self, node: _Comprehension) -> None:
        self.expression(node.generators[0].iter)  # in it names mean what they mean outside
        targets = Reader(in_function=True)
        for part in node.generators:
            if part.is_async:
                raise refused(node, "an await")
            targets.assign(part.target, None)
        self._bound_inside |= targets.bound.keys()
        self._scopes.append(set(targets.bound))
        for k, part in enumerate(node.generators):
            for inside in [*([part.iter] if k else []), *part.ifs]:
                self.expression(inside)
        for made in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.expression(made)
        self._scopes.pop()

    def _call(self, node: ast.Call) -> None:
        allowed = self._called(node)
        if allowed.most < len(node.args) or (
            allowed.most < unchanging.MANY and any(isinstance(a, ast.Starred) for a in node.args)
        ):
            raise refused(node, f"{short(node)}, which may write to an array")
        for option in node.keywords:
            if option.arg not in allowed.options:
                raise refused(node, f"the option {option.arg or '**'} of {short(node.func)}")
        for part in [*node.args, *(option.value for option in node.keywords)]:
            self.expression(part)

    def _called(self, node: ast.Call) -> unchanging.Given:
        """Read what is called; return what it may be given."""
        match node.func:
            case ast.Name(name) if name in self._functions:
                self._inside.setdefault(name, node)
                return unchanging.Given()
            case ast.Name(name) if name in unchanging.FUNCTIONS:
                self._pythons.setdefault(name, node)
                return unchanging.FUNCTIONS[name]
            case ast.Attribute(ast.Name(name), "append") if not self._is_inner(name):
                self._lists.setdefault(name, node)
                return unchanging.Given()
            case ast.Attribute() as function if dotted(function) in unchanging.SAYING:
                self._pythons.setdefault("sys", node)
                return unchanging.Given()
            case ast.Attribute(value, name) if name in unchanging.METHODS:
                self.expression(value)
                return unchanging.METHODS[name]
        raise refused(node, f"a call of {short(node.func)}")

    # ---- all together --------------------------------------------------------------------------------------------

    def needs(self) -> Needs:
        """Return what names must stand for, when everything is read."""
        assigned = self.bound.keys() | self._bound_inside
        for name, node in (self._pythons | self._inside).items():
            if name in assigned:
                raise refused(node, f"{name}, which is assigned")
        for name, node in self._used.items():
            if "." in name and name.partition(".")[0] in self.bound:
                raise refused(node, f"the attribute {name}")
        used = {name for name in self._used if not (self._in_function and name in self.bound)}
        return Needs(frozenset(self._pythons), frozenset(used), self._numbers(), self._appended())

    def _numbers(self) -> frozenset[str]:
        for name, node in self._augmented.items():
            made = self.bound.get(name, [])
            if not all(map(_is_new, made)) or (self._in_function and not made):
                raise refused(node, f"{name}, which may be another name for an array, is changed in place")
        return _NONE if self._in_function else frozenset(self._augmented)

    def _appended(self) -> frozenset[str]:
        for name, node in self._lists.items():
            made = self.bound.get(name, [])
            if not all(isinstance(one, ast.List | ast.ListComp) for one in made) or (self._in_function and not made):
                raise refused(node, f"{name}, which may be no list that was made here, is appended to")
        return _NONE if self._in_function else frozenset(self._lists)


def _is_new(value: ast.expr | None) -> bool:
    match value:
        case ast.Call(ast.Name(name)):
            return name in unchanging.NEW_BY
        case ast.Call(ast.Attribute(_, name)):
            return name in unchanging.NEW_BY_METHOD
    return isinstance(value, unchanging.NEW)
