"""Trying a reader's class: does it compute what the book's class computes?"""

from inspect import Parameter, signature
from typing import Any

import numpy as np

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import probe
from fasts2s.dropin.recognise.cases import Case, plain_dice
from fasts2s.dropin.recognise.copies import Install, quietly
from fasts2s.dropin.recognise.fitted import fitted
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.targets import Target
from fasts2s.dropin.run.report import Entry


def verdict_on(found: type, target: Target, case: Case, install: Install) -> dict[str, Any]:
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
            reason = probe.compare(found, fitted(target, verdict), case, read_last, install)
            if probe.CHANGED_INPUT in reason and not target.copies:
                # He copies what the book keeps by reference. So do ours, and where it changes, his own code runs.
                verdict["copies"] = True
                reason = probe.compare(found, fitted(target, verdict), case, read_last, install)
            return verdict | {"reason": reason, "fixed": _state_methods(found, case)}
    except UnrecognisedError as error:
        return {"reason": str(error)}


def difference(found: type, target: Target, case: Case) -> str:
    """Return why a class of which nothing is replaced is not what stands for the book's, or ""."""
    _look_at_arguments(found, target, case)
    return probe.compare(found, target, case, frozenset(), _put_as_they_are)


def _put_as_they_are(target: Target, entry: Entry, kind: type) -> None:
    """Put methods into a throw-away copy of a class: as they are, for they stand for the book's."""
    for name, method in target.methods.items():
        setattr(kind, name, method)


def _look_at_arguments(found: type, target: Target, case: Case) -> None:
    """Make sure that methods take what the book's take and no more: ours would take the rest for something else."""
    dice = plain_dice()
    wanted = {"forward": len(case.inputs(dice)), "backward": len(case.gradient(dice)), "generate": 3}
    wanted["update"] = wanted["forward"]
    for name in target.methods:
        parameters = list(signature(originals.own(found)[name]).parameters.values())[1:]
        if any(p.kind is not Parameter.POSITIONAL_OR_KEYWORD for p in parameters) or len(parameters) != wanted[name]:
            raise UnrecognisedError(f"{name} takes other arguments than the book's")
        defaults = [p.default for p in parameters if p.default is not Parameter.empty]
        if defaults and not (case.is_loss and name == "backward" and defaults == [1]):
            raise UnrecognisedError(f"{name} has a default that the book's has not")


def _state_methods(found: type, case: Case) -> str:
    """Return why who goes past ``set_state`` and ``reset_state`` must not: they do more, or less, than the book's."""
    if not case.stateful:
        return ""
    dice = plain_dice()
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
