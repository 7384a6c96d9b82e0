"""Recognition by meaning: a class that computes what the book's computes, whatever its text and its name."""

from dataclasses import dataclass, replace
from inspect import Parameter, signature
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import probe, verdicts
from fasts2s.dropin.recognise.cases import CASES, SHAPES, Case
from fasts2s.dropin.recognise.copies import Install, quietly
from fasts2s.dropin.recognise.reading import Reading
from fasts2s.dropin.recognise.sequences import basic
from fasts2s.dropin.recognise.trials import Trial
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.beside import FIRST_WEIGHT
from fasts2s.dropin.replace.reliance import Known
from fasts2s.dropin.replace.targets import Target
from fasts2s.dropin.settings import installed

_STATE = ("set_state", "reset_state")
#: What ours read and a reader may have left out -> what it then means.
_DEFAULTS: dict[str, Any] = {"stateful": False, "ignore_label": -(2**62), "W": FIRST_WEIGHT}


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
        verdict = _try(found, target, case, install)
        verdicts.put(key, verdict)
    if verdict["reason"]:
        raise UnrecognisedError(verdict["reason"])
    adapted = _adapted(target, verdict, frozenset(reading.kinds()))
    known = Known(reading.reliance(), reading.whole(verdict["fixed"]), adapted.ready)
    return Recognised(adapted, known)


def can_be_tried(target: Target) -> bool:
    """Return whether it is known how to try classes of this kind."""
    return target.name in CASES


def _read(found: type, target: Target, case: Case) -> Reading:
    return Reading(found, tuple(target.methods), _STATE, integers=case.integers)


def _try(found: type, target: Target, case: Case, install: Install) -> dict[str, Any]:
    """Return the verdict on a class: the reason why it is another, or "", and how ours fit it."""
    try:
        with quietly():
            _look_at_arguments(found, target, case)
            fit = probe.fit(found, case, target.state)
            verdict: dict[str, Any] = {
                "hidden": sorted(fit.hidden),
                "missing": fit.missing,
                "doubles": fit.doubles,
                "parts": fit.parts,
                "plain_ids": fit.plain_ids,
            }
            read_last = fit.hidden.union(fit.parts, case.sets if case.is_model else ())
            reason = probe.compare(found, _adapted(target, verdict), case, read_last, install)
            if probe.CHANGED_INPUT in reason and not target.copies:
                # He copies what the book keeps by reference. So do ours, and where it changes, his own code runs.
                verdict["copies"] = True
                reason = probe.compare(found, _adapted(target, verdict), case, read_last, install)
            return verdict | {"reason": reason, "fixed": _state_methods(found, case)}
    except UnrecognisedError as error:
        return {"reason": str(error)}


def _look_at_arguments(found: type, target: Target, case: Case) -> None:
    """Make sure that methods take what the book's take and no more: ours would take the rest for something else."""
    dice = Trial(basic, SHAPES[0]).dice(0)
    wanted = {"forward": len(case.inputs(dice)), "backward": len(case.gradient(dice)), "generate": 3}
    wanted["update"] = wanted["forward"]
    for name in target.methods:
        parameters = list(signature(originals.own(found)[name]).parameters.values())[1:]
        if any(p.kind is not Parameter.POSITIONAL_OR_KEYWORD for p in parameters) or len(parameters) != wanted[name]:
            raise UnrecognisedError(f"{name} takes other arguments than the book's")
        defaults = [p.default for p in parameters if p.default is not Parameter.empty]
        if defaults and not (case.is_loss and name == "backward" and defaults == [1]):
            raise UnrecognisedError(f"{name} has a default that the book's has not")


def _adapted(target: Target, verdict: dict[str, Any], kinds: frozenset[type] = frozenset()) -> Target:
    """Return a target for a class that leaves other attributes than the book's, and has not all of them.

    ``kinds``: the classes of what it is made of.
    """
    parts = [] if target.made_of or not kinds else verdict["parts"]
    missing, doubles = verdict["missing"], [(name, int(k)) for name, k in verdict["doubles"]]

    def there(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in missing)

    def ready(obj: Any) -> str:
        for name, k in doubles:
            if getattr(obj, name) is not obj.params[k]:
                return f"its {name} is another array than params[{k}]"
        for name in parts:
            if type(vars(obj).get(name)) not in kinds:
                return f"its {name} is another one"
        return ""

    return replace(
        target, state=there(target.state), made_on_read=tuple(verdict["hidden"]), owed=there(target.owed),
        read_back=there(target.read_back),
        copies=target.copies or bool(verdict.get("copies")), ready=ready if doubles or parts else target.ready,
        aside=tuple((name, _DEFAULTS.get(name)) for name in missing), plain_ids=verdict["plain_ids"],
    )  # fmt: skip


def _state_methods(found: type, case: Case) -> str:
    """Return why who goes past ``set_state`` and ``reset_state`` must not: they do more, or less, than the book's."""
    if not case.stateful:
        return ""
    dice = Trial(basic, SHAPES[0]).dice(0)
    names, arrays = ("h", "c")[: case.states], [np.ones((2, 3), "f"), np.zeros((2, 3), "f")][: case.states]
    try:
        obj = probe.make(found, case, dice)
        for given in (arrays[:1], arrays):
            before = dict(vars(obj))
            obj.set_state(*given)
            wanted = dict(zip(names, [*given, None], strict=False))
            if not _set(obj, before, wanted):
                return f"{found.__name__}.set_state is not the book's"
        before = dict(vars(obj))
        obj.reset_state()
        if not _set(obj, before, dict.fromkeys(names)):
            return f"{found.__name__}.reset_state is not the book's"
    except Exception as error:
        return f"{found.__name__} has no state as the book's ({type(error).__name__}: {error})"
    return ""


def _set(obj: Any, before: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Return whether these attributes of an object were set, to these very objects, and nothing else."""
    now, expected = vars(obj), before | wanted
    return now.keys() == expected.keys() and all(now[name] is expected[name] for name in now)


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
    dice = Trial(basic, SHAPES[0]).dice(0)
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
