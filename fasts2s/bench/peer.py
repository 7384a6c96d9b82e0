"""What a peer is: something that makes runnable things out of cases and data, in a process of its own."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from fasts2s.bench.cases import Case

Arrays = dict[str, Any]
Option = dict[str, Any]
#: Further steps of a model whose losses the gate compares, after the first one.
CURVE = 2


class UnsupportedError(Exception):
    """The peer has nothing for this case, or cannot run here."""


class PeerError(RuntimeError):
    """A peer failed or did not answer; the text says why."""


def timed(once: Callable[[], Any]) -> float:
    """Return the seconds of one repetition. Raises FloatingPointError for a loss that is not finite."""
    started = time.perf_counter()
    loss = once()
    spent = time.perf_counter() - started
    require_finite(loss)
    return spent


def require_finite(loss: Any) -> None:
    """Raise FloatingPointError for a loss, the first of several, that is not finite; only numbers are looked at."""
    loss = loss[0] if isinstance(loss, tuple) else loss
    if (isinstance(loss, float) or getattr(loss, "shape", None) == ()) and not math.isfinite(float(loss)):
        raise FloatingPointError(f"the loss became {float(loss)}")


def each(once: Callable[[], Any], count: int) -> list[float]:
    """Return the seconds of each of count repetitions; before many, one is made to warm up."""
    if count > 1:
        timed(once)
    return [timed(once) for _ in range(count)]


def leave() -> None:
    """Do nothing: what a block of repetitions starts from stays as it is."""


@dataclass
class Runnable:
    """A case made ready by a peer.

    once is one repetition, which is timed; it returns the loss where there is one. results computes everything that
    the gate compares, once, after a reset, before anything else. reset, before a block of repetitions too, gives
    initial weights again.
    units scales the time: repetitions of the whole case in one call of once. clock takes once and a number and
    returns the seconds of a repetition, of each or of all of them. info is what is said beside the time.
    """

    once: Callable[[], Any]
    results: Callable[[], Arrays]
    reset: Callable[[], Any] = leave
    units: float = 1.0
    clock: Callable[[Callable[[], Any], int], list[float]] = each
    info: Option = field(default_factory=dict)


class Peer:
    """A library, or one way of using it. One that cannot run here raises UnsupportedError when it is made.

    threads : the most threads; words : those of its name, such as ``PyTorch compiled``, but the first.
    """

    #: Whether it computes on a GPU, where calls only start what is timed.
    on_gpu = False

    def __init__(self, threads: int, *words: str) -> None:
        self.threads, self.words = threads, words

    def versions(self) -> dict[str, str]:
        """Return name -> version of what runs here."""
        return {}

    def options(self, case: Case) -> list[Option]:
        """Return the settings to be tried, the fastest one is used; or the one way in which it runs."""
        return [{}]

    def use(self, option: Option) -> None:
        """Let what is computed from now on have an option's number of threads."""

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        raise NotImplementedError

    def ready(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Return :meth:`build` with an option in use, timed by the clock that belongs to it."""
        self.use(option)
        made = self.build(case, data, option)
        if self.on_gpu:
            made.clock = import_module("fasts2s.bench.peers.gpu").Clock(case.clock)
        return made


def thread_choices(most: int) -> list[int]:
    """Return the numbers of threads to try: one, half of what there is, all of it."""
    return sorted({1, max(1, most // 2), most})


def weights_of(data: Arrays, prefix: str = "weight") -> list[Any]:
    """Return the arrays with the names prefix_00, prefix_01, ...: the initial weights in the order of ``params``."""
    return [data[name] for name in sorted(data) if name.startswith(f"{prefix}_")]


def numbered(prefix: str, arrays: Any) -> Arrays:
    """Return copies of arrays, on the host, with the names prefix_00, prefix_01, ..."""
    # Not by to_cpu: beside the book's own code on CuPy there are no kernels for it.
    return {f"{prefix}_{k:02d}": np.array(a.get() if hasattr(a, "get") else a) for k, a in enumerate(arrays)}
