"""Errors of the vector exp, sigmoid and tanh over the bit patterns of float32: ``accuracy.py [--stride 257]``.

Stride 1 is every float32 there is and takes some minutes. Errors are against NumPy in float64; units in the last
place are those of the true result, and results below 2.4e-38 are left out of them: they may be flushed to zero.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from suite.heading import heading

from fasts2s_kernels.cpu.target import LANES
from tests.kernels.cpu.test_math import values

SMALLEST = 2.4e-38
BLOCK = 1 << 20


class Function(NamedTuple):
    """A function, the true one, whether only x <= 0 is allowed, its limits, and its values at -inf and +inf."""

    name: str
    true: Callable[[Any], Any]
    negative: bool
    most_absolute: float
    most_ulp: float
    ends: tuple[float, float]


FUNCTIONS = (
    Function("exp_negative", np.exp, True, 2e-7, 3.0, (0.0, 0.0)),
    Function("sigmoid", lambda x: 1 / (1 + np.exp(-x)), False, 2e-7, 3.0, (0.0, 1.0)),
    Function("tanh", np.tanh, False, 2e-7, 3.0, (-1.0, 1.0)),
)


class Errors(NamedTuple):
    """Largest errors with the x where they are; how many NaN came out wrong."""

    absolute: float
    at_absolute: float
    ulp: float
    at_ulp: float
    wrong_nan: int


def errors_of(function: Function, x: Any) -> Errors:
    """Return the errors over an array of float32."""
    y = values(function.name, x)
    with np.errstate(all="ignore"):
        true = function.true(x.astype(np.float64))
        off = np.where(np.isnan(true), 0.0, np.abs(y - true))
        off[np.isnan(off)] = np.inf  # a NaN where there is a number
        unit = np.spacing(np.abs(true).astype(np.float32)).astype(np.float64)
        ulp = np.where(np.abs(true) >= SMALLEST, off / unit, 0.0)
    k, m = int(off.argmax()), int(ulp.argmax())
    wrong = int((np.isnan(y) != np.isnan(true)).sum())
    return Errors(float(off[k]), float(x[k]), float(ulp[m]), float(x[m]), wrong)


def sweep(function: Function, stride: int) -> Errors:
    """Return the errors over every stride-th bit pattern."""
    parts = []
    for first in range(0, 2**32, BLOCK * stride):
        bits = np.arange(first, min(2**32, first + BLOCK * stride), stride, dtype=np.uint64).astype(np.uint32)
        x = np.resize(bits, -(-bits.size // LANES) * LANES).view(np.float32)  # the last vector wraps around
        parts.append(errors_of(function, -np.abs(x) if function.negative else x))
    worst, worst_ulp = max(parts), max(parts, key=lambda e: e.ulp)
    nans = sum(e.wrong_nan for e in parts)
    return Errors(worst.absolute, worst.at_absolute, worst_ulp.ulp, worst_ulp.at_ulp, nans)


def at_infinity(function: Function) -> tuple[float, float]:
    """Return f(-inf) and f(inf); where only x <= 0 is allowed, the first twice."""
    x = np.full(LANES, -np.inf, np.float32)
    if not function.negative:
        x[1::2] = np.inf
    y = values(function.name, x)
    return float(y[0]), float(y[1])


def main() -> int:
    """Print one line per function; return 1 if a limit is passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stride", type=int, default=257, help="step between bit patterns (%(default)s)")
    args = parser.parse_args()
    heading(f"Errors of the vector functions, every {args.stride}th bit pattern", "1", {})
    line = "{:<14}{:>11}{:>14}{:>9}{:>14}{:>11}{:>14}  {}"
    print(line.format("function", "absolute", "at", "ulp", "at", "wrong NaN", "at -inf, inf", ""))
    failed = False
    for function in FUNCTIONS:
        found, ends = sweep(function, args.stride), at_infinity(function)
        good = found.absolute <= function.most_absolute and found.ulp <= function.most_ulp
        good = good and found.wrong_nan == 0 and ends == function.ends
        failed |= not good
        numbers = (f"{found.absolute:.2e}", f"{found.at_absolute:.6g}", f"{found.ulp:.2f}", f"{found.at_ulp:.6g}")
        print(
            line.format(
                function.name, *numbers, found.wrong_nan, f"{ends[0]:g}, {ends[1]:g}", "" if good else "FAILED"
            )
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
