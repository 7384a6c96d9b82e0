"""The peak of the machine as a peer: as many multiply-adds as a case has, and nothing else."""

import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, Option, Runnable, UnsupportedError, nothing

TURNS = 2_000_000


class _MultiplyAdds:
    """As a peer, it does as many operations as a case has, by repeating one piece of work of known size."""

    flops: int

    def once(self) -> None:
        """Do the work of ``flops`` operations."""
        raise NotImplementedError

    def versions(self) -> dict[str, str]:
        """Return nothing: it is part of the suite, and the backends say what they run on."""
        return {}

    def options(self, case: Case) -> list[Option]:
        """Return the one way in which it runs."""
        return [{}]

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Return the work, its time scaled to the operations of the case. Raises UnsupportedError."""
        if case.flops is None:
            raise UnsupportedError("the arithmetic of the case is not counted")
        return Runnable(self.once, dict, nothing, units=case.flops / self.flops)


class Peak(_MultiplyAdds):
    """Multiply-adds on a number of threads; as a peer, it does as many as a case has.

    Where the time of a case is t and that of the peak p, the case reached the share p / t of it.
    """

    def __init__(self, threads: int) -> None:
        loop = import_module("fasts2s_kernels.cpu.peak")
        self.threads, self.spin = threads, loop.spin
        self.flops = loop.FLOPS_PER_TURN * TURNS * threads
        self.pool = ThreadPoolExecutor(threads)

    def once(self) -> None:
        """Run the loop on every thread."""
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


class DevicePeak(_MultiplyAdds):
    """Products of two float32 matrices so large that they show what the GPU can do; the library multiplies."""

    def __init__(self, size: int = 8192) -> None:
        self.kernels = get_backend("cupy").kernels()
        matrix = self.kernels.asarray(np.ones((size, size), dtype=np.float32))
        self.matrix, self.out = matrix, matrix.copy()
        self.flops = 2 * size**3

    def once(self) -> None:
        """Multiply once, and wait."""
        self.kernels.xp.matmul(self.matrix, self.matrix, out=self.out)
        self.kernels.xp.cuda.get_current_stream().synchronize()
