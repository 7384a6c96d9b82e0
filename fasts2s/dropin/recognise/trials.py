"""What a reader's class and ours go through side by side: sequences of calls, and what is noted of each."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasts2s.dropin.recognise.cases import SHAPES, Case, Dice, Shape
from fasts2s.dropin.recognise.records import Note, Tolerance, notes

#: What our backward does not set in the layers of single steps: it sums their gradients up at once.
_SUMMED = frozenset({"grads", "dW", "dWx", "dWh", "db"})
#: The same of layers that an encoder or decoder runs as one: where rows are shared, single ones have no gradient.
_SHARED = _SUMMED | {"dh", "dc"}


@dataclass
class Bench:
    """One side of one trial: an object, and what was noted.

    Parameters
    ----------
    hidden : frozenset of str
        Attributes that only the reader's forward sets; they are read by :meth:`peek` alone.
    """

    obj: Any
    case: Case
    dice: Dice
    hidden: frozenset[str]
    seen: list[Note] = field(default_factory=list)
    _arrays: dict[str, Any] = field(default_factory=dict)

    def note(self, what: str, value: Any) -> None:
        """Note a value."""
        self.seen += notes(what, value)

    def forward(self, inputs: tuple[Any, ...] | None = None) -> tuple[Any, ...]:
        """Run forward on these inputs or on new ones; note all that it has left; return the inputs and the output."""
        given = self.case.inputs(self.dice) if inputs is None else inputs
        out = self._call("forward", "the output", given)
        return (*given, out)

    def backward(self, given: tuple[Any, ...] | None = None) -> tuple[Any, ...]:
        """Run backward in the same way."""
        upstream = self.case.gradient(self.dice) if given is None else given
        out = self._call("backward", "the gradient of the input", upstream)
        for k, grad in enumerate(getattr(self.obj, "grads", ())):
            self.note(f"the gradient of {self.case.grads[k] if k < len(self.case.grads) else k}", grad)
        return (*upstream, out)

    def _call(self, method: str, what: str, given: tuple[Any, ...]) -> Any:
        before = [a.copy() if isinstance(a, np.ndarray) else a for a in given]
        out = getattr(self.obj, method)(*given)
        self.note(what, out)
        if not all(np.array_equal(a, b) for a, b in zip(before, given, strict=True)):
            self.note(f"what {method} makes of its input", list(given))
        self._attributes(method)
        self._memory(method, out, given)
        return out

    def _attributes(self, method: str) -> None:
        obj = self.obj
        self.seen.append(Note(f"the attributes after {method}", f"{sorted(vars(obj).keys() - self.hidden)}", None))
        for name in sorted(vars(obj).keys() - self.hidden - {"params", "grads"}):
            self.seen += notes(f"the attribute {name} after {method}", getattr(obj, name))

    def _memory(self, method: str, out: Any, given: tuple[Any, ...]) -> None:
        """Note who shares memory with whom: the last arrays of this method, state, weights, gradients."""
        obj = self.obj
        here = {f"input {k}": a for k, a in enumerate(given)} | {f"output {k}": a for k, a in enumerate(_flat(out))}
        self._arrays |= {f"{method} {name}": a for name, a in here.items()}
        now = self._arrays | {f"grads {k}": a for k, a in enumerate(getattr(obj, "grads", ()))}
        now |= {f"params {k}": a for k, a in enumerate(getattr(obj, "params", ()))}
        now |= {name: vars(obj).get(name) for name in sorted(vars(obj).keys() - self.hidden)}
        arrays = [(name, a) for name, a in now.items() if isinstance(a, np.ndarray)]
        pairs = [
            f"{m} and {n}" for i, (m, a) in enumerate(arrays) for n, b in arrays[:i] if np.may_share_memory(a, b)
        ]
        self.seen.append(Note(f"who shares memory after {method}", ", ".join(pairs) or "nobody", None))

    def peek(self) -> None:
        """Read what only the reader's own code sets."""
        for name in sorted(self.hidden):
            without = _SHARED if self.case.is_model else _SUMMED
            self.seen += notes(f"the attribute {name}", getattr(self.obj, name, None), without)


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
        bench.note("the weights after update", params)
        bench.note("the gradients after update", grads)
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
                bench.note("what generate returns", [int(i) for i in obj.generate(given[0], start, *given[2:])])
        if turn == 0:
            bench.peek()
        if turn == 1 and hasattr(obj, "forward") and bench.case.gradient(bench.dice):
            bench.forward()
            bench.backward()
        _grow(bench)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


@dataclass(frozen=True)
class Trial:
    """A sequence of calls, and on what."""

    run: Callable[[Bench], None]
    shape: Shape
    dtype: Any = np.float32
    given: Any = np.float32
    scale: float = 1.0
    upstream: float = 1.0
    kind: str = ""
    stateful: bool = False

    def dice(self, seed: int) -> Dice:
        """Return what draws its numbers."""
        rng = np.random.default_rng(seed)
        return Dice(rng, self.shape, self.dtype, self.given, self.scale, self.upstream, self.kind, self.stateful)

    @property
    def is_special(self) -> bool:
        """Return whether these are labels or ids that not every reader's class takes."""
        return self.kind in {"one-hot", "ignored", "all ignored", "negative"}

    def tolerance(self) -> Tolerance:
        """Return how far the two sides may be apart: where gates are saturated, differences are all but zero."""
        floor = max(self.scale, self.upstream) if (self.scale, self.upstream) != (1.0, 1.0) else 0.0
        single = 3e-6 if self.dtype == self.given == np.float64 else 6e-6
        return Tolerance(single, 1e-11, floor)


def trials(case: Case) -> Iterator[Trial]:
    """Yield what a class is tried on, what is most likely to differ first."""
    double, single = np.float64, np.float32
    if case.is_model:
        yield from _trials_of_models(case)
        return
    if case.method == "update":
        yield from _trials_of_updates()
        return
    ways = (False, True) if case.stateful else (False,)
    for k, shape in enumerate(SHAPES):
        for stateful in ways[-1:] if k > 2 else ways:
            yield Trial(basic, shape, double, double, stateful=stateful)
    yield Trial(basic, SHAPES[0], stateful=ways[-1])
    for stateful in ways:
        for k, run in enumerate(
            (repeated, looked_at, changed_input, changed_output, changed_weights, another_batch, other_settings)
        ):
            yield Trial(run, SHAPES[(k + 1) % 2], stateful=stateful)
    yield Trial(copied, SHAPES[0])
    if case.stateful:
        yield from (Trial(run, SHAPES[1], stateful=way) for way in ways for run in (held_state, changed_state))
    if case.is_loss:
        yield Trial(other_settings, SHAPES[0], kind="ignored")
    for kind in case.kinds:
        yield Trial(basic, SHAPES[0], double, double, kind=kind, stateful=ways[-1])
        yield Trial(looked_at, SHAPES[1], kind=kind)
    for dtype, given in () if case.stateful else ((single, double), (double, single)):
        yield Trial(basic, SHAPES[1], dtype, given)
    for size in (1e-2, 30.0, 1e3):
        yield Trial(basic, SHAPES[0], double, double, scale=size, stateful=ways[-1])
        yield Trial(basic, SHAPES[0], double, double, upstream=size, stateful=ways[-1])


def _trials_of_updates() -> Iterator[Trial]:
    for shape in SHAPES[:3]:
        yield Trial(updates, shape, np.float64, np.float64)
        yield Trial(updates, shape)
    yield Trial(updates, SHAPES[0], np.float64, np.float64, kind="fortran")
    for size in (1e-2, 30.0, 1e3):
        yield Trial(updates, SHAPES[0], np.float64, np.float64, upstream=size)


def _trials_of_models(case: Case) -> Iterator[Trial]:
    if not case.gradient(Trial(basic, SHAPES[0]).dice(0)):  # only its answers are replaced
        yield from (Trial(generates, shape) for shape in SHAPES)
        return
    for k, shape in enumerate(SHAPES):
        yield Trial(basic, shape)
        if k % 2 == 0:
            yield Trial(generates, shape)
    for k, run in enumerate((repeated, looked_at, changed_input, changed_weights, another_batch, copied)):
        yield Trial(run, SHAPES[k % 2])
    for size in (1e-2, 30.0):
        yield Trial(basic, SHAPES[0], upstream=size)
