"""Frames of the drop-in, which stand between the lines of a script: where they are, and out of its tracebacks."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType

from fasts2s.dropin.errors import FallbackError, FallbackWarning, VerificationError

_PACKAGE = str(Path(__file__).parent.parent)
_FOLDER = str(Path(__file__).parent)
_IMPORTLIB = "<frozen importlib."
#: Those whose whole story is their text and the line of the script that led to them.
_TOLD = (FallbackError, FallbackWarning, VerificationError)


def is_ours(code: CodeType) -> bool:
    """Return whether code is the drop-in's."""
    # A constant that can be called has only the code that a replaced function is given, see ``sending.sent_to``.
    return code.co_filename.startswith(_FOLDER) or any(map(callable, code.co_consts))


def first_outside() -> FrameType | None:
    """Return the frame of the code that has called us, the reader's line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (is_ours(frame.f_code) or frame.f_code.co_filename.startswith(_PACKAGE)):
        frame = frame.f_back
    return frame


def _of_import(frames: list[TracebackType], k: int) -> bool:
    """Return whether a frame is one of Python's own that lead to our import hook: Python shows none of these."""
    while k < len(frames) and frames[k].tb_frame.f_code.co_filename.startswith(_IMPORTLIB):
        k += 1
    return k < len(frames) and frames[k].tb_frame.f_code.co_filename.startswith(_FOLDER)


def _without_ours(first: TracebackType | None, *, to_the_end: bool) -> TracebackType | None:
    """Return a traceback without our frames; those at its end stay unless ``to_the_end``: the fault may be ours."""
    frames: list[TracebackType] = []
    while first is not None:
        frames.append(first)
        first = first.tb_next
    ours = [is_ours(one.tb_frame.f_code) for one in frames]
    last = len(frames) if to_the_end else max((k + 1 for k, mine in enumerate(ours) if not mine), default=0)
    kept = [
        one
        for k, one in enumerate(frames)
        if k >= last
        or not (ours[k] or (one.tb_frame.f_code.co_filename.startswith(_IMPORTLIB) and _of_import(frames, k)))
    ]
    for one, after in zip(kept, [*kept[1:], None], strict=True):
        one.tb_next = after
    return kept[0] if kept else None


def _story(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that are told with it, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [e for e in (one.__cause__, one.__context__, *getattr(one, "exceptions", ())) if e is not None]


def hide_ours(error: BaseException) -> None:
    """Take our frames out of the traceback of an error, and of those that led to it."""
    for one in _story(error):
        one.__traceback__ = _without_ours(one.__traceback__, to_the_end=isinstance(one, _TOLD))
