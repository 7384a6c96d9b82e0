"""Timing contestants in turn: A B A B in every round, on the device and at the wall clock."""

import importlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpu.machine import is_stand_in, one_line

#: Calls that are started behind one hold, at first and at least; the longest hold; how often both are adapted.
_PIECE, _FEWEST, _LONGEST, _TRIES = 25, 5, 0.05, 10
# A kernel that keeps the stream busy, so that what is started meanwhile runs without the host's gaps.
_HOLD = """
extern "C" __global__ void hold(long long ns) {
    unsigned long long start, now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
    do { asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now)); } while (now - start < (unsigned long long)ns);
}
"""


@dataclass(frozen=True)
class Plan:
    """Seconds of warming up, rounds that count, calls of a kernel in a block, seconds of a block of steps."""

    warm: float = 1.0
    rounds: int = 20
    calls: int = 100
    block: float = 0.05

    def __str__(self) -> str:
        return f"{self.rounds} rounds after {self.warm} s of warming up; in each every contestant twice, A B A B"


DRY = Plan(0.0, 2, 1, 0.0)


@dataclass(eq=False)
class Contestant:
    """One way of computing a case.

    Attributes
    ----------
    label : str
        What is printed. The first contestant of a case is ours, by whose time others are divided.
    call : callable
        Starts everything and waits for nothing. A loss that it returns is looked at after each block.
    before : callable
        Before a block, not timed.
    note : str
        What is printed behind the line.
    device, wall : list of float
        Seconds of a call in each round; device stays empty where it is not asked for.
    late : bool
        Whether the host was found too slow to keep the device busy, so that its gaps are in ``device``.
    """

    label: str
    call: Callable[[], Any]
    before: Callable[[], None]
    note: str = ""
    errors: dict[str, float] = field(default_factory=dict)
    device: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    late: bool = False
    launches: int | None = None
    count: int = 1
    piece: int = _PIECE
    hold: float = 0.002


class Clock:
    """Times blocks of calls. Where there are no CUDA events, everything is wall time."""

    def __init__(self) -> None:
        self._cupy: Any = importlib.import_module("cupy")
        self.has_events = not is_stand_in()
        if self.has_events:
            self._hold = self._cupy.RawKernel(_HOLD, "hold")

    def wait(self) -> None:
        """Wait until the device has done everything."""
        self._cupy.cuda.Device().synchronize()

    def wall(self, call: Callable[[], Any], count: int) -> float:
        """Return the seconds of a call. Raises FloatingPointError if the last one's loss is not finite."""
        self.wait()
        result: Any = None
        started = time.perf_counter()
        for _ in range(count):
            result = call()
        self.wait()
        spent = (time.perf_counter() - started) / count
        if getattr(result, "shape", None) == () and not math.isfinite(float(result)):
            raise FloatingPointError(f"the loss became {float(result)}")
        return spent

    def device(self, one: Contestant, count: int) -> float:
        """Return the seconds of a call between CUDA events, with the device kept busy."""
        if not self.has_events:
            return self.wall(one.call, count)
        done, spent = 0, 0.0
        while done < count:
            calls, seconds = self._piece(one, count - done)
            done, spent = done + calls, spent + seconds
        return spent / count

    def _piece(self, one: Contestant, most: int) -> tuple[int, float]:
        """Time some calls that were all started while a hold was running; longer holds, or fewer calls, until so.

        Whose host was found too slow is not tried again.
        """
        calls, spent = 0, 0.0
        for attempt in range(1 if one.late else _TRIES):
            calls = min(one.piece, most)
            start, stop = self._cupy.cuda.Event(), self._cupy.cuda.Event()
            self._hold((1,), (1,), (np.int64(1e9 * one.hold),))
            start.record()
            for _ in range(calls):
                one.call()
            too_late = start.done
            stop.record()
            stop.synchronize()
            spent = self._cupy.cuda.get_elapsed_time(start, stop) / 1e3
            if not too_late:
                return calls, spent
            # In turn: a longer hold does not help where the queue of launches is full before the last is started.
            if attempt % 2:
                one.piece = max(_FEWEST, one.piece // 2)
            else:
                one.hold = min(2 * one.hold, _LONGEST)
        one.late = True
        return calls, spent


def take_turns(contestants: list[Contestant], clock: Clock, plan: Plan, kernels: bool) -> list[str]:
    """Time all; return complaints about those who failed, who are taken out.

    ``kernels``: calls are timed on the device as well, ``plan.calls`` to a block; else blocks last ``plan.block``.
    """
    complaints: list[str] = []

    def attempt(one: Contestant, what: Callable[[], None]) -> None:
        try:
            one.before()
            what()
        except Exception as error:  # whatever a contestant raises: the others go on
            complaints.append(f"{one.label}: {type(error).__name__}: {one_line(error)[:300]}")
            contestants.remove(one)

    _warm_up(contestants, clock, plan, kernels, attempt)
    for _ in range(plan.rounds):
        for one in list(contestants) * 2:
            if one in contestants:
                attempt(one, lambda one=one: _block(one, clock, kernels))
    for one in contestants:
        one.device, one.wall = _pairs(one.device), _pairs(one.wall)
    return complaints


def _warm_up(contestants: list[Contestant], clock: Clock, plan: Plan, kernels: bool, attempt: Any) -> None:
    """Run everything in turn until the clocks are up, and choose how many calls make a block."""
    end = time.perf_counter() + plan.warm
    first = True
    while first or time.perf_counter() < end:
        first = False
        for one in list(contestants):
            attempt(one, lambda one=one: _count(one, clock, plan, kernels))


def _count(one: Contestant, clock: Clock, plan: Plan, kernels: bool) -> None:
    clock.wall(one.call, 1)
    seconds = clock.wall(one.call, 1)
    one.count = plan.calls if kernels else int(np.clip(round(plan.block / seconds), 1, 500))
    if kernels:
        clock.device(one, min(plan.calls, _PIECE))


def _block(one: Contestant, clock: Clock, kernels: bool) -> None:
    if kernels:
        one.device.append(clock.device(one, one.count))
    one.wall.append(clock.wall(one.call, one.count))


def _pairs(values: list[float]) -> list[float]:
    """Return the mean of every two: a round has each contestant twice."""
    return [float(np.mean(values[k : k + 2])) for k in range(0, len(values), 2)]


def spread(values: list[float]) -> dict[str, float]:
    """Return median, minimum and quartiles."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {"median": float(middle), "minimum": min(values), "low": float(low), "high": float(high)}


def ratio(a: list[float], b: list[float]) -> dict[str, float]:
    """Return :func:`spread` of a / b, round by round."""
    return spread([x / y for x, y in zip(a, b, strict=True)])
