"""A reader's class and ours, tried side by side: on a throw-away copy of the class our methods are put in.

What is compared: outputs, gradients, states, attributes, dtypes, who shares memory with whom, what a second call
finds. See :mod:`fasts2s.dropin.recognise.trials`.
"""

from typing import Any, NamedTuple

import numpy as np

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise.bench import Bench
from fasts2s.dropin.recognise.cases import SHAPES, Case
from fasts2s.dropin.recognise.copies import Copy, Install
from fasts2s.dropin.recognise.dice import Dice
from fasts2s.dropin.recognise.records import NO_OBJECT, Note, first_difference, in_words, notes
from fasts2s.dropin.recognise.trials import Trial, trials
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.targets import Target


def make(kind: type, case: Case, dice: Dice) -> Any:
    """Return an object of a class, with weights that are drawn."""
    if case.reference is not None:
        obj: Any = object.__new__(kind)
        vars(obj).update(vars(case.reference(*case.weights(dice))))
        return obj
    more = (True,) if case.stateful and dice.stateful else ()
    obj = kind(*case.weights(dice), *more)
    if case.is_model:
        for p in obj.params:
            p[...] = dice.rng.normal(0, 0.6, p.shape)
    return obj


class Fit(NamedTuple):
    """How ours fit the objects of a reader's class.

    Attributes
    ----------
    hidden : frozenset of str
        Attributes that the reader's forward alone sets.
    missing : tuple of str
        Attributes of ours that his objects have not.
    doubles : tuple of (str, int)
        Further names of weights in ``params``: they must stay the same arrays.
    parts : tuple of str
        Objects of readers' classes that it is made of.
    plain_ids : bool
        Whether it answers with Python's integers.
    """

    hidden: frozenset[str]
    missing: tuple[str, ...]
    doubles: tuple[tuple[str, int], ...]
    parts: tuple[str, ...] = ()
    plain_ids: bool = False


def fit(found: type, case: Case, state: tuple[str, ...]) -> Fit:
    """Find out how ours fit; ``state``: what ours set as well. Raises UnrecognisedError where it does not run."""
    dice = Trial(_nothing, SHAPES[0]).dice(0)
    try:
        obj = make(found, case, dice)
        before = _seen(obj)
        getattr(obj, case.method)(*case.inputs(dice))
    except Exception as error:
        raise UnrecognisedError(f"it cannot be tried ({type(error).__name__}: {error})") from None
    if case.method != "forward":
        return Fit(frozenset(), (), ())
    after = _seen(obj)
    changed = {name for name in after if before.get(name) != after[name]}
    if case.is_model:
        parts = {name for name, value in vars(obj).items() if hasattr(value, "forward")}
        hidden = frozenset(changed - {*parts, *case.sets, "params", "grads"})
        return Fit(hidden, (), (), tuple(parts), _answers_plainly(obj, case, dice))
    weights = list(enumerate(getattr(obj, "params", ())))
    inside = tuple(name for name, value in vars(obj).items() if type(value).__module__ == found.__module__)
    return Fit(
        frozenset(changed - {*state, "params", "grads"}),
        tuple(name for name in (*state, *case.read) if name not in after and not hasattr(obj, name)),
        tuple((name, k) for name, value in vars(obj).items() for k, p in weights if value is p),
        inside,
    )


def _answers_plainly(obj: Any, case: Case, dice: Dice) -> bool:
    """Return whether answers are Python's integers. UnrecognisedError: they are neither these nor NumPy's."""
    if case.asked is None:
        return False
    try:
        kinds = {type(i) for i in obj.generate(*case.asked(dice))}
    except Exception as error:
        raise UnrecognisedError(f"its generate cannot be tried ({type(error).__name__}: {error})") from None
    if kinds not in ({int}, {np.int64}):
        raise UnrecognisedError(f"its answers are made of {', '.join(sorted(kind.__name__ for kind in kinds))}")
    return kinds == {int}


def _nothing(bench: Bench) -> None:
    """Stands for no trial."""


def _seen(obj: Any) -> dict[str, Any]:
    return {
        name: [
            (n.what, n.kind, n.value.tobytes() if isinstance(n.value, np.ndarray) else None) for n in notes("", value)
        ]
        for name, value in vars(obj).items()
    }


def compare(found: type, target: Target, case: Case, hidden: frozenset[str], install: Install) -> str:
    """Return the first difference between a class and ours, in words; or "". Outside of it all is as before."""
    with originals.Suspended():
        by_reader = [(trial, _run(found, case, trial, k, hidden)) for k, trial in enumerate(trials(case))]
    failed = next((b.seen[-1].kind for t, b in by_reader[:1] if b.seen[-1].what in (NO_OBJECT, "an error")), "")
    if failed:
        return f"it cannot be tried ({failed})"
    with Copy(found, target, install) as ours:
        for k, (trial, reader) in enumerate(by_reader):
            found_here = _run(ours.kind, case, trial, k, hidden)
            if k == 0 and ours.entry.fallbacks:
                return f"ours does not run on its objects ({next(iter(ours.entry.fallbacks))})"
            endless = case.is_loss and case.reference is None and not trial.is_plain
            differing = first_difference(
                reader.seen, found_here.seen, trial.tolerance(), loss=endless, lenient=trial.is_special
            )
            if differing is not None:
                is_gradient = differing[0].what.startswith("the gradient")
                said = _of_one_gate(by_reader, ours.kind, case, hidden) if is_gradient else ""
                return said or in_words(*differing, ()) + _when(trial)
    return ""


def _of_one_gate(by_reader: list[tuple[Trial, Bench]], ours: type, case: Case, hidden: frozenset[str]) -> str:
    """Name the gate whose gradient differs, if that can be told: in a sequence of one step it goes no further."""
    for k, (trial, reader) in enumerate(by_reader):
        if case.gates and trial.shape["T"] == 1 < trial.shape["N"]:
            for a, b in zip(reader.seen, _run(ours, case, trial, k, hidden).seen, strict=False):
                if not a.what.startswith("the gradient of W") or a.kind != b.kind:
                    continue
                said = "" if trial.tolerance().agree(a.value, b.value) else in_words(a, b, case.gates)
                if "columns" in said:
                    return said
    return ""


def _run(kind: type, case: Case, trial: Trial, seed: int, hidden: frozenset[str]) -> Bench:
    dice = trial.dice(seed)
    bench = Bench(None, case, dice, hidden)
    np.random.seed(seed)  # constructors of models draw
    what, state = NO_OBJECT, None
    try:
        bench.obj = make(kind, case, dice)
        what, state = "an error", _chance()
        trial.run(bench)
    except Exception as error:  # which is then what both have to end with
        bench.seen.append(Note(what, f"{type(error).__name__}: {error}", None))
    if state is not None and _chance() != state:
        bench.note("random numbers that it draws", np.random.random_sample(4))
    return bench


def _chance() -> list[Any]:
    """Return the state of NumPy's generator, comparable."""
    state: Any = np.random.get_state()
    return [part.tobytes() if isinstance(part, np.ndarray) else part for part in state]


CHANGED_INPUT = "when the input changes before backward"
_SAID = {
    "repeated": "after repeated calls",
    "changed_input": CHANGED_INPUT,
    "changed_output": "when the output changes before backward",
    "copied": "in a copy of the layer",
    "changed_weights": "when the weights change",
    "held_state": "after set_state",
    "changed_state": "when the state changes",
    "another_batch": "after a batch of another size",
    "other_settings": "after a setting was changed",
    "looked_at": "when it is read",
    "generates": "in an answer or after it",
}


def _when(trial: Trial) -> str:
    """Say on what kind of trial it was, where that is not the plainest."""
    said = _SAID.get(trial.run.__name__, "")
    more = [said, trial.kind and f"with inputs of the kind {trial.kind}"]
    more += ["with large or small numbers"] if (trial.scale, trial.upstream) != (1.0, 1.0) else []
    more += ["with a kept state"] if trial.stateful and not said else []
    text = ", ".join(filter(None, more))
    return f" {text}" if text else ""
