"""Reading an ``eval_seq2seq`` that a reader has changed: does it ask the model once, and else change nothing?"""

import ast
import builtins
from types import FunctionType

from fasts2s.dropin.book.harmless import Needs, Reader
from fasts2s.dropin.book.standing import missing
from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise.refusals import refused
from fasts2s.dropin.recognise.sources import text_of
from fasts2s.dropin.replace import originals
from fasts2s.dropin.run.report import file_of


def read_evaluation(found: FunctionType) -> Needs:
    """Return what the names of a function must stand for, so that it does nothing to a model but to ask it once.

    Raises
    ------
    UnrecognisedError
        It may do more; the text names the file, the line, and what stands there.
    """
    file = file_of(found.__module__)
    written = text_of(found, originals.of(found)).functions[found.__name__]
    try:
        kept = written.kept.fact_unless_refused("evaluation", lambda: list(map(sorted, _needs(written.node))))
    except UnrecognisedError as error:
        raise UnrecognisedError(f"{file}, {error}") from None
    needs = Needs(*map(frozenset, kept))
    name = missing(needs._replace(parameters=frozenset()), (found.__globals__, vars(builtins)))
    if name:
        raise UnrecognisedError(f"{file}, line {written.lineno}: {name}, which is nothing of Python's or NumPy's own")
    return needs


def _needs(node: ast.FunctionDef) -> Needs:
    inside = frozenset(n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef) and n is not node)
    reader = Reader(inside, in_function=True)
    reader.parameters(node)
    model = node.args.args[0].arg if node.args.args else "model"
    places = [k for k, statement in enumerate(node.body) if _question(statement, model)]
    for k, statement in enumerate(node.body):
        question = _question(statement, model)
        if question is None or k != places[0]:
            _require_no_mention(statement, model)
            reader.statements([statement])
        else:
            _read_question(reader, *question, model)
    if not places:
        raise refused(node, f"no line of the form guess = {model}.generate(...)")
    _require_always(node.body[: places[0]])
    return reader.needs()._replace(parameters=frozenset(argument.arg for argument in node.args.args[1:]))


def _question(statement: ast.stmt, model: str) -> tuple[ast.Name, ast.Call] | None:
    """Return the two sides of ``guess = model.generate(...)``."""
    match statement:
        case ast.Assign([ast.Name() as target], ast.Call(ast.Attribute(ast.Name(name), "generate")) as call):
            return (target, call) if name == model else None
    return None


def _read_question(reader: Reader, target: ast.Name, call: ast.Call, model: str) -> None:
    for argument in [target, *call.args, *(option.value for option in call.keywords)]:
        _require_no_mention(argument, model)
    for argument in [*call.args, *(option.value for option in call.keywords)]:
        reader.expression(argument)
    reader.assign(target, None)


def _require_no_mention(node: ast.AST, model: str) -> None:
    for name in ast.walk(node):
        if isinstance(name, ast.Name) and name.id == model:
            raise refused(name, f"{model}, beside one guess = {model}.generate(...)")


def _require_always(before: list[ast.stmt]) -> None:
    """Make sure that every call comes to its question: that the first one does is how another run is known."""
    for statement in before:
        for node in ast.walk(statement):
            if isinstance(node, ast.Return) and not isinstance(statement, ast.FunctionDef):
                raise refused(node, "a return before the question")
