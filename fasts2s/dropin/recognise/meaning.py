"""Recognition by meaning: a class that computes what the book's computes, whatever its text and its name."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from types import FunctionType
from typing import Any

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import verdicts
from fasts2s.dropin.recognise.cases import CASES, Case, plain_dice
from fasts2s.dropin.recognise.fitted import fitted
from fasts2s.dropin.recognise.reading import Reading
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.reliance import Known
from fasts2s.dropin.replace.targets import Target
from fasts2s.dropin.settings import installed

_STATE = ("set_state", "reset_state")
#: Puts our methods into a class.
Install = Callable[[Target, Any, type], None]


@dataclass(frozen=True)
class Recognised:
    """A class that was recognised: what is put into it, and what that relies on."""

    target: Target
    known: Known


def recognise(found: type, target: Target, install: Install) -> Recognised:
    """Make sure that a class computes what the book's class computes.

    Parameters
    ----------
    found : type
    target : Target
        What the class is to be.
    install : function
        Puts our methods into a class.

    Raises
    ------
    UnrecognisedError
        It does not, or nothing can be said; the text says why, in a reader's words.
    """
    case = CASES.get(target.name)
    if case is None:
        raise UnrecognisedError(f"{target.name} is recognised by its text alone")
    missing = [name for name in target.methods if not isinstance(originals.own(found).get(name), FunctionType)]
    if missing:
        raise UnrecognisedError(f"it has no {missing[0]} of its own")
    reading = _read(found, target, case)
    # Ours run encoders and decoders only where their layers are replaced.
    parts = [f"{kind.__name__} is {installed.get(kind)}" for kind in reading.kinds()] if case.is_model else []
    key = verdicts.key_of(target.name, found.__name__, reading.key(), *parts)
    verdict = verdicts.get(key)
    if verdict is None:
        from fasts2s.dropin.recognise.trying import verdict_on  # noqa: PLC0415 - most classes were tried before

        verdict = verdict_on(found, target, case, install)
        verdicts.put(key, verdict)
    if verdict["reason"]:
        raise UnrecognisedError(verdict["reason"])
    adapted = fitted(target, verdict, frozenset(reading.kinds()))
    known = Known(reading.reliance(), reading.whole(verdict["fixed"]), adapted.ready)
    return Recognised(adapted, known)


def can_be_tried(target: Target) -> bool:
    """Return whether it is known how to try classes of this kind."""
    return target.name in CASES


def _read(found: type, target: Target, case: Case) -> Reading:
    return Reading(found, tuple(target.methods), _STATE, integers=case.integers)


def similar(found: type) -> list[str]:
    """Return the names of targets that a class could be, whatever it is called: by what it is given."""
    members = originals.own(found)
    if not all(isinstance(members.get(name), FunctionType) for name in ("forward", "backward")):
        return []
    try:
        constructor: Any = vars(found).get("__init__", found.__init__)  # type: ignore[misc]
        built, called = _counts(constructor), _counts(members["forward"])
    except (TypeError, ValueError):
        return []
    dice = plain_dice()
    return [
        name for name, case in CASES.items()
        if case.method == "forward"
        and not case.is_model
        and _takes(built, len(case.weights(dice))) and _takes(called, len(case.inputs(dice)))
    ]  # fmt: skip


def _counts(function: Any) -> tuple[int, int]:
    """Return how many arguments a method needs beside its object, and how many it takes."""
    if function is object.__init__:
        return 0, 0
    parameters = list(signature(function).parameters.values())[1:]
    if any(p.kind in (Parameter.VAR_POSITIONAL, Parameter.KEYWORD_ONLY) for p in parameters):
        raise ValueError("it takes any number of arguments")
    return sum(p.default is Parameter.empty for p in parameters), len(parameters)


def _takes(counts: tuple[int, int], number: int) -> bool:
    return counts[0] <= number <= counts[1]
