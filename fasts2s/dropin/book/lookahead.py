"""The book's evaluation loop, answered in batches: one question at a time leaves the cores idle.

The scripts evaluate a model in a loop that asks for one row of an array after the other::

    for i in range(len(x_test)):
        question, correct = x_test[[i]], t_test[[i]]
        correct_num += eval_seq2seq(model, question, correct, id_to_char)

Where ``generate`` is called from such a loop, the rows to come are answered with this one. That is safe because the
texts of the loop and of ``eval_seq2seq`` are read first: between two calls they run nothing that could change a
weight, and no code of a reader's stands between them and ours. Every answer is used once, in the order of the loop,
for the row that it was made for; whatever does not fit begins anew. Who asks does so in every turn of the loop: by
its first row another run of it is known.
"""

import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from fasts2s.dropin import frames
from fasts2s.dropin.book.harmless import Needs
from fasts2s.dropin.book.loops import Loop, evaluation_loop
from fasts2s.dropin.book.standing import ABSENT, Names, missing, of, value_in
from fasts2s.dropin.run.report import Entry, Timed
from fasts2s_kernels.arrays import Array


class _Place(NamedTuple):
    """A place in the program. Code objects are compared by identity: their hash takes longer than what it saves."""

    code: CodeType  # kept, so that no other object gets its identity
    known: Any


#: Identity of the code of ``eval_seq2seq``, where it is the book's or harmless -> its line in the report, its needs.
_evaluations: dict[int, _Place] = {}
#: Identity of a caller's code, instruction -> the loop around it, or None where it is in none that is safe.
_loops: dict[tuple[int, int], _Place] = {}

#: Rows answered at once: few at first, for a loop may be left soon, then twice as many each time.
_FIRST, _MOST = 16, 512
#: How many times as long as its own answer a row's may be made, for others asked for as much.
_LONGER = 4


class _Block(NamedTuple):
    """Answers to rows from ``first`` on, for one run of a loop.

    ``rows`` are copies: what was asked is compared with what was answered, not with what the array holds by now.
    """

    model: Any
    source: Array
    run: int  # identity of the frame
    start_id: int
    first: int
    rows: Array  # (R, T)
    answers: Array  # (R, L): each word follows from those before it, so the beginning of one is a shorter answer

    def goes_on(self, model: Any, source: Array, run: int) -> bool:
        """Return whether this is the same run of the same loop."""
        return self.model is model and self.source is source and self.run == run

    def at(self, index: int, xs: Array, start_id: int, length: int) -> Array | None:
        """Return the answer to row ``index`` if it is here, and if it was xs (1, T) when it was answered."""
        place, (count, longest) = index - self.first, self.answers.shape
        is_long = start_id == self.start_id and length <= longest
        is_here = is_long and place < count and bool((self.rows[place] == xs[0]).all())
        return self.answers[place, :length] if is_here else None

    def after(self, index: int, length: int) -> tuple[int, int]:
        """Return how many rows to answer from ``index`` on, and at what length: as many as these have been of use."""
        used, (count, longest) = index - self.first, self.answers.shape
        rows = min(2 * used, _MOST) if used == count else used
        return rows, max(length, longest) if longest <= _LONGER * length else length


class _State(threading.local):
    """What a thread is evaluating."""

    block: _Block | None = None
    next: int = -1


_state = _State()


def watch(evaluation: CodeType, entry: Entry, needs: Needs | None = None) -> None:
    """Answer in batches where an ``eval_seq2seq`` is called in a safe loop.

    Parameters
    ----------
    evaluation : code
        Of the function: the book's, or one that was read.
    entry : Entry
        Its line in the report.
    needs : Needs or None
        What its names must stand for.
    """
    _evaluations[id(evaluation)] = _Place(evaluation, (entry, needs or Needs()))


def is_watched(evaluation: CodeType) -> bool:
    """Return whether :func:`watch` was called for this code."""
    return id(evaluation) in _evaluations


def forget() -> None:
    """Forget all evaluations, loops and answers."""
    _evaluations.clear()
    _loops.clear()
    _state.block = None


def taken() -> Any:
    """Return what was answered ahead, and keep it no longer: it is for this call, whatever becomes of it."""
    block, _state.block = _state.block, None
    return block


def answer(
    ahead: Any, model: Any, xs: Array, start_id: int, length: int, batch: Callable[[Array, int], Array]
) -> Array | None:
    """Return the answer to a question that the book's evaluation loop asks, else None.

    Parameters
    ----------
    ahead : object
        What :func:`taken` has returned, before anything could refuse the call.
    model : object
        Whose ``generate`` was called.
    xs : (1, T) ids
    start_id, length : int
    batch : function
        Sources (R, T), length L -> answers (R, L).

    Returns
    -------
    (length,) ids or None
    """
    block: _Block | None = ahead
    asked = _asked()
    if asked is None:
        return None
    index, source = value_in(asked.names, asked.loop.counter), value_in(asked.names, asked.loop.source)
    if not _is_row(xs, index, source):
        return None
    size, longest = _FIRST, length
    if block is not None and block.goes_on(model, source, asked.run) and index == _state.next:
        found = block.at(index, xs, start_id, length)
        if found is not None:
            _state.block, _state.next = block, index + 1
            return found
        size, longest = block.after(index, length)
    if not asked.is_safe(len(source)):
        return None
    rows = source[index : index + size].copy()
    with Timed(asked.entry):
        answers = batch(rows, longest)
    _state.block, _state.next = _Block(model, source, asked.run, start_id, index, rows, answers), index + 1
    return answers[0, :length]


def _is_row(xs: Array, index: Any, source: Any) -> bool:
    if type(source) is not np.ndarray or source.ndim != 2 or type(index) is not int or not 0 <= index < len(source):
        return False
    return xs.shape == (1, source.shape[1]) and xs.dtype == source.dtype and bool((xs[0] == source[index]).all())


def _package(obj: Any) -> str:
    return type(obj).__module__.partition(".")[0]


def _debugged() -> bool:
    """Return whether a debugger is at work: in it anything may happen between two calls. (Coverage only looks on.)"""
    trace = sys.gettrace()
    if trace is not None and _package(getattr(trace, "__self__", trace)) != "coverage":
        return True
    monitoring: Any = getattr(sys, "monitoring", None)  # since Python 3.12
    return monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None


class _Asked(NamedTuple):
    """Who asks.

    Attributes
    ----------
    entry, needs, evaluation
        The line in the report of ``eval_seq2seq``, what its names must stand for, and its frame.
    run, names, loop
        Identity of the frame of the loop around it, its names, and the loop.
    """

    entry: Entry
    needs: Needs
    evaluation: FrameType
    run: int
    names: Names
    loop: Loop

    def is_safe(self, rows: int) -> bool:
        """Return whether all names stand for what the texts need: nothing in these gives them another meaning."""
        loop, names = self.loop, self.names
        total = value_in(names, loop.total) if loop.total else rows
        counts_all = isinstance(total, int | np.integer) and int(total) == rows
        if not counts_all or value_in(names, loop.model) is ABSENT:
            return False
        if loop.assigned & self.needs.roots():
            return False
        return not missing(loop.needs, names) and not missing(self.needs, of(self.evaluation))


def _asked() -> _Asked | None:
    """Return the loop that this call comes from, through an ``eval_seq2seq`` that is watched, if its text is safe."""
    if not _evaluations or _debugged():
        return None
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and id(frame.f_code) not in _evaluations:
        if not frames.is_ours(frame.f_code):
            return None
        frame = frame.f_back
    if frame is None or frame.f_back is None:
        return None
    caller = frame.f_back
    place = (id(caller.f_code), caller.f_lasti)
    if place not in _loops:
        _loops[place] = _Place(caller.f_code, evaluation_loop(caller, frame.f_code.co_name))
    loop = _loops[place].known
    if loop is None:
        return None
    entry, needs = _evaluations[id(frame.f_code)].known
    return _Asked(entry, needs, frame, id(caller), of(caller), loop)
