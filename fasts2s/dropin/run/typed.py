"""Classes that the running script types itself: each is offered when it is first made an object of.

By then all that it calls exists. While the drop-in is in force every class statement of the script is heard
(``builtins.__build_class__``), and the constructor of a class that may be the book's waits for its first call.
"""

import builtins
import logging
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakSet

from fasts2s.dropin.errors import FallbackError
from fasts2s.dropin.replace import originals, patching
from fasts2s.dropin.run import report

_log = logging.getLogger("fasts2s.dropin")
_waiting: "WeakSet[type]" = WeakSet()
_before: list[Callable[..., Any]] = []


def put_in() -> None:
    """Hear of classes from now on; those of a script that are there already are offered now."""
    main = sys.modules.get("__main__")
    if main is not None and getattr(main, "__file__", None):
        _offer(vars(main), [found for found in list(vars(main).values()) if isinstance(found, type)])
    if not _before:
        report.before_first_call.insert(0, offer_functions)
        _before.append(builtins.__build_class__)
        builtins.__build_class__ = _build_class


def offer_functions() -> None:
    """Offer the functions that the script has typed by now."""
    main = sys.modules.get("__main__")
    if _before and main is not None:
        _offer(vars(main), [])


def take_out() -> None:
    """Hear of classes no longer, and let those that wait be."""
    if _before:
        builtins.__build_class__ = _before.pop()
        report.before_first_call[:] = [call for call in report.before_first_call if call is not offer_functions]
    for kind in list(_waiting):
        _let_go(kind)


def _build_class(function: Any, name: str, /, *bases: Any, **options: Any) -> Any:
    kind = _before[0](function, name, *bases, **options) if _before else type(name, bases, {})
    main = sys.modules.get("__main__")
    if isinstance(kind, type) and main is not None and function.__globals__ is vars(main):
        _wait_for(kind)
    return kind


def _wait_for(kind: type) -> None:
    """Have a class offered when it is first made an object of, if it can be the book's."""
    if type(kind) is not type or not patching.may_be(kind):
        return
    constructor = vars(kind).get("__init__", object.__init__)

    @wraps(constructor)
    def first(self: Any, *args: Any, **kwargs: Any) -> None:
        _settle(kind)
        kind.__init__(self, *args, **kwargs)  # type: ignore[misc]

    _waiting.add(kind)
    originals.replace(kind, "__init__", first)


def _let_go(kind: type) -> None:
    _waiting.discard(kind)
    originals.take_back(kind)


def _settle(kind: type) -> None:
    """Offer a class, and first those that it calls."""
    if kind not in _waiting:
        return
    _let_go(kind)
    space = vars(sys.modules[kind.__module__])
    for name in _names(kind):
        other = space.get(name)
        if isinstance(other, type):
            _settle(other)
    _offer(space, [kind])


def _offer(space: dict[str, Any], kinds: list[type]) -> None:
    try:
        for found in kinds:
            if found.__module__ == "__main__" and patching.may_be(found):
                patching.offer_class(found)
        patching.offer_functions(space, "__main__")
    except FallbackError:
        raise  # asked for, by strict
    except Exception as error:  # a fault of ours is no fault of the script
        _log.warning("what is typed may be left as it is: %s: %s", type(error).__name__, error)


def _names(kind: type) -> Iterator[str]:
    """Yield the names that the methods of a class use, of the module as well."""
    codes = [f.__code__ for f in vars(kind).values() if isinstance(f, FunctionType)]
    while codes:
        code = codes.pop()
        yield from code.co_names
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
