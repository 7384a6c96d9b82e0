"""The book's evaluation loop, answered in batches: one question at a time leaves the cores idle.

The scripts evaluate a model in a loop that asks for one row of an array after the other::

    for i in range(len(x_test)):
        question, correct = x_test[[i]], t_test[[i]]
        correct_num += eval_seq2seq(model, question, correct, id_to_char)

Where ``generate`` is called from such a loop, the rows to come are answered with this one. That is safe because the
text of the loop is read first: between two calls it runs nothing that could change a weight. Every answer is used
once, in the order of the loop, for the row that it was made for; whatever does not fit begins anew.
"""

import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from fasts2s.dropin.book.loops import Loop, evaluation_loop, value_in
from fasts2s.dropin.run.report import Entry, Timed
from fasts2s_kernels.contract import Array


class _Place(NamedTuple):
    """A place in the program. Code objects are compared by identity: their hash takes longer than what it saves."""

    code: CodeType  # kept, so that no other object gets its identity
    known: Any


#: Identity of the code of ``eval_seq2seq``, where it is the book's -> its line in the report.
_evaluations: dict[int, _Place] = {}
#: Identity of a caller's code, instruction -> the loop around it, or None where it is in none that is safe.
_loops: dict[tuple[int, int], _Place] = {}

#: Rows answered at once: few at first, for a loop may be left soon, then twice as many each time.
_FIRST, _MOST = 16, 512
#: Frames between ``generate`` and ``eval_seq2seq``, at most: wrappers, and those of --verify.
_DEPTH = 12


class _Block(NamedTuple):
    """Answers to rows from ``first`` on, for one run of a loop.

    ``rows`` are copies: what was asked is compared with what was answered, not with what the array holds by now.
    """

    model: Any
    source: Array
    call: tuple[int, int, int]  # identity of the frame, start id, length
    first: int
    rows: Array  # (R, T)
    answers: Array  # (R, length)

    def goes_on(self, model: Any, source: Array, call: tuple[int, int, int]) -> bool:
        """Return whether this is the same run of the same loop."""
        return self.model is model and self.source is source and self.call == call

    def at(self, index: int, xs: Array) -> Array | None:
        """Return the answer to row ``index`` if it is here, and if it was xs (1, T) when it was answered."""
        place = index - self.first
        return self.answers[place] if place < len(self.rows) and (self.rows[place] == xs[0]).all() else None


class _State(threading.local):
    """What a thread is evaluating."""

    block: _Block | None = None
    next: int = -1


_state = _State()


def watch(evaluation: CodeType, entry: Entry) -> None:
    """Answer in batches where this code, which is that of the book's ``eval_seq2seq``, is called in a safe loop."""
    _evaluations[id(evaluation)] = _Place(evaluation, entry)


def is_watched(evaluation: CodeType) -> bool:
    """Return whether :func:`watch` was called for this code."""
    return id(evaluation) in _evaluations


def forget() -> None:
    """Forget all evaluations, loops and answers."""
    _evaluations.clear()
    _loops.clear()
    _state.block = None


def answer(model: Any, xs: Array, start_id: int, length: int, batch: Callable[[Array], Array]) -> Array | None:
    """Return the answer to a question that the book's evaluation loop asks, else None.

    Parameters
    ----------
    model : object
        Whose ``generate`` was called.
    xs : (1, T) ids
    start_id, length : int
    batch : function
        Sources (R, T) -> answers (R, length).

    Returns
    -------
    (length,) ids or None
    """
    block, _state.block = _state.block, None  # an error or an interrupt leaves nothing behind
    found = _calling_loop()
    if found is None:
        return None
    entry, frame, loop = found
    index, source = value_in(frame, loop.counter), value_in(frame, loop.source)
    if not _is_row(xs, index, source):
        return None
    call, size = (id(frame), start_id, length), _FIRST
    if block is not None and block.goes_on(model, source, call) and index == _state.next:
        found_here = block.at(index, xs)
        if found_here is not None:
            _state.block, _state.next = block, index + 1
            return found_here
        size = min(2 * len(block.rows), _MOST)
    rows = source[index : index + size].copy()
    with Timed(entry):
        answers = batch(rows)
    _state.block, _state.next = _Block(model, source, call, index, rows, answers), index + 1
    return answers[0]


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


def _calling_loop() -> tuple[Entry, FrameType, Loop] | None:
    """Return the loop that this call comes from, through the book's ``eval_seq2seq``, if it is safe."""
    if not _evaluations or _debugged():
        return None
    frame: FrameType | None = sys._getframe(2)
    for _ in range(_DEPTH):
        if frame is None or id(frame.f_code) in _evaluations:
            break
        frame = frame.f_back
    if frame is None or frame.f_back is None or id(frame.f_code) not in _evaluations:
        return None
    caller = frame.f_back
    place = (id(caller.f_code), caller.f_lasti)
    if place not in _loops:
        _loops[place] = _Place(caller.f_code, evaluation_loop(caller, frame.f_code.co_name))
    loop = _loops[place].known
    return None if loop is None else (_evaluations[id(frame.f_code)].known, caller, loop)
