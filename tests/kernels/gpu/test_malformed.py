"""Malformed calls of every kernel with arrays on the device: ValueError or IndexError that names what is wrong."""

from typing import Any

import numpy as np
import pytest

from fasts2s_kernels import load
from tests.malformed.ledger import Ledger, finite, leaves
from tests.malformed.objects import generator, malformed
from tests.test_malformed_kernels import FUNCTIONS, arguments, cache_for, judge

CALLS = 120


def _moved(kernels: Any, value: Any, rng: np.random.Generator) -> Any:
    """Put arrays on the device, integers and masks now and then; what no device has stays where it is."""
    if isinstance(value, list):
        return [_moved(kernels, v, rng) for v in value]
    if type(value) is not np.ndarray or value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
        return value
    return value if value.dtype.kind != "f" and rng.random() < 0.5 else kernels.asarray(value.copy())


def _host(kernels: Any, value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_host(kernels, v) for v in value)
    return kernels.to_numpy(value) if type(value).__module__.startswith("cupy") else value


def _call(kernels: Any, name: str, moved: dict[str, Any], given: dict[str, Any]) -> Any:
    """Call a kernel; its inputs must be as they were. Caches go as they are."""
    result = getattr(kernels, name)(**moved)
    for key in set(given) - FUNCTIONS[name].written - {"cache"}:
        before, after = leaves(given[key]), leaves(_host(kernels, moved[key]))
        for a, b in zip(before, after, strict=True):
            if isinstance(a, np.ndarray) and a.dtype.kind in "fiub":
                assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), f"{key} was written to"
    return (
        tuple(_host(kernels, part) for part in result[:-1])
        if "_forward" in name and isinstance(result, tuple)
        else _host(kernels, result)
    )


def _valid(kernels: Any, name: str) -> dict[str, Any]:
    """Valid arguments on the host, but for a cache, which is one of the device."""
    function = FUNCTIONS[name]
    return arguments(name, cache_for(kernels, function) if "cache" in function.arguments else None)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_malformed_calls(name: str) -> None:
    kernels, rng, ledger = load("cupy"), generator(name, "cupy"), Ledger()
    for _ in range(CALLS):
        given = _valid(kernels, name)
        cache = {"cache": given.pop("cache")} if "cache" in given else {}
        wrong = {**malformed(given, rng), **({"cache": None} if cache and rng.random() < 0.1 else cache)}
        moved = {k: v if k == "cache" else _moved(kernels, v, rng) for k, v in wrong.items()}
        sound = finite(leaves([v for k, v in wrong.items() if k != "cache"]))
        call = lambda moved=moved, **host: _call(kernels, name, moved, host)
        done, result = ledger.call(call, wrong, name, FUNCTIONS[name].written)
        if done:
            judge(ledger, name, wrong, result, sound)
    ledger.settle()
