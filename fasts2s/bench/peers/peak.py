"""The peak of the machine as a peer: as many multiply-adds as a case has, and nothing else.

Where the time of a case is t and that of the peak p, the case reached the share p / t of it. It also measures what
else bounds a case: how fast the cores read.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.bench.cases import Case
from fasts2s.bench.limits import Limits
from fasts2s.bench.peer import Arrays, Option, Peer, Runnable, UnsupportedError, each
from fasts2s.bench.peers.gpu import is_stand_in

TURNS = 2_000_000
#: Bytes that are read, from what fits the first caches to what fits none; and about how many are read in all.
READ = tuple(2**k for k in range(16, 29, 2))
_MOST_READ = 2**28


class Peak(Peer):
    """Multiply-adds on a number of threads."""

    def __init__(self, threads: int, *words: str) -> None:
        super().__init__(threads, *words)
        loop = import_module("fasts2s_kernels.cpu.peak")
        self.spin, self.read = loop.spin, loop.read
        self.least: int = loop.FLOATS_PER_TURN
        self.flops: int = loop.FLOPS_PER_TURN * TURNS * threads
        self.pool = ThreadPoolExecutor(threads)

    def once(self) -> None:
        """Do the work of ``flops`` operations: the loop on every thread."""
        list(self.pool.map(self.spin, [TURNS] * self.threads))

    def measure(self) -> float:
        """Return GFLOP/s, the best of three runs of about 0.1 s in all."""
        return 1e-9 * self.flops / _best(self.once)

    @cached_property
    def memory(self) -> Any:
        """As many floats as are read at most, from a line of the cache on."""
        made = np.ones(READ[-1] // 4 + 16, dtype=np.float32)
        return made[-made.ctypes.data // 4 % 16 :]

    def reading(self, size: int) -> float:
        """Return the GB/s with which ``size`` bytes are read again and again, each core its part."""
        count = size // 4 // self.threads // self.least * self.least
        places = [self.memory.ctypes.data + 4 * count * k for k in range(self.threads)]
        passes = max(1, _MOST_READ // size)
        spent = _best(lambda: list(self.pool.map(lambda place: self.read(place, count, passes), places)))
        return 1e-9 * 4 * count * self.threads * passes / spent

    def limits(self, reads: bool) -> Limits:
        """Return what the cores do now; ``reads``: whether reading counts, which takes half a second."""
        return Limits(self.measure(), {size: self.reading(size) for size in READ} if reads else {})

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Return the work, its time scaled to the operations of the case. Raises UnsupportedError."""
        if case.flops is None or case.clock == "call":
            raise UnsupportedError("the arithmetic of the case is not counted")
        return Runnable(self.once, dict, units=case.flops / self.flops)


def _best(once: Callable[[], Any]) -> float:
    """Return the seconds of the best of three runs, after one to warm up."""
    return min(each(once, 3))


class DevicePeak(Peak):
    """Products of two float32 matrices so large that they show what the GPU can do; the library multiplies."""

    def __init__(self, threads: int, *words: str) -> None:
        self.kernels = get_backend("cupy").kernels()
        size = 64 if is_stand_in() else 8192
        matrix = self.kernels.asarray(np.ones((size, size), dtype=np.float32))
        self.matrix, self.out = matrix, matrix.copy()
        self.flops = 2 * size**3

    def once(self) -> None:
        """Multiply once, and wait."""
        self.kernels.xp.matmul(self.matrix, self.matrix, out=self.out)
        self.kernels.xp.cuda.get_current_stream().synchronize()
