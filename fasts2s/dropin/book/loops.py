"""Reading the loop around a call: is it one between whose calls nothing happens that matters to a model?"""

import ast
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import NamedTuple

from fasts2s.dropin.book.harmless import Needs, Reader, dotted
from fasts2s.dropin.book.standing import is_pythons, of
from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise.sources import as_written, inner_codes, parsed_file


class Loop(NamedTuple):
    """A loop over the rows of an array.

    Attributes
    ----------
    counter, source, model : str
        ``for counter in range(len(source))``, whose call asks the model for ``source[[counter]]``: their names.
    total : str
        The name in ``range(total)``, which must stand for as many; "" where it is not so written.
    needs : Needs
        What the names of its text must stand for.
    assigned : frozenset of str
        The names that it assigns.
    """

    counter: str
    source: str
    model: str
    total: str
    needs: Needs
    assigned: frozenset[str]


def evaluation_loop(frame: FrameType, function: str) -> Loop | None:
    """Return the innermost loop around the line that runs, if its text is understood.

    Parameters
    ----------
    function : str
        Name of ``eval_seq2seq`` as it is called.

    Returns
    -------
    Loop or None
        Of the form that the book's scripts have: in every turn it makes the one call, whose second argument is a row
        of the array that the loop counts; beside it the body is harmless.
    """
    if not all(is_pythons(of(frame), name) for name in ("range", "len")):
        return None
    node = _innermost_loop(frame)
    try:
        return None if node is None else understood(node, function)
    except UnrecognisedError:
        return None


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


def understood(node: ast.For, function: str) -> Loop | None:
    """Return what a loop asks for, None where it has another form.

    Raises UnrecognisedError where its text is not harmless.
    """
    counted = _counted(node.iter)
    places = [k for k, statement in enumerate(node.body) if _call_in(statement, function)]
    if counted is None or not isinstance(node.target, ast.Name) or node.orelse or len(places) != 1:
        return None
    before, statement, after = node.body[: places[0]], node.body[places[0]], node.body[places[0] + 1 :]
    call = _call_in(statement, function)
    if call is None or any(isinstance(n, ast.Continue) for other in before for n in ast.walk(other)):
        return None  # every turn must ask: that the first one does is how another run of the loop is known
    reader = Reader(in_function=False)
    reader.statements(before)
    _read_call(reader, statement, call)
    reader.statements(after)
    total, source = counted
    asked = _row(_assigned(call.args[1], before, reader), node.target.id)
    model = dotted(call.args[0])
    names = {name.partition(".")[0] for name in (node.target.id, asked, model, function)}
    if not asked or source not in ("", asked) or names & reader.bound.keys():
        return None
    return Loop(node.target.id, asked, model, total, reader.needs(), frozenset(reader.bound))


def _counted(node: ast.expr) -> tuple[str, str] | None:
    """Return the name n of ``range(n)``, and the name x of ``range(len(x))``; each "" where it is the other one."""
    match node:
        case ast.Call(ast.Name("range"), [ast.Call(ast.Name("len"), [source], [])], []):
            return ("", dotted(source)) if dotted(source) else None
        case ast.Call(ast.Name("range"), [total], []):
            return (dotted(total), "") if dotted(total) else None
    return None


def _call_in(statement: ast.stmt, function: str) -> ast.Call | None:
    """Return the call of ``n += function(...)``, ``n = function(...)`` or ``function(...)``."""
    match statement:
        case (
            ast.Assign([ast.Name()], ast.Call(ast.Name(name)) as call)
            | ast.AugAssign(ast.Name(), _, ast.Call(ast.Name(name)) as call)
            | ast.Expr(ast.Call(ast.Name(name)) as call)
        ):
            starred = any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)
            is_it = name == function and len(call.args) > 1 and bool(dotted(call.args[0]))
            return call if is_it and not starred else None
    return None


def _read_call(reader: Reader, statement: ast.stmt, call: ast.Call) -> None:
    """Read the arguments of the call, but for the model, and what its answer is assigned to."""
    for argument in [*call.args[1:], *(option.value for option in call.keywords)]:
        reader.expression(argument)
    if isinstance(statement, ast.Assign):
        reader.assign(statement.targets[0], None)
    elif isinstance(statement, ast.AugAssign):
        reader.augment(dotted(statement.target), statement)


def _assigned(node: ast.expr, before: list[ast.stmt], reader: Reader) -> ast.expr:
    """Return what a name was assigned, if it was once, before the call; else the expression."""
    if not isinstance(node, ast.Name) or len(reader.bound.get(node.id, [])) != 1:
        return node
    for statement in before:
        match statement:
            case ast.Assign([ast.Name(node.id)], value):
                return value
            case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
                for name, value in zip(names, values, strict=True):
                    if dotted(name) == node.id:
                        return value
    return node


def _row(node: ast.expr, counter: str) -> str:
    """Return the name x of ``x[[i]]``, ``x[i:i+1]`` or ``x[i].reshape(1, -1)``; "" of another expression."""
    match node:
        case ast.Subscript(source, place):
            forms = f"[{counter}]", f"{counter}:{counter} + 1"
            return dotted(source) if ast.unparse(place) in forms else ""
        case ast.Call(ast.Attribute(ast.Subscript(source, ast.Name(name)), "reshape"), shape, []):
            in_row = ", ".join(map(ast.unparse, shape)) in ("1, -1", "(1, -1)")
            return dotted(source) if in_row and name == counter else ""
    return ""
