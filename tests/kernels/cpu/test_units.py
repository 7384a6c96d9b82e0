"""Recurrent layers with large weights: every way, by units or inputs at once, gives the bits of the usual one."""

from typing import Any

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.calling import everything, host
from fasts2s_kernels.cases import functions
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.drawing import values
from fasts2s_kernels.ops.lstm.cpu_loops import BY_UNITS
from fasts2s_kernels.ops.recurrent import cpu as recurrent

KERNELS = load("numba")
NAMES = ("lstm_backward", "lstm_ids_backward", "rnn_backward", "gru_backward")
#: Units of part of a vector, of several panels and a bit; rows from two to more than a block.
SIZES = (
    {"N": 2, "T": 1, "D": 3, "H": 2, "V": 4},
    {"N": 5, "T": 4, "D": LANES + 3, "H": 5 * LANES + 2, "V": 7},
    {"N": 27, "T": 3, "D": 2, "H": 9 * LANES, "V": 5},
    {"N": 63, "T": 2, "D": 1, "H": 4 * LANES + 1, "V": 3},
)


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_ways_of_large_weights_give_the_same_bits(name: str, workers: int, monkeypatch: Any) -> None:
    function, launched = functions()[name], []
    monkeypatch.setattr(threads, "workers_for", lambda work: workers)
    chosen = recurrent._parts
    monkeypatch.setattr(recurrent, "_parts", lambda *given: launched.append(chosen(*given)) or launched[-1])
    for k, sizes in enumerate(SIZES):
        for given in (set(function.inputs), {"dhs", "h0"}):
            drawn = values(function, np.random.default_rng(k), sizes, given=given, dtype=np.float32)
            found = []
            for large, vast in ((2**62, 2**62), (0, 2**62), (2**62, 0), (0, 0)):
                monkeypatch.setattr(recurrent, "LARGE", large)
                monkeypatch.setattr(recurrent, "VAST", vast)
                found.append(host(KERNELS, everything(KERNELS, function, drawn)))
            for other in found[1:]:
                assert found[0].keys() == other.keys()
                for key, a in found[0].items():
                    assert np.array_equal(a, other[key], equal_nan=True), (key, sizes)
    assert any(launched) == (not name.startswith("gru"))  # whose candidate waits for all units
    assert 0 in launched


def test_small_weights_and_many_rows_are_divided_by_rows() -> None:
    few, large = 20, recurrent.LARGE
    parts: Any = recurrent._parts
    assert parts(BY_UNITS, few, large, 2, 100) == 4
    assert parts(BY_UNITS, few, large - 1, 2, 100) == 0
    assert parts(BY_UNITS, recurrent.MANY_ROWS * 2, large, 2, 100) == 0
    assert parts(BY_UNITS, 1, large, 2, 100) == 0
    assert parts(BY_UNITS, few, large, 1, 100) == 0
    assert parts(BY_UNITS, few, large, 8, 3) == 3
    assert parts(None, few, large, 2, 100) == 0
