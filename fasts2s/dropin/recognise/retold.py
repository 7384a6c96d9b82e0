"""Reading a function again by what was asked when it was read first: its text alone decides what is asked.

Only a switch of the module, such as GPU, leads another way: where one says something else now, the text is read anew.
"""

import ast
from collections.abc import Callable, Mapping
from inspect import getattr_static
from typing import Any, NamedTuple

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise.facts import Facts
from fasts2s.dropin.recognise.written import Written


class Ask(NamedTuple):
    """Whom reading a function asks: what names of the module stand for, and whether attributes are flags, or shapes.

    Each notes what it is asked; ``name`` raises UnrecognisedError where a name stands for something unknown.
    """

    name: Callable[[list[str], ast.AST], Any]
    flag: Callable[[str], bool]
    shape: Callable[[str], bool]


def read(
    function: Written, space: Mapping[str, Any], ask: Ask, *, integers: bool, positive: bool, may_print: bool
) -> list[tuple[str, int]]:
    """Read a function; return the attributes that it asks of what it computes with, and in which line first.

    Parameters
    ----------
    space : mapping
        The names of its module.

    Raises
    ------
    UnrecognisedError
        Something in it is not understood.
    """
    way = f"read {integers:d}{positive:d}{may_print:d}"
    kept: Facts | None = function.kept.facts.get(way)
    if kept is not None and all(_switch(names, space) is known for names, _, known in kept["names"]):
        _ask_again(kept, ask)
        if kept["refused"]:
            raise UnrecognisedError(kept["refused"])
        if not kept["unknown"]:
            return [(name, line) for name, line in kept["attributes"]]
    return _read(function, space, ask, way, integers=integers, positive=positive, may_print=may_print)


def _switch(names: list[str], space: Mapping[str, Any]) -> bool | None:
    """Return what a switch of the module, or of another that it names, says; None where a name is none."""
    value = space.get(names[0])
    for name in names[1:]:
        value = getattr_static(value, name, None)
    return value if isinstance(value, bool) else None


def _ask_again(kept: Facts, ask: Ask) -> None:
    for name in kept["flags"]:
        ask.flag(name)
    for name in kept["shapes"]:
        ask.shape(name)
    for names, line, _ in kept["names"]:
        ask.name(names, ast.Pass(lineno=line))


def _read(
    function: Written,
    space: Mapping[str, Any],
    ask: Ask,
    way: str,
    *,
    integers: bool,
    positive: bool,
    may_print: bool,
) -> list[tuple[str, int]]:
    from fasts2s.dropin.recognise.grammar import Function  # noqa: PLC0415 - not needed where all is kept

    kept: Facts = {"names": [], "flags": [], "shapes": [], "attributes": [], "refused": "", "unknown": False}

    def name(names: list[str], node: ast.AST) -> Any:
        kept["names"].append((names, getattr(node, "lineno", 0), _switch(names, space)))
        kept["unknown"] = True
        value = ask.name(names, node)
        kept["unknown"] = False
        return value

    def flag(name: str) -> bool:
        kept["flags"].append(name)
        return ask.flag(name)

    def shape(name: str) -> bool:
        kept["shapes"].append(name)
        return ask.shape(name)

    try:
        found = Function(
            function.node,
            name,
            integers=integers,
            positive=positive,
            flags=flag,
            shapes=shape,
            may_print=may_print,
        )
    except UnrecognisedError as error:
        kept["refused"] = "" if kept["unknown"] else str(error)
        function.kept.keep(way, kept)
        raise
    attributes = [(name, getattr(node, "lineno", 0)) for name, node in found.attributes.items()]
    function.kept.keep(way, kept | {"attributes": attributes})
    return attributes
