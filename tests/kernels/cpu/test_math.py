"""exp, tanh and sigmoid of the kernels over all of float32: bit patterns with a large prime stride, every sign and
exponent among them, and special values. With FASTS2S_TEST_ALL=1 it is all patterns, which takes some minutes.
"""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from fasts2s_kernels.cpu import math, plain
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.record import C1, Out1, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector_memory import load, store

#: 8.5 million patterns: 33,000 of every exponent and sign.
STRIDE = 1 if os.environ.get("FASTS2S_TEST_ALL") == "1" else 509
_CHUNK = 2**20
#: Below, results are subnormal, or so near that the scale 2**n underflows: 0 where the sum of a row begins at 1.
SMALLEST_EXP = 2.4e-38
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45, 1.17549435e-38, -1.17549435e-38, 3.4028235e38]
SPECIAL += [-3.4028235e38, 9.1, -9.1, 17.0, -87.0, -87.3, -87.4, -88.0, -88.1, 88.7, 89.0, 1.0, -1.0]


@record
class Vectors(NamedTuple):
    """Numbers, in whole vectors, and the function of them."""

    size: Int
    x: C1
    out: Out1


@inline
def _fill(a, function):
    for k in range(0, a.size, LANES):
        store(a.out + k, function(load(a.x + k)))


@kernel
def fill_exp(worker: Int, task: Int, a: Vectors) -> None:
    _fill(a, math.exp_negative)


@kernel
def fill_sigmoid(worker: Int, task: Int, a: Vectors) -> None:
    _fill(a, math.sigmoid)


@kernel
def fill_tanh(worker: Int, task: Int, a: Vectors) -> None:
    _fill(a, math.tanh)


LAUNCHES = {
    "exp_negative": Launch(Vectors, fill_exp),
    "sigmoid": Launch(Vectors, fill_sigmoid),
    "tanh": Launch(Vectors, fill_tanh),
}


def values(name: str, x: Any) -> Any:
    """Return the function of an array of any size."""
    padded = np.zeros(-(-x.size // LANES) * LANES, np.float32)
    padded[: x.size] = x
    out = np.zeros_like(padded)
    LAUNCHES[name](1, Vectors(size=padded.size, x=padded, out=out), 1)
    return out[: x.size]


def exact(name: str, x: Any) -> Any:
    """Return it in float64."""
    with np.errstate(all="ignore"):  # signalling NaN among them
        x = x.astype(np.float64)
        if name == "sigmoid":
            return 1 / (1 + np.exp(-x))
        return np.tanh(x) if name == "tanh" else np.exp(x)


def patterns(stride: int) -> Iterator[Any]:
    """Yield float32 arrays that hold every stride-th bit pattern."""
    for first in range(0, 2**32, stride * _CHUNK):
        yield np.arange(first, min(2**32, first + stride * _CHUNK), stride, np.uint64).astype(np.uint32).view("f4")


def worst(name: str, stride: int) -> dict[str, float]:
    """Return the largest absolute error and the largest in ULP; NaN must be NaN, and nothing else may be."""
    largest = {"absolute": 0.0, "ulp": 0.0}
    for x in [np.array(SPECIAL, np.float32), *patterns(stride)]:
        x = np.where(x > 0, -x, x) if name == "exp_negative" else x
        got, wanted = values(name, x), exact(name, x)
        assert np.array_equal(np.isnan(got), np.isnan(x)), f"{name}: NaN appears or is lost"
        normal = np.abs(wanted) >= (SMALLEST_EXP if name == "exp_negative" else 1e-30)
        error = np.abs(got[normal] - wanted[normal])
        with np.errstate(all="ignore"):
            ulp = error / np.spacing(np.abs(wanted[normal]).astype(np.float32))
        rest = ~normal & ~np.isnan(x)
        absolute = max(error.max(initial=0.0), np.abs(got[rest] - wanted[rest]).max(initial=0.0))
        largest = {
            "absolute": max(largest["absolute"], float(absolute)),
            "ulp": max(largest["ulp"], float(ulp.max(initial=0.0))),
        }
    return largest


def test_tanh(record_testsuite_property: Any) -> None:
    found = worst("tanh", STRIDE)
    record_testsuite_property("tanh", str(found))
    assert found["absolute"] <= 3.5e-7


def test_sigmoid(record_testsuite_property: Any) -> None:
    found = worst("sigmoid", STRIDE)
    record_testsuite_property("sigmoid", str(found))
    assert found["absolute"] <= 2e-7


def test_exp(record_testsuite_property: Any) -> None:
    found = worst("exp_negative", STRIDE)
    record_testsuite_property("exp_negative", str(found))
    assert found["ulp"] <= 3


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [("tanh", [np.inf, -np.inf, 3e38, -3e38, 0.0], [1, -1, 1, -1, 0]),
     ("sigmoid", [np.inf, -np.inf, 3e38, -3e38, 0.0, -0.0], [1, 0, 1, 0, 0.5, 0.5]),
     ("exp_negative", [-np.inf, -3e38, 0.0, -0.0], [0, 0, 1, 1])],
)  # fmt: skip
def test_ends_are_exact(name: str, at: list[float], expected: list[float]) -> None:
    assert values(name, np.array(at, np.float32)).tolist() == expected


@pytest.mark.parametrize("name", LAUNCHES)
def test_plain_is_what_is_compiled(name: str) -> None:
    x = np.concatenate([np.array(SPECIAL, np.float32), np.linspace(-90, 90, 200, dtype=np.float32)])
    x = -np.abs(x) if name == "exp_negative" else x
    with plain.kernels():
        found = values(name, x)
    # A fused product is rounded twice in the plain text.
    np.testing.assert_array_max_ulp(found, values(name, x), 2)


def test_tanh_is_odd_but_for_rounding() -> None:
    # u / (u + 2) with u = e**2x - 1 rounds differently on both sides of zero.
    for x in patterns(STRIDE):
        x = x[~np.isnan(x)]
        right, left = values("tanh", x), -values("tanh", -x)
        assert (np.abs(right - left) <= 4 * np.spacing(np.maximum(np.abs(right), np.float32(1e-38)))).all()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "exp_negative"])
def test_rising_within_one_ulp(name: str) -> None:
    fine = np.linspace(-90, 18, 2_000_001).astype(np.float32)
    near_one = np.arange(0x3F000000, 0x3F000000 + 500_000, dtype=np.uint32).view(np.float32)  # every float from 0.5
    for x in (fine, near_one, -near_one[::-1]):
        x = x[x <= 0] if name == "exp_negative" else x
        y = values(name, x)
        assert (y[1:] >= y[:-1] - np.spacing(np.abs(y[:-1]))).all()


def test_every_lane_computes_the_same() -> None:
    x = np.linspace(-20, 20, 1001).astype(np.float32)
    for name in ("sigmoid", "tanh", "exp_negative"):
        x = -np.abs(x) if name == "exp_negative" else x
        for k in range(1, LANES):
            assert np.array_equal(values(name, np.concatenate((x[:k], x)))[k:], values(name, x))
