"""What a row could do at best, by arithmetic, memory and Python; and which of them it is near."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fasts2s.bench.report.units import number


class Limits(NamedTuple):
    """What the cores did together in some seconds of a run.

    gflops: GFLOP/s of multiply-adds in registers. reads: bytes -> GB/s with which so many are read again and again,
    wherever they lie then: in a cache or in memory. None were measured where nothing is known of bytes.
    """

    gflops: float
    reads: Mapping[int, float]


def middle(measured: Sequence[Limits]) -> Limits | None:
    """Return the medians of what was measured several times; None for nothing."""
    if not measured:
        return None
    reads = {size: float(np.median([one.reads[size] for one in measured])) for size in measured[0].reads}
    return Limits(float(np.median([one.gflops for one in measured])), reads)


def told(measured: Sequence[Limits]) -> dict[str, str]:
    """Return what is said of limits beside the machine: peak, reads; as far as they were measured."""
    peak, reads = middle([one._replace(reads={}) for one in measured]), middle([one for one in measured if one.reads])
    found = {} if peak is None else {"peak": f"{number(peak.gflops)} GFLOP/s"}
    if reads is None:
        return found
    ends = min(reads.reads), max(reads.reads)
    return found | {"reads": ", ".join(f"{number(reads.reads[size])} GB/s of {size // 1024} KiB" for size in ends)}


def read_seconds(count: int, reads: Mapping[int, float]) -> float:
    """Return the seconds that reading ``count`` bytes takes; speed between sizes: a line over their logs."""
    speed = np.interp(np.log(max(count, 1)), np.log([*reads]), [*reads.values()])
    return count / (1e9 * float(speed))


def nearest(least: Mapping[str, float], seconds: float) -> dict[str, Any]:
    """Return bound and bound_share: the name of the longest of some least times, and that time / the measured one.

    Nothing where no least time is known.
    """
    if not least:
        return {}
    name = max(least, key=lambda one: least[one])
    return {"bound": name, "bound_share": least[name] / seconds}
