"""The peak of the machine as a peer: as many multiply-adds as a case has, and nothing else.

Where the time of a case is t and that of the peak p, the case reached the share p / t of it.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, Option, Peer, Runnable, UnsupportedError
from fasts2s.bench.peers.gpu import is_stand_in

TURNS = 2_000_000


class Peak(Peer):
    """Multiply-adds on a number of threads."""

    def __init__(self, threads: int, *words: str) -> None:
        super().__init__(threads, *words)
        loop = import_module("fasts2s_kernels.cpu.peak")
        self.spin = loop.spin
        self.flops: int = loop.FLOPS_PER_TURN * TURNS * threads
        self.pool = ThreadPoolExecutor(threads)

    def once(self) -> None:
        """Do the work of ``flops`` operations: the loop on every thread."""
        list(self.pool.map(self.spin, [TURNS] * self.threads))

    def measure(self) -> float:
        """Return GFLOP/s, the best of three runs of about 0.1 s in all."""
        self.once()
        best: float = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            self.once()
            best = min(best, time.perf_counter() - started)
        return 1e-9 * self.flops / best

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Return the work, its time scaled to the operations of the case. Raises UnsupportedError."""
        if case.flops is None or case.clock == "call":
            raise UnsupportedError("the arithmetic of the case is not counted")
        return Runnable(self.once, dict, units=case.flops / self.flops)


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
