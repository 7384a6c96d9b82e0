"""Malformed calls of every kernel, optimiser and of clip_grads. The rules: test_malformed_calls.py.

A kernel that refuses has written nothing; one that succeeds writes to its gradient buffers and slots only.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import fasts2s
from fasts2s import optimizers
from fasts2s_kernels import load
from fasts2s_kernels.calling import Call
from fasts2s_kernels.cases import Function, functions
from fasts2s_kernels.contract import Kernels
from fasts2s_kernels.drawing import Values, values
from tests.malformed.ledger import Ledger, described, finite, leaves
from tests.malformed.objects import bind, equal, generator, malformed, shapes
from tests.records import HOST, SIZES

CALLS = 300

FUNCTIONS = functions()
OPTIMIZERS = {n: c for n, c in vars(optimizers).items() if isinstance(c, type) and hasattr(c, "update")}


@cache
def _drawn(name: str, **sizes: int) -> Values:
    function, rng = FUNCTIONS[name], np.random.default_rng(7)
    return values(function, rng, {**SIZES, **sizes}, dtype=np.float32, given=function.inputs, plain=True)


def _copy(a: Any, _: bool) -> Any:
    """A copy; buffers, which are full of NaN, hold numbers: only what is wrong on purpose is to be not finite."""
    return np.full_like(a, 0.5) if a.size and a.dtype.kind == "f" and np.isnan(a).all() else np.array(a)


def cache_for(kernels: Kernels, function: Function, **sizes: int) -> Any:
    """Return what the forward pass of a function hands to it; sizes replace those of SIZES."""
    assert function.forward is not None
    forward = Call(kernels, function.forward, _drawn(function.forward.name, **sizes))
    forward()
    return forward.cache


def arguments(name: str, found: Any = None, **sizes: int) -> dict[str, Any]:
    """Return valid arguments of a function, always the same ones, with this cache; sizes replace those of SIZES."""
    return Call(load("numpy"), FUNCTIONS[name], _drawn(name, **sizes), found or object(), _copy).arguments


def valid(kernels: Kernels, name: str) -> dict[str, Any]:
    """Return valid arguments of a function, with a cache that a backend of the host made."""
    function = FUNCTIONS[name]
    return arguments(name, cache_for(kernels, function) if "cache" in function.arguments else None)


def fuzz_kernel(kernels: Kernels, name: str, calls: int) -> Ledger:
    rng, ledger, kept = generator(name), Ledger(), valid(kernels, name).get("cache")
    for _ in range(calls):
        # A cache is opaque: only that of another call, or none, may come in its place.
        given = arguments(name, kept)
        cache = {"cache": given.pop("cache")} if "cache" in given else {}
        wrong = {**malformed(given, rng), **({"cache": None} if cache and rng.random() < 0.1 else cache)}
        sound = finite(leaves([v for k, v in wrong.items() if k != "cache"]))
        done, result = ledger.call(getattr(kernels, name), wrong, name, FUNCTIONS[name].written)
        if done:
            judge(ledger, name, wrong, result, sound)
    return ledger


#: Kind of an argument -> what the specs of the tests call it.
_KINDS = {"float": "", "double": "", "ids": "ids ", "labels": "ids ", "mask": "mask "}


#: Where sizes follow from numbers: tests/kernels/test_convolution.py looks at their shapes.
SIZED_BY_NUMBERS = ("convolution", "pooling")


def judge(ledger: Ledger, name: str, given: dict[str, Any], result: Any, sound: bool) -> None:
    """Note where arguments that were taken contradict one another, and results that are not as documented."""
    function = FUNCTIONS[name]
    if name.startswith(SIZED_BY_NUMBERS):
        return
    known = {k: _KINDS[a.kind] + a.letters for k, a in function.arguments.items() if a.kind in _KINDS and a.letters}
    lengths = {a.letters: given[k] for k, a in function.arguments.items() if a.kind == "size"}
    sizes, misfits = bind(known, given, {**SIZES} if given.get("cache") is not None else {})
    if misfits:
        ledger.note((name, "misfit"), f"{name}({described(given)}) took {misfits}, which does not fit the rest")
    expected = [shapes(spec, {**SIZES, **sizes, **lengths})[0] for spec in function.results.values()]
    results = (result if isinstance(result, tuple) else (result,))[: len(expected)]
    came = [np.shape(r) for r in results if r is not None]
    if came != expected[: len(came)]:
        ledger.note((name, "shape"), f"{name}({described(given)}): shapes {came}, documented are {expected}")
    if sound and name != "best" and not finite(leaves(list(results))):  # a mask may leave it nothing: the log of 0
        ledger.note((name, "finite"), f"{name}({described(given)}) is not finite")


def fuzz_optimizer(make: Callable[[], Any], calls: int) -> Ledger:
    """Malformed updates, and hyper-parameters, that must not spoil the optimiser for the next valid update."""
    rng, ledger = generator(make.__name__), Ledger()

    def lists() -> dict[str, Any]:
        return {k: v for k, v in arguments("sgd_update").items() if k != "lr"}

    wanted = lists()
    make().update(**wanted)
    while sum(ledger.outcomes.values()) < calls:
        optimizer, given = make(), malformed(lists(), rng)
        names = [k for k, v in vars(optimizer).items() if isinstance(v, float)]
        if rng.random() < 0.3:
            name = str(rng.choice(names))
            kept, spoiled = getattr(optimizer, name), malformed({name: getattr(optimizer, name)}, rng)
            setattr(optimizer, name, spoiled[name])
            update = lambda optimizer=optimizer, **_: optimizer.update(**lists())
            done, _ = ledger.call(update, spoiled, type(optimizer).__name__)
            setattr(optimizer, name, kept)
        else:
            done, _ = ledger.call(optimizer.update, given, type(optimizer).__name__, ("params",))
        if not done:
            then = f"{type(optimizer).__name__}.update({described(given)}), then a valid update"
            after = lists()
            if ledger.call(optimizer.update, after, then, ("params",))[0] and not equal(
                leaves(after["params"]), leaves(wanted["params"])
            ):
                ledger.note("spoiled", f"{then}: differs from the first update of a new optimiser")
    return ledger


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("backend", HOST)
def test_kernel(backend: str, name: str) -> None:
    fuzz_kernel(load(backend), name, CALLS).settle()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("backend", HOST)
def test_optimizer(backend: str, name: str) -> None:
    with fasts2s.use_backend(backend):
        fuzz_optimizer(OPTIMIZERS[name], CALLS).settle()


@pytest.mark.parametrize("backend", HOST)
def test_clip_grads(backend: str) -> None:
    rng, ledger = generator("clip_grads"), Ledger()
    with fasts2s.use_backend(backend):
        for _ in range(CALLS):
            given = malformed(arguments("clip_grads"), rng)
            ledger.call(optimizers.clip_grads, given, "clip_grads", ("grads",))
    ledger.settle()


WITH_CACHE = [name for name, function in FUNCTIONS.items() if "cache" in function.arguments]


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize("name", WITH_CACHE)
def test_a_cache_of_other_sizes(name: str, backend: str) -> None:
    kernels, function = load(backend), FUNCTIONS[name]
    shown = "".join(a.letters for a in function.arguments.values() if a.kind == "float")
    for letter in set(function.letters) & set(shown):
        given = arguments(name, cache_for(kernels, function, **{letter: SIZES[letter] + 1}))
        with pytest.raises(ValueError, match="expected"):
            getattr(kernels, name)(**given)


WITH_BIAS = [name for name in WITH_CACHE if "db" in FUNCTIONS[name].arguments]


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize("name", WITH_BIAS)
def test_a_bias_buffer_without_a_bias_and_a_bias_without_a_buffer(name: str, backend: str) -> None:
    kernels, function = load(backend), FUNCTIONS[name]
    backward = valid(kernels, name)
    with pytest.raises(ValueError, match=r"db is .*, expected"):
        getattr(kernels, name)(**{**backward, "db": None})
    assert function.forward is not None
    forward = Call(kernels, function.forward, {k: v for k, v in _drawn(function.forward.name).items() if k != "b"})
    forward()
    kept = backward["db"].copy()
    with pytest.raises(ValueError, match=r"db is .*, expected"):
        getattr(kernels, name)(**{**backward, "cache": forward.cache})
    assert np.array_equal(backward["db"], kept)
