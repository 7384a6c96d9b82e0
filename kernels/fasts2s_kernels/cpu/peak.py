"""What a core can do at most: one loop multiplies and adds in registers, one only reads. For benchmarks."""

from typing import Any

import numpy as np
from llvmlite import ir

from fasts2s_kernels.cpu.jit import kernel
from fasts2s_kernels.cpu.kinds import INT, SINGLE, Doubles, Floats, Int
from fasts2s_kernels.cpu.primitive import Primitive
from fasts2s_kernels.cpu.target import LANES, TARGET
from fasts2s_kernels.cpu.vector import fused, lane_sum, splat
from fasts2s_kernels.cpu.vector_memory import load

#: Independent sums: as many as the largest register tile has (24 with 32 registers), more than the latency needs.
#: Tiles for SSE2 have 9, but a multiplication, then an addition need 12 (6 cycles, two at a time). 13 ran fastest on
#: Zen 3: 54 GFLOP/s, half of AVX2's 101, beside 44 with 12 and 29 with 9.
ACCUMULATORS = max(13, *(width * rows for width, rows in enumerate(TARGET.tile_rows, start=1)))
#: Floating-point operations of one turn of :func:`peak_turns`.
FLOPS_PER_TURN = 2 * LANES * ACCUMULATORS
#: Floats of one turn of :func:`peak_reads`: with fewer sums it would wait for additions, not for the cache. They come
#: from four places, so that more is fetched ahead: on Zen 3 15 GB/s out of memory, beside 11 from one place.
FLOATS_PER_TURN = 8 * LANES

_VECTOR, _INT = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)


def _constant(x: float) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(ir.FloatType(), x)] * LANES)


@Primitive
def _multiply_add(turns):
    """Update every accumulator ``turns`` times, then return a number that depends on all of them."""
    raise NotImplementedError("there is no plain Python for it")


@_multiply_add.compiled
def _multiply_add_compiled(typing_context, turns):
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

    return SINGLE(INT), generate


@kernel
def peak_turns(turns: Int, result: Floats) -> None:
    """Make a number of turns; the result depends on all of them."""
    result[0] = _multiply_add(turns)


@kernel
def peak_reads(first: Floats, count: Int, passes: Int, result: Doubles) -> None:
    """Sum up count float32 a number of times."""
    a = b = c = d = e = f = g = h = splat(0.0)
    for _ in range(passes):
        p, far = first, count // 4
        for k in range(0, far, 2 * LANES):
            q, r, s, t = p + k, p + (far + k), p + (2 * far + k), p + (3 * far + k)
            a, b, c, d = a + load(q), b + load(r), c + load(s), d + load(t)
            e, f, g, h = e + load(q + LANES), f + load(r + LANES), g + load(s + LANES), h + load(t + LANES)
    result[0] = lane_sum(((a + b) + (c + d)) + ((e + f) + (g + h)))


def spin(turns: int) -> float:
    """Make a number of turns of :data:`FLOPS_PER_TURN` each; return a number that depends on all of them."""
    result = np.zeros(1, np.float32)
    peak_turns.native(turns, result.ctypes.data)
    return float(result[0])


def read(address: int, count: int, passes: int) -> float:
    """Return the sum of count float32, a multiple of FLOATS_PER_TURN, from an address on, times passes."""
    result = np.zeros(1)
    peak_reads.native(address, count, passes, result.ctypes.data)
    return float(result[0])
