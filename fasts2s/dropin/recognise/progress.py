"""A reader's ``ppmi``: what it computes is tried, and how it says how far it is, which every edition does otherwise.

The loop over all pairs of words does two things: it computes one number, and where that was asked for it counts, and
prints a line now and then. The first is read and tried without the second. The second must be of the form
``cnt += 1``, ``if cnt % STEP == 0: print(...)``: its lines are printed when all is computed, by the reader's own
expressions; in the trial it must say the same by itself.

``max(0, x)`` is let through, for it is tried on both sides: where two analytic functions agree on an open set, on
which both are positive, they agree everywhere.
"""

import ast
import contextlib
import copy
import inspect
import io
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from fasts2s.dropin.book import texts
from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import sizes_in, verdicts
from fasts2s.dropin.recognise.facts import Facts
from fasts2s.dropin.recognise.reading import Reading
from fasts2s.dropin.recognise.refusals import refused, short
from fasts2s.dropin.recognise.sources import text_of
from fasts2s.dropin.recognise.written import Written
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Reliance
from fasts2s_kernels.arrays import Array

_SAYING = (
    ast.Name, ast.Constant, ast.BinOp, ast.operator, ast.Tuple, ast.JoinedStr, ast.FormattedValue, ast.expr_context,
)  # fmt: skip

#: Set in the flags of a code object that takes any number of arguments.
_MORE = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


class Said(NamedTuple):
    """How it says how far it is: after how many pairs, of how many in all, and the line."""

    step: Callable[[int], Any]
    say: Callable[[int, int], None]


class _Words(NamedTuple):
    """The same in the reader's words: the names of what is counted and of all, the step, and what is printed."""

    counter: str
    total: str
    step: str
    say: str


def recognise(found: FunctionType) -> tuple[Reliance, Callable[..., Any], Callable[..., Array]]:
    """Make sure that a function is ``ppmi``; return what it relies on, and the two parts of the loop in its place.

    Raises
    ------
    UnrecognisedError
        It is another one.
    """
    written, code = text_of(found, originals.of(found)).functions[found.__name__], found.__code__
    count = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _MORE)
    if count != (3, 0, 0, 0) or list(map(type, found.__defaults__ or ())) != [bool, float]:
        raise UnrecognisedError(f"line {written.lineno}: other arguments than the book's")
    facts: Facts = written.kept.fact_unless_refused("progress", lambda: _progress(written.node))
    said = _spoken(_Words(*facts["words"]), found.__globals__) if facts["words"] else None
    cut = Written(written.name, written.kept.part(facts["cut"]), lambda: _without_progress(written.node)[0])
    reading = Reading(found, (), integers=True, instead=cut, positive=True)
    key = verdicts.key_of("ppmi", reading.key(), f"{facts['words']} {found.__defaults__}")
    verdicts.require(key, lambda: _difference(found, said))

    def prepare(C: Any, verbose: Any, eps: Any) -> Array | None:
        if verbose and said is not None and not _is_count(said.step(C.size)):
            return None
        return texts.ppmi_of(C, verbose, eps)

    def run(M: Array, book: Any, C: Array, rest: tuple[Any, ...], named: dict[str, Any]) -> Array:
        if said is not None and rest[0]:
            _say(said, C.size)
        return M

    return reading.reliance(), prepare, run


def _say(said: Said, total: int) -> None:
    for count in range(said.step(total), total + 1, said.step(total)):
        said.say(count, total)


def _is_count(step: Any) -> bool:
    return type(step) is int and step > 0


# ---- what it says -------------------------------------------------------------------------------------------------


def _progress(node: ast.FunctionDef) -> Facts:
    """Return what a text says, and a place for what is kept of the rest of it."""
    return {"words": _without_progress(node)[1], "cut": {}}


def _without_progress(node: ast.FunctionDef) -> tuple[ast.FunctionDef, _Words | None]:
    """Return a function without what it says, and that; None where it says nothing."""
    cut, flag = copy.deepcopy(node), node.args.args[1].arg
    saying = [
        (block, part) for outer in ast.walk(cut) for block in [getattr(outer, "body", [])] if isinstance(block, list)
        for part in block if isinstance(part, ast.If) and isinstance(part.test, ast.Name) and part.test.id == flag
    ]  # fmt: skip
    if not saying:
        return cut, None
    if len(saying) > 1 or not _stands_in_two_loops(cut, saying[0][1]):
        raise refused(node, "more than one place where it says how far it is")
    block, part = saying[0]
    block.remove(part)
    return cut, _words(cut, part)


def _stands_in_two_loops(function: ast.FunctionDef, part: ast.If) -> bool:
    """Return whether a statement stands in a loop that alone stands in a loop of the function."""
    for outer in function.body:
        if isinstance(outer, ast.For) and len(outer.body) == 1 and isinstance(outer.body[0], ast.For):
            return part in outer.body[0].body and not outer.orelse and not outer.body[0].orelse
    return False


def _words(function: ast.FunctionDef, part: ast.If) -> _Words:
    match part:
        case ast.If(
            body=[
                ast.AugAssign(target=ast.Name(id=count), op=ast.Add(), value=ast.Constant(value=1)),
                ast.If(
                    test=ast.Compare(
                        left=ast.BinOp(left=ast.Name(id=counted), op=ast.Mod(), right=step),
                        ops=[ast.Eq()],
                        comparators=[ast.Constant(value=0)],
                    ),
                    body=[ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=said, keywords=[]))],
                    orelse=[],
                ),
            ],
            orelse=[],
        ) if counted == count:
            pass
        case _:
            raise refused(part, "another way to say how far it is")
    totals = _names_of_the_total(function)
    _require_start(function, part, count)
    names = {n.id for e in (step, *said) for n in ast.walk(e) if isinstance(n, ast.Name)}
    for expression in (step, *said):
        _look(expression)
    used = names - {count}
    if not used <= totals or len(used) > 1:
        raise refused(part, "another way to say how far it is")
    say = ast.Call(ast.Name("print", ast.Load()), said, [])
    return _Words(count, next(iter(used), "total"), ast.unparse(step), ast.unparse(say))


def _spoken(words: _Words, space: dict[str, Any]) -> Said:
    """Return what says so, in a module with these names."""
    if "print" in space:
        raise UnrecognisedError("its module has a print of its own")

    def function(*names: str, value: str) -> Any:
        text = f"lambda {', '.join(names)}: {value}"
        return eval(text, {"__builtins__": space.get("__builtins__", __builtins__)})

    return Said(function(words.total, value=words.step), function(words.counter, words.total, value=words.say))


def _require_start(function: ast.FunctionDef, part: ast.If, count: str) -> None:
    """Make sure that it begins to count at 0, and that nothing else counts."""
    starts = [
        node for node in function.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value == 0
        and [getattr(target, "id", "") for target in node.targets] == [count]
    ]  # fmt: skip
    named = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == count]
    if len(starts) != 1 or len(named) != 1:
        raise refused(part, f"another way to count {count}")


def _names_of_the_total(function: ast.FunctionDef) -> set[str]:
    """Return the names of what is made of sizes of the first argument alone: one is the number of pairs."""
    first = function.args.args[0].arg
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    named = {
        node.targets[0].id: node.value for node in function.body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }  # fmt: skip
    return {
        name for name, value in named.items()
        if first not in stored and stored.count(name) == 1 and sizes_in.is_size(value, {})
        and {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} == {first}
    }  # fmt: skip


def _look(node: ast.AST) -> None:
    """Make sure that an expression puts numbers and texts together, and no more."""
    if isinstance(node, ast.Call):
        texts_own = isinstance(node.func, ast.Attribute) and node.func.attr == "format" and not node.keywords
        if not texts_own or not isinstance(node.func.value, ast.Constant):  # type: ignore[attr-defined]
            raise refused(node, f"a call of {short(node.func)}")
        for argument in node.args:
            _look(argument)
        return
    if not isinstance(node, _SAYING):
        raise refused(node)
    for inner in ast.iter_child_nodes(node):
        _look(inner)


# ---- what it computes ---------------------------------------------------------------------------------------------


def _difference(found: FunctionType, said: Said | None) -> str:
    """Return how what it computes or says differs, in words; or ""."""
    for k, size in enumerate((7, 1, 2, 12, 25, 3)):
        rng = np.random.default_rng(k)
        C = rng.poisson(rng.choice([0.4, 3, 800.0], (size, size))).astype(np.int32 if k % 2 else np.int64)
        if size == 12:
            C[3] = C[:, 3] = C[5] = 0  # words that stand beside no other
        try:
            if not all(_computes_the_same(found, C, eps) for eps in (1e-4, 0.9, *(found.__defaults__ or ())[1:])):
                return "the output differs"
            if (
                said is not None
                and _is_count(said.step(C.size))
                and _heard(_say, said, C.size) != _heard(found, C, True)
            ):
                return "what it says differs"
        except Exception as error:
            return f"it cannot be tried ({type(error).__name__}: {error})"
    return ""


def _computes_the_same(found: FunctionType, C: Array, eps: float) -> bool:
    before = C.copy()
    M, wanted = found(C, False, eps), texts.ppmi_of(C, False, eps)
    is_array = type(M) is np.ndarray and M.dtype == np.float32 and M.flags.c_contiguous and M.flags.owndata
    return is_array and wanted is not None and np.array_equal(M, wanted) and np.array_equal(C, before)


def _heard(call: Callable[..., Any], *args: Any) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as heard:
        call(*args)
    return heard.getvalue()
