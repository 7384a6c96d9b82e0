"""Malformed calls of the kernels, in guarded memory: for many_times.py, which makes many."""

import contextlib
from typing import Any

import numpy as np

from fasts2s_kernels.cases import functions
from tests import test_malformed_kernels
from tests.kernels.cpu.guarded import PLACES, Place, arrays_at
from tests.kernels.cpu.training import kernels

KERNELS = tuple(functions())


def fuzz(name: str, calls: int, place: str) -> dict[str, Any]:
    """Make malformed calls of a kernel, with guarded arrays if a place is given; return how they ended."""
    plain, generator = test_malformed_kernels.malformed, test_malformed_kernels.generator
    test_malformed_kernels.generator = lambda *names: generator(*names, place)
    if place:
        test_malformed_kernels.malformed = lambda given, rng: _moved(plain(given, rng), PLACES[place])
    with arrays_at(PLACES[place]) if place else contextlib.nullcontext():
        ledger = test_malformed_kernels.fuzz_kernel(kernels(), name, calls)
    return {"outcomes": ledger.outcomes, "faults": list(ledger.faults.values())}


def _moved(value: Any, place: Place) -> Any:
    """Return arguments with their plain arrays in guarded memory; what is read-only cannot be written to there."""
    if isinstance(value, dict):
        return {key: v if key == "cache" else _moved(v, place) for key, v in value.items()}
    if type(value) is list:
        return [_moved(v, place) for v in value]
    if type(value) is not np.ndarray or value.dtype.kind not in "fiub" or not value.ndim:
        return value
    flags = value.flags
    return place.put(value, written=flags.writeable) if flags.c_contiguous and flags.aligned else value
