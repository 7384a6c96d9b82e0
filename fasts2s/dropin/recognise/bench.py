"""One side of a trial: an object, the calls that are made of it, and what is noted of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasts2s.dropin.recognise.cases import Case
from fasts2s.dropin.recognise.dice import Dice
from fasts2s.dropin.recognise.records import Note, notes

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
            self.seen += notes(f"after {method} the attribute {name}", getattr(obj, name))

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


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value
