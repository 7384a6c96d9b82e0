"""The peak of fused multiply-adds: a loop that touches registers only. ``python benchmarks/peak.py [THREADS]``.

What is printed is what this machine can do at this moment, on that many threads; a share of peak is taken of it.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llvmlite import ir
from numba import jit
from suite.cases import Case
from suite.peer import Arrays, Option, Runnable, UnsupportedError, nothing
from suite.report import heading

from fasts2s_kernels.numba_cpu._numba import intrinsic, types
from fasts2s_kernels.numba_cpu._simd import fused
from fasts2s_kernels.numba_cpu._target import LANES, TARGET
from fasts2s_kernels.numba_cpu._threads import available_cores

#: Independent sums: as many as the widest register tile has (24 with 32 registers), more than the latency needs.
ACCUMULATORS = 4 * TARGET.tile_rows[3]
TURNS = 2_000_000

_VECTOR, _INT = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)


def _constant(x: float) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(ir.FloatType(), x)] * LANES)


@intrinsic
def _multiply_add(typing_context, turns):
    """Update every accumulator ``turns`` times, then return a number that depends on all of them."""

    def generate(context, builder, signature, args):
        before, factor = builder.block, _constant(0.5)
        loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        turn = builder.phi(_INT)
        sums = [builder.phi(_VECTOR) for _ in range(ACCUMULATORS)]
        updated = [fused(builder, a, factor, factor) for a in sums]
        following = builder.add(turn, ir.Constant(_INT, 1))
        turn.add_incoming(ir.Constant(_INT, 0), before)
        turn.add_incoming(following, loop)
        for k, (a, new) in enumerate(zip(sums, updated, strict=True)):
            a.add_incoming(_constant(float(k)), before)
            a.add_incoming(new, loop)
        builder.cbranch(builder.icmp_signed("<", following, args[0]), loop, after)
        builder.position_at_end(after)
        total = updated[0]
        for a in updated[1:]:
            total = builder.fadd(total, a)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(types.int64), generate


@jit("float32(int64)", nopython=True, nogil=True)
def _loop(turns):
    return _multiply_add(turns)


class Peak:
    """Multiply-adds on a number of threads; as a peer, it does as many as a case has."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.flops = 2 * LANES * ACCUMULATORS * TURNS * threads
        self.pool = ThreadPoolExecutor(threads)

    def once(self) -> None:
        """Run the loop on every thread."""
        list(self.pool.map(_loop, [TURNS] * self.threads))

    def measure(self) -> float:
        """Return GFLOP/s, the best of three runs of about 0.1 s in all."""
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            self.once()
            best = min(best, time.perf_counter() - started)
        return 1e-9 * self.flops / best

    def versions(self) -> dict[str, str]:
        """Return nothing: the loop is part of the suite."""
        return {}

    def options(self, case: Case) -> list[Option]:
        """Return one way: all threads."""
        return [{}]

    def build(self, case: Case, data: Arrays, variant: str, option: Option) -> Runnable:
        """Return the loop, its time scaled to the operations of the case. Raises UnsupportedError."""
        if case.flops is None:
            raise UnsupportedError("the arithmetic of the case is not counted")
        return Runnable(self.once, dict, nothing, units=case.flops / self.flops)


def main() -> int:
    """Print the peak on one thread and on the given number (default: all cores), five times in turn."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else available_cores()
    heading("Peak of fused multiply-adds", f"1 and {threads}", {})
    print(f"{TARGET.name}, {LANES} float32 in a vector, {ACCUMULATORS} accumulators")
    peaks = [Peak(n) for n in sorted({1, threads})]
    for _ in range(5):
        print("   ".join(f"{p.threads} threads {p.measure():7.1f} GFLOP/s" for p in peaks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
