"""On a GPU: time between CUDA events and at the wall, the design of an LSTM, launches of a step.

For all contestants, PyTorch's too, CuPy's default stream is the one that is timed: it is that of the whole process.
"""

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Runnable, UnsupportedError, each, require_finite
from fasts2s_kernels.gpu import dispatch

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
#: The choice of the dispatch as it is, before anything below replaces it.
_PLANS: dict[str, Callable[..., Any]] = {"rows": dispatch.rows, "slices": dispatch.slices}


def is_stand_in() -> bool:
    """Return whether CuPy is the one of the tests, which has no events and no speed."""
    return hasattr(importlib.import_module("cupy"), "stand_in")


class Clock:
    """Times calls that start everything and wait for nothing; where there are no CUDA events, all by the wall.

    Attributes
    ----------
    late : bool
        Whether the host was found too slow to keep the device busy, so that its gaps are in the time of the device.
    """

    def __init__(self, kind: str) -> None:
        self._cupy: Any = importlib.import_module("cupy")
        self._times = {"": self._each, "call": self._calls, "device": self._calls if is_stand_in() else self._device}[
            kind
        ]
        self._hold = self._cupy.RawKernel(_HOLD, "hold") if self._times == self._device else None
        self.late, self._piece, self._ahead = False, _PIECE, 0.002

    def __call__(self, once: Callable[[], Any], count: int) -> list[float]:
        """Return the seconds of each of count calls, or of a call in a block of so many."""
        self._wait()
        return self._times(once, count)

    def _wait(self) -> None:
        self._cupy.cuda.Device().synchronize()

    def _each(self, once: Callable[[], Any], count: int) -> list[float]:
        def waited() -> Any:
            loss = once()
            self._wait()
            return loss

        return each(waited, count)

    def _calls(self, once: Callable[[], Any], count: int) -> list[float]:
        loss = None
        started = time.perf_counter()
        for _ in range(count):
            loss = once()
        self._wait()
        spent = (time.perf_counter() - started) / count
        require_finite(loss)
        return [spent]

    def _device(self, once: Callable[[], Any], count: int) -> list[float]:
        done, spent = 0, 0.0
        while done < count:
            calls, seconds = self._behind_a_hold(once, count - done)
            done, spent = done + calls, spent + seconds
        return [spent / count]

    def _behind_a_hold(self, once: Callable[[], Any], most: int) -> tuple[int, float]:
        """Time some calls that were all started while a hold was running; longer holds, or fewer calls, until so.

        Whose host was found too slow is not tried again.
        """
        calls, spent, cuda = 0, 0.0, self._cupy.cuda
        for attempt in range(1 if self.late else _TRIES):
            calls = min(self._piece, most)
            start, stop = cuda.Event(), cuda.Event()
            assert self._hold is not None
            self._hold((1,), (1,), (np.int64(1e9 * self._ahead),))
            start.record()
            for _ in range(calls):
                once()
            too_late = start.done
            stop.record()
            stop.synchronize()
            spent = cuda.get_elapsed_time(start, stop) / 1e3
            if not too_late:
                return calls, spent
            # In turn: a longer hold does not help where the queue of launches is full before the last is started.
            if attempt % 2:
                self._piece = max(_FEWEST, self._piece // 2)
            else:
                self._ahead = min(2 * self._ahead, _LONGEST)
        self.late = True
        return calls, spent


def use_design(made: Runnable, case: Case, design: str = "") -> None:
    """Let LSTMs of this process be computed by one design, or by the one that is chosen for a size; say which.

    Raises UnsupportedError for a design that does not run at this size, or is the one that is chosen.
    """
    device = importlib.import_module("fasts2s_kernels.gpu.device").device()
    N, H = case["N"], case["H"]
    slices = _PLANS["slices"](N, H, device) is not None
    rows = (_PLANS["rows"](N, H, device, kernel) for kernel in ("forward", "backward"))
    chosen = ["rows" if row else "slices" if slices else "steps" for row in rows]
    if design in chosen or (design == "slices" and not slices):
        raise UnsupportedError(f"the design {design} is chosen anyway, or does not run")
    for name, plan in _PLANS.items():
        setattr(dispatch, name, plan if design in {"", name} else _never)
    made.info = {"design": design or "/".join(dict.fromkeys(chosen))}


def _never(*_: Any) -> None:
    return None


def launches(once: Callable[[], Any]) -> int | None:
    """Return how many kernels a call starts, as the profiler of PyTorch sees them; None where it sees none."""
    try:
        torch: Any = importlib.import_module("torch")
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
            once()
            torch.cuda.synchronize()
        device = torch.autograd.DeviceType.CUDA
        found = [e for e in seen.events() if e.device_type == device and not getattr(e, "is_user_annotation", False)]
    except Exception:  # it needs PyTorch for this GPU, and rights that a container may lack
        return None
    return sum(not e.name.startswith(("Memcpy", "Memset", "Optimizer.")) for e in found) or None
