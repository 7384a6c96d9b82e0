"""Malformed calls of the methods of one class, and what they must leave as it was."""

import inspect
import zlib
from typing import Any

import numpy as np

from fasts2s_kernels.letters import size
from tests.malformed.ledger import Ledger, described, finite, leaves
from tests.malformed.values import malform
from tests.records import KINDS, LAYERS, MODELS, SCALARS, SIZES, Record, shape, valid

RECORDS: dict[str, Record] = {**LAYERS, **MODELS}


def generator(*names: Any) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(names).encode()))


def _is_huge(value: Any) -> bool:
    # As it is, not as a float: 10**400 has none.
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, np.timedelta64)
    return is_number and bool(value > 100)


def malformed(arguments: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return the arguments with one or two of them spoiled, or two swapped."""
    arguments, names = dict(arguments), list(arguments)
    first, second = rng.choice(names), rng.choice(names)
    if rng.random() < 0.1 and first != second:
        arguments[first], arguments[second] = arguments[second], arguments[first]
        return arguments
    for name in {str(first), str(second)} if rng.random() < 0.2 else {str(first)}:
        arguments[name] = malform(arguments[name], rng)
        if name == "sample_size" and _is_huge(arguments[name]):
            arguments[name] = -3  # a huge size is legal, and takes its time
    return arguments


def copies(result: Any) -> list[Any]:
    return [np.array(leaf, copy=True) for leaf in leaves(result)]


def equal(a: list[Any], b: list[Any]) -> bool:
    """Whether two lists of arrays hold the same bits, NaN included."""

    def content(x: Any) -> Any:
        return x.dtype, x.shape, x.tobytes()

    return [content(x) for x in a] == [content(x) for x in b]


def fresh(record: Record, options: dict[str, Any], primed: bool) -> Any:
    """Return a new object, after a valid forward where primed."""
    obj = record.build(**options)
    np.random.seed(3)
    if primed:
        obj.forward(**valid(record.forward))
    return obj


def gradients(obj: Any, record: Record) -> list[Any]:
    result = copies(obj.backward(**valid(record.backward)))
    return result + copies(obj.grads if hasattr(obj, "grads") else [obj.dW, obj.db])


def answers(obj: Any, record: Record, primed: bool) -> list[Any]:
    """What valid calls give from here on: the gradients of the last forward, then those of another one."""
    np.random.seed(4)
    before = gradients(obj, record) if primed else []
    return before + copies(obj.forward(**valid(record.forward))) + gradients(obj, record)


def _is_length(token: str, length: int, sizes: dict[str, Any]) -> bool:
    """Whether a length is what a token such as ``4H`` or ``H+M`` stands for; an unknown letter becomes known."""
    unknown = [part for part in token.split("+") if part[-1] not in sizes]
    rest = length - sum(size(part, sizes) for part in token.split("+") if part not in unknown)
    if unknown:
        factor = int(unknown[0][:-1] or 1)
        sizes[unknown[0][-1]] = rest // factor
        rest %= factor
    return rest == 0 and len(unknown) <= 1


def bind(specs: dict[str, str], arguments: dict[str, Any], known: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Read sizes off the shapes of arguments; return them, and the arguments whose shape contradicts the others."""
    sizes, misfits = dict(known), []
    for name, spec in specs.items():
        value, letters = arguments[name], [t for t in spec.split() if t not in KINDS]
        if not isinstance(value, np.ndarray | np.generic) or spec in SCALARS:
            continue
        lead = value.shape[: max(value.ndim - len(letters) + 1, 0)] if "*" in letters else ()
        fits = sizes.setdefault("*", lead) == lead if "*" in letters else True
        rest, letters = value.shape[len(lead) :], [t for t in letters if t != "*"]
        one_hot = spec.split()[0] in ("ids", "bits") and len(rest) == len(letters) + 1
        for token, length in zip(letters, rest, strict=False):
            fits = fits and _is_length(token, length, sizes)
        if not fits or not (len(rest) == len(letters) or one_hot):
            misfits.append(name)
    return sizes, misfits


def shapes(out: str, sizes: dict[str, Any]) -> list[tuple[int, ...]]:
    """Return the documented shapes of the results."""
    parts = [part.split() for part in out.split(";")]
    return [
        tuple(np.hstack([sizes["*"] if t == "*" else size(t, sizes) for t in p] or [()]).astype(int).tolist())
        for p in parts
    ]


def parts(obj: Any) -> list[Any]:
    """Return an object and all the layers inside it."""
    found, inside = [obj], [*vars(obj).values(), *(getattr(obj, "layers", None) or [])]
    for value in inside:
        if type(value).__module__.startswith("fasts2s.") and hasattr(value, "__dict__") and hasattr(value, "forward"):
            found += [part for part in parts(value) if not any(part is f for f in found)]
    return found


class Fuzz:
    """Malformed calls of one class; every action makes one or two."""

    def __init__(self, name: str, options: dict[str, Any], backend: str) -> None:
        self.name, self.options, self.record = name, options, RECORDS[name]
        self.rng, self.ledger = generator(name, options, backend), Ledger()
        self.answers = {p: answers(fresh(self.record, options, p), self.record, p) for p in (False, True)}
        obj = fresh(self.record, options, True)
        self.free = not getattr(obj, "params", hasattr(obj, "W"))  # without weights any size will do
        self.gradient_shapes = [np.shape(g) for g in leaves(obj.backward(**valid(self.record.backward)))]

    def run(self, calls: int) -> Ledger:
        actions = [self.forward, self.forward, self.backward, self.weights]
        while sum(self.ledger.outcomes.values()) < calls:
            primed = bool(self.rng.random() < 0.7)
            actions[self.rng.integers(len(actions))](fresh(self.record, self.options, primed), primed)
        return self.ledger

    def forward(self, obj: Any, primed: bool) -> None:
        arguments = malformed(valid(self.record.forward), self.rng)
        done, result = self.ledger.call(obj.forward, arguments, f"{self.name}.forward")
        if done:
            self.fits("forward", self.record.forward, self.record.out, arguments, result)
            text = f"{self.name}.forward({described(arguments)}), then backward"
            self.ledger.call(obj.backward, valid(self.record.backward), text)
        else:
            self.unchanged(obj, primed, "forward", arguments)

    def backward(self, obj: Any, primed: bool) -> None:
        arguments = valid(self.record.backward)
        arguments = malformed(arguments, self.rng) if primed or self.rng.random() < 0.5 else arguments
        done, result = self.ledger.call(obj.backward, arguments, f"{self.name}.backward")
        if done and not primed:
            self.ledger.note("first", f"{self.name}.backward before forward was accepted")
        elif done:
            self.fits("backward", self.record.backward, None, arguments, result)
        self.unchanged(obj, primed, "backward", arguments)

    def weights(self, obj: Any, primed: bool) -> None:
        """A weight or a gradient buffer that is wrong, in the object or in a layer of it."""
        holders = [layer for layer in parts(obj) if getattr(layer, "params", None) and len(parts(layer)) == 1]
        if not holders:
            self.forward(obj, primed)
            return
        layer = holders[self.rng.integers(len(holders))]
        held = layer.params if self.rng.random() < 0.6 else layer.grads
        k = int(self.rng.integers(len(held)))
        kept, held[k] = held[k], malform(held[k], self.rng)
        spoiled = {("params" if held is layer.params else "grads") + f"[{k}]": held[k]}
        done = primed and self.rng.random() < 0.3  # changed after the forward, or before it
        if not done:
            forward = lambda **_: obj.forward(**valid(self.record.forward))
            done, _ = self.ledger.call(forward, spoiled, self.name)
        if done:
            backward = lambda **_: obj.backward(**valid(self.record.backward))
            self.ledger.call(backward, spoiled, self.name, writes=set(spoiled) - {f"params[{k}]"})
        held[k] = kept
        if not done:
            self.unchanged(obj, primed, "forward", spoiled)

    def fits(
        self, method: str, specs: dict[str, str], out: str | None, arguments: dict[str, Any], result: Any
    ) -> None:
        """A call that succeeded: arguments that fit one another, results of the documented shape, and finite."""
        if self.name == "Flatten":  # a product of sizes: tests/layers/test_pictures.py
            return
        text = f"{self.name}.{method}({described(arguments)})"
        known = {} if self.free else {k: SIZES[k] for k in "DHMV"}
        sizes, misfits = bind(specs, arguments, known if out is not None else {**SIZES, "*": shape("*")})
        if misfits:
            self.ledger.note((method, "misfit"), f"{text} took {misfits}, which does not fit the rest")
        came = [np.shape(leaf) for leaf in leaves(result)]
        expected = self.gradient_shapes if out is None else shapes(out, {**SIZES, **sizes})
        if came != expected:
            self.ledger.note((method, "shape"), f"{text} has shapes {came}, documented are {expected}")
        if finite(leaves(arguments)) and not finite(leaves(result)):
            self.ledger.note((method, "finite"), f"{text} is not finite")

    def unchanged(self, obj: Any, primed: bool, method: str, arguments: dict[str, Any]) -> None:
        try:
            same = equal(answers(obj, self.record, primed), self.answers[primed])
        except Exception as error:
            kind, came = "spoiled", f"{type(error).__name__} {error}"
        else:
            kind, came = "changed", "results differ from those without the first call"
            if same:
                return
        self.ledger.note((method, kind), f"{self.name}.{method}({described(arguments)}), then valid calls: {came}")

    def method(self, method: str, specs: dict[str, str]) -> None:
        """Call another method; predict, like forward, must leave the object as it was where it is refused."""
        primed = bool(self.rng.random() < 0.7)
        obj = fresh(self.record, self.options, primed)
        arguments = malformed(valid(specs), self.rng)
        if method != "predict" and self.rng.random() < 0.1:
            obj.params[self.rng.integers(len(obj.params))][...] = np.nan
        done, result = self.ledger.call(getattr(obj, method), arguments, f"{self.name}.{method}")
        if done and method == "predict":
            self.fits(method, specs, "N T V", arguments, result)
        elif done:
            self.sequences(method, arguments, result)
        elif method == "predict":
            self.unchanged(obj, primed, method, arguments)

    def sequences(self, method: str, arguments: dict[str, Any], result: Any) -> None:
        """Generated ids: as many as asked for, none outside the vocabulary."""
        wanted, rows = arguments["sample_size"], result if method == "generate_batch" else [result]
        right = isinstance(wanted, int | np.integer) and wanted >= 0
        if self.name.endswith("Gen"):  # the start is part of the result, as it came
            wanted, rows = wanted - 1 if right and wanted else 0, [row[1:] for row in rows]
        short = arguments.get("stop_id") is not None
        right = right and all(len(row) == wanted or (short and len(row) < wanted) for row in rows)
        if method == "generate_batch":
            right = right and len(rows) == len(arguments["xs"])
        if not right or not all(0 <= i < SIZES["V"] for row in rows for i in row):
            self.ledger.note(method, f"{self.name}.{method}({described(arguments)}) gave {str(result)[:80]}")

    def state(self) -> None:
        """A state that is wrong: refused by set_state or by the next forward; reset_state() mends it."""
        obj = fresh(self.record, self.options, True)
        names = list(inspect.signature(obj.set_state).parameters)
        held = [obj.get_state()] if hasattr(obj, "get_state") else [getattr(obj, name) for name in names]
        arguments = malformed(dict(zip(names, held, strict=True)), self.rng)
        done, _ = self.ledger.call(obj.set_state, arguments, f"{self.name}.set_state")
        if done:
            spoiled = {f"{k} of set_state": v for k, v in arguments.items()}
            self.ledger.call(lambda **_: obj.forward(**valid(self.record.forward)), spoiled, f"{self.name}.forward")
        obj.reset_state()
        self.unchanged(obj, False, "set_state", arguments)
