"""Reading the loop around a call: is it one between whose calls nothing else happens?"""

import ast
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise.sources import as_written, inner_codes, parsed_file

#: What an assignment in the loop may be made of: nothing here can change an array.
_HARMLESS = (
    ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Subscript, ast.Slice, ast.Compare, ast.cmpop, ast.expr_context,
)  # fmt: skip


class Loop(NamedTuple):
    """``for counter in range(len(source))`` whose call asks for ``source[[counter]]``: the two names."""

    counter: str
    source: str


def value_in(frame: FrameType, name: str) -> Any:
    """Return what a name stands for in a frame, None where it is not there."""
    return frame.f_locals.get(name, frame.f_globals.get(name))


def evaluation_loop(frame: FrameType, function: str) -> Loop | None:
    """Return the innermost loop around the line that runs, if its text is understood.

    Parameters
    ----------
    function : str
        Name of ``eval_seq2seq`` as it is called.

    Returns
    -------
    Loop or None
        Of the form that the book's scripts have: beside the one call, whose second argument is a row of the array
        that the loop counts, its body holds nothing but assignments of names, rows and comparisons.
    """
    if any(value_in(frame, name) is not None for name in ("range", "len")):
        return None  # not Python's own
    node = _innermost_loop(frame)
    if node is None or not isinstance(node.target, ast.Name) or node.orelse:
        return None
    source = _counted(node.iter)
    if source is None:
        return None
    loop = Loop(node.target.id, source)
    return loop if _asks_for_rows(node.body, loop, function) else None


def _innermost_loop(frame: FrameType) -> ast.For | None:
    line = frame.f_lineno
    try:
        tree, code = parsed_file(frame.f_code)
    except UnrecognisedError:
        return None
    around = [n for n in ast.walk(tree) if isinstance(n, ast.For) and n.lineno <= line <= (n.end_lineno or 0)]
    if not around or as_written(frame.f_code) not in _codes(tree, code, line):
        return None  # without a loop; or the text is not what runs
    return max(around, key=lambda node: node.lineno)


def _codes(tree: ast.Module, code: CodeType, line: int) -> Iterator[CodeType]:
    """Yield everything that the text may have been compiled to: a notebook compiles statement by statement."""
    yield code
    yield from inner_codes(code)
    for statement in tree.body:
        if statement.lineno <= line <= (statement.end_lineno or 0):
            yield compile(ast.Module([statement], []), code.co_filename, "exec", dont_inherit=True)


def _counted(node: ast.expr) -> str | None:
    """Return the name x of ``range(len(x))``."""
    for function in ("range", "len"):
        if (
            not isinstance(node, ast.Call)
            or len(node.args) != 1
            or node.keywords
            or not _is_name(node.func, function)
        ):
            return None
        node = node.args[0]
    return node.id if isinstance(node, ast.Name) else None


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _asks_for_rows(body: list[ast.stmt], loop: Loop, function: str) -> bool:
    """Return whether a body asks for one row of the array, and does nothing else that matters."""
    rows: dict[str, ast.expr] = {}  # name -> what it was assigned
    calls = []
    for statement in body:
        call = _call_in(statement, function)
        if call is not None:
            calls.append(call)
        elif not isinstance(statement, ast.Assign) or not _note_assignment(statement, rows):
            return False
    if len(calls) != 1 or rows.keys() & {*loop, function} or len(calls[0].args) < 2:
        return False
    question = calls[0].args[1]
    asked = rows.get(question.id, question) if isinstance(question, ast.Name) else question
    return ast.dump(asked) == ast.dump(ast.parse(f"{loop.source}[[{loop.counter}]]", mode="eval").body)


def _call_in(statement: ast.stmt, function: str) -> ast.Call | None:
    """Return the call of ``n += function(...)``, ``n = function(...)`` or ``function(...)``."""
    if isinstance(statement, ast.Assign) and not all(isinstance(t, ast.Name) for t in statement.targets):
        return None
    if isinstance(statement, ast.AugAssign) and not isinstance(statement.target, ast.Name):
        return None
    call = statement.value if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr) else None
    if not isinstance(call, ast.Call) or not _is_name(call.func, function):
        return None
    return call if all(map(_harmless, [*call.args, *(k.value for k in call.keywords)])) else None


def _note_assignment(statement: ast.Assign, rows: dict[str, ast.expr]) -> bool:
    """Note what names are assigned; return whether nothing but that happens."""
    if len(statement.targets) != 1 or not _harmless(statement.value):
        return False
    target, value = statement.targets[0], statement.value
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        pairs = list(zip(target.elts, value.elts, strict=True))
    for name, assigned in pairs:
        if not isinstance(name, ast.Name):
            return False
        rows[name.id] = assigned
    return True


def _harmless(node: ast.expr) -> bool:
    return all(isinstance(part, _HARMLESS) for part in ast.walk(node))
