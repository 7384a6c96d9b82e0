"""The first look at a call, in as little time as it can take: small calls run the book's code, which is done soon.

At one row the book's calls take one or two microseconds. So a method that stands in a class of the book has as many
parameters as the book's, under the same names, and asks for nothing else before it calls the book's. Of a few numbers
it asks not even that, unless something is kept beside the object.
"""

from collections.abc import Callable
from inspect import Parameter, signature
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s.dropin.replace import beside
from fasts2s.dropin.replace.sizes import FEW, SMALL, Question
from fasts2s.dropin.settings import settings

Method = Callable[..., Any]
#: The book's method, what runs when the call is not small, the question, how many numbers are few -> a method of so
#: many parameters.
_Make = Callable[[Method, Method, Question, int], FunctionType]


def forward(name: str, book: FunctionType, rest: Method) -> Method:
    """Return a forward: the book's where the call of the class ``name`` is small, else ``rest``."""
    return _named(_FORWARD.get(_count(book)), book, rest, SMALL.get(name), FEW.get(name, 0))


def backward(book: FunctionType, rest: Method) -> Method:
    """Return a backward: the book's where the last forward was the book's, and nobody else runs the layer."""
    return _named(_BACKWARD.get(_count(book)), book, rest, _always)


def plain(name: str, book: FunctionType, rest: Method) -> Method:
    """Return another method, or what a function is sent to: the book's where the call is small, else ``rest``."""
    return _named(_PLAIN.get(_count(book)), book, rest, SMALL.get(name))


def _always(*args: Any) -> bool:
    return True


def _count(book: FunctionType) -> int:
    """Return the number of parameters; -1 where they are others than the book has."""
    parameters = signature(book).parameters.values()
    return -1 if any(p.kind is not Parameter.POSITIONAL_OR_KEYWORD for p in parameters) else len(parameters)


def _named(make: _Make | None, book: FunctionType, rest: Method, small: Question | None, few: int = 0) -> Method:
    """Return a method with the names and defaults of the book's parameters, so that it is called as the book's is."""
    if make is None or small is None:
        return rest
    made, names = make(book, rest, small, few), tuple(signature(book).parameters)
    code = made.__code__
    if len(names) != code.co_argcount:
        return rest
    others = tuple(f"_{name}" for name in code.co_varnames[len(names) :])
    code = code.replace(co_varnames=names + others)
    return FunctionType(code, made.__globals__, book.__name__, book.__defaults__, made.__closure__)


def _forward_2(book: Method, rest: Method, small: Question, few: int) -> Any:
    array, known = np.ndarray, beside.everything

    def forward(self: Any, x: Any) -> Any:
        if type(x) is array and x.size <= few and not (known and id(self) in known) and not settings.all_sizes:
            return book(self, x)
        try:
            is_small = small(self, x)
        except Exception:  # the book's code will refuse it, or has its own answer
            is_small = False
        if is_small and not settings.all_sizes:
            if id(self) in known:
                beside.forget_forward(self)
            return book(self, x)
        return rest(self, x)

    return forward


def _forward_3(book: Method, rest: Method, small: Question, few: int) -> Any:
    array, known = np.ndarray, beside.everything

    def forward(self: Any, x: Any, y: Any) -> Any:
        if type(x) is array and x.size <= few and not (known and id(self) in known) and not settings.all_sizes:
            return book(self, x, y)
        try:
            is_small = small(self, x, y)
        except Exception:
            is_small = False
        if is_small and not settings.all_sizes:
            if id(self) in known:
                beside.forget_forward(self)
            return book(self, x, y)
        return rest(self, x, y)

    return forward


def _backward_1(book: Method, rest: Method, small: Question, few: int) -> Any:
    known = beside.everything

    def backward(self: Any) -> Any:
        if not known:
            return book(self)
        kept = known.get(id(self))
        if kept is None or (kept.replay is kept.debt is kept.owner is None):
            return book(self)
        return rest(self)

    return backward


def _backward_2(book: Method, rest: Method, small: Question, few: int) -> Any:
    known = beside.everything

    def backward(self: Any, dout: Any) -> Any:
        if not known:
            return book(self, dout)
        kept = known.get(id(self))
        if kept is None or (kept.replay is kept.debt is kept.owner is None):
            return book(self, dout)
        return rest(self, dout)

    return backward


def _plain_2(book: Method, rest: Method, small: Question, few: int) -> Any:
    def call(a: Any, b: Any) -> Any:
        try:
            is_small = small(a, b)
        except Exception:
            is_small = False
        return book(a, b) if is_small and not settings.all_sizes else rest(a, b)

    return call


def _plain_3(book: Method, rest: Method, small: Question, few: int) -> Any:
    def call(a: Any, b: Any, c: Any) -> Any:
        try:
            is_small = small(a, b, c)
        except Exception:
            is_small = False
        return book(a, b, c) if is_small and not settings.all_sizes else rest(a, b, c)

    return call


def _plain_5(book: Method, rest: Method, small: Question, few: int) -> Any:
    def call(a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
        try:
            is_small = small(a, b, c, d, e)
        except Exception:
            is_small = False
        return book(a, b, c, d, e) if is_small and not settings.all_sizes else rest(a, b, c, d, e)

    return call


#: Number of parameters -> what makes the method.
_FORWARD: dict[int, _Make] = {2: _forward_2, 3: _forward_3}
_BACKWARD: dict[int, _Make] = {1: _backward_1, 2: _backward_2}
_PLAIN: dict[int, _Make] = {2: _plain_2, 3: _plain_3, 5: _plain_5}
