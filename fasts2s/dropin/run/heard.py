"""Functions that the running script types itself: each is offered when it is first called, as its classes are.

By then all that it calls exists. A script's code is compiled by us; in it, functions that have a name of the book's
get another code, which waits for the first call and then puts their own code back.
"""

import inspect
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Any

from fasts2s.dropin.recognise import sources
from fasts2s.dropin.replace.sending import sent_to
from fasts2s.dropin.replace.targets import FUNCTIONS
from fasts2s.dropin.run import typed

_NAMES = {target.name for target in FUNCTIONS if not target.in_module}
_FUNCTION = inspect.CO_OPTIMIZED | inspect.CO_NEWLOCALS
_OTHER_KINDS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR | inspect.CO_COROUTINE


def prepared(code: CodeType) -> CodeType:
    """Return the code of a script in which functions that may be the book's wait for their first call."""
    waiting = {c: _waiting(c) for c in code.co_consts if isinstance(c, CodeType) and _may_be(c)}
    if not waiting:
        return code
    constants = tuple(waiting.get(c, c) if isinstance(c, CodeType) else c for c in code.co_consts)
    new = code.replace(co_consts=constants)
    sources.rewritten[new] = code
    return new


def _may_be(code: CodeType) -> bool:
    is_plain = code.co_flags & _FUNCTION == _FUNCTION and not code.co_flags & _OTHER_KINDS and not code.co_freevars
    return code.co_name in _NAMES and is_plain and not code.co_kwonlyargcount and not code.co_posonlyargcount


def _waiting(own: CodeType) -> CodeType:
    def first(*args: Any) -> Any:
        return _called(sys._getframe(1), own)(*args)

    found: CodeType = sent_to(FunctionType(own, {}), first)
    sources.rewritten[found] = own
    return found


def _called(frame: FrameType, own: CodeType) -> Callable[..., Any]:
    """Return the function that is called, with its own code or what it was sent to."""
    space = frame.f_globals
    found = [f for f in space.values() if isinstance(f, FunctionType) and f.__code__ is frame.f_code]
    for function in found:
        function.__code__ = own
    typed.offer_functions()
    return found[0] if found else FunctionType(own, space, own.co_name)
