"""Sequences of calls that a reader's class and ours go through, each on a bench of its own."""

import copy

import numpy as np

from fasts2s.dropin.recognise.bench import Bench


def basic(bench: Bench) -> None:
    """One step, twice; lists and arrays of weights and gradients stay the same objects."""
    obj = bench.obj
    before = [obj.params, obj.grads, *obj.params, *obj.grads] if hasattr(obj, "params") else []
    for _ in range(2):
        bench.forward()
        bench.backward()
    now = [obj.params, obj.grads, *obj.params, *obj.grads] if before else []
    bench.note("the lists of weights and gradients", [a is b for a, b in zip(before, now, strict=True)])
    bench.note("the weights", list(getattr(obj, "params", ())))


def repeated(bench: Bench) -> None:
    """Forward twice before backward, backward twice, and with other numbers."""
    bench.forward()
    bench.forward()
    upstream = bench.backward()[:-1]
    bench.backward(upstream)
    bench.forward()
    bench.backward()
    bench.peek()


def changed_input(bench: Bench) -> None:
    """What was given changes in place between forward and backward."""
    given = bench.forward()[:-1]
    for a in given:
        a[...] = a[::-1].copy() if a.dtype.kind in "iu" else a * 0.5 + 0.1
    bench.backward()
    bench.forward()
    bench.backward()


def changed_output(bench: Bench) -> None:
    """What forward has returned changes in place before backward."""
    *_, out = bench.forward()
    if isinstance(out, np.ndarray):
        out *= -0.5
    bench.backward()


def changed_weights(bench: Bench) -> None:
    """Weights change in place between forward and backward, and after it, as an update does."""
    bench.forward()
    _grow(bench)
    bench.backward()
    _grow(bench)
    bench.forward()
    bench.backward()


def _grow(bench: Bench) -> None:
    for p in getattr(bench.obj, "params", ()):
        p *= 1.25
        p += 0.1


def held_state(bench: Bench) -> None:
    """A state that is set, with and without its second part, kept, changed by who has given it, and reset."""
    dice, obj, size = bench.dice, bench.obj, bench.case.states
    for count in range(1, size + 1):
        state = [dice.floats("N H", 0.5).astype(np.float32) for _ in range(count)]
        obj.set_state(*state)
        bench.forward()
        bench.backward()
        bench.forward()
        bench.note("the state that was given", state)
        state[0] += 1
        bench.backward()
    obj.reset_state()
    bench.forward()
    bench.backward()


def changed_state(bench: Bench) -> None:
    """The state array is changed in place by who reads it, and set through the attribute."""
    bench.forward()
    bench.obj.h *= 0.5
    bench.forward()
    bench.obj.h *= 0.5
    bench.backward()
    bench.obj.h = None
    bench.forward()
    bench.backward()


def another_batch(bench: Bench) -> None:
    """An evaluation with a batch of one between a forward and its backward, and then a step."""
    bench.forward()
    shape = bench.dice.shape
    if bench.case.stateful:
        bench.obj.reset_state()
    bench.dice.shape = shape | {"N": 1}
    bench.forward()
    bench.dice.shape = shape
    if bench.case.stateful:
        bench.obj.reset_state()
    bench.forward()
    bench.backward()
    bench.peek()


def other_settings(bench: Bench) -> None:
    """What a script may set between two steps."""
    bench.forward()
    bench.backward()
    for name in ("ignore_label", "stateful"):
        if hasattr(bench.obj, name):
            setattr(bench.obj, name, 0)
    bench.forward()
    bench.backward()


def looked_at(bench: Bench) -> None:
    """Somebody reads what the reader's own code sets: at first, after forward, after backward."""
    bench.peek()
    bench.forward()
    bench.peek()
    bench.backward()
    bench.peek()
    bench.forward()
    bench.backward()
    bench.peek()


def copied(bench: Bench) -> None:
    """A copy is made between forward and backward."""
    bench.forward()
    original, bench.obj = bench.obj, copy.deepcopy(bench.obj)
    upstream = bench.backward()[:-1]
    bench.obj = original
    bench.backward(upstream)


def updates(bench: Bench) -> None:
    """Three updates; the gradients change, and so does the rate of learning."""
    params, grads = bench.case.inputs(bench.dice)
    before = [*params, *grads]
    for turn in range(3):
        bench.obj.update(params, grads)
        bench.note("after update the weights", params)
        bench.note("after update the gradients", grads)
        bench.note("the arrays after update", [a is b for a, b in zip(before, (*params, *grads), strict=True)])
        bench.note("what the optimiser keeps", bench.obj)
        for g in grads:
            g *= -0.7
            g += 0.05
        for name in ("lr", "beta1", "beta2", "momentum", "decay_rate"):
            if turn == 1 and hasattr(bench.obj, name):
                setattr(bench.obj, name, getattr(bench.obj, name) * 0.9)


def generates(bench: Bench) -> None:
    """Answers, before and after a step; what they leave; the weights change in between."""
    asked, obj = bench.case.asked, bench.obj
    for turn in range(3):
        if asked is not None:
            given = asked(bench.dice)
            for start in (0, given[0].size % bench.dice.shape["V"]):
                bench.note("what generate returns", obj.generate(given[0], start, *given[2:]))
        if turn == 0:
            bench.peek()
        if turn == 1 and hasattr(obj, "forward") and bench.case.gradient(bench.dice):
            bench.forward()
            bench.backward()
        _grow(bench)
