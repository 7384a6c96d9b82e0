"""Attention of one decoder step, where nothing is kept: encoder steps are read where they are."""

import numpy as np

from fasts2s_kernels.cpu.gemm import ceil_div, clear, load_first, row_product
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Bools, Floats, Int
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import fma, lane_sum, splat
from fasts2s_kernels.ops.attention.cpu_loops import LOWEST, softmax

_ZERO = np.float32(0)


@inline
def _next_run(mask, s, S):
    """Return where the next steps from s on that are no padding begin and end; both are S where there are none."""
    begin = s
    while begin < S and mask and not mask[begin]:
        begin += 1
    end = begin
    while end < S and (not mask or mask[end]):
        end += 1
    return begin, end


@inline
def _dot(x, y, H):
    total = splat(_ZERO)
    for k in range(0, H, LANES):
        total = fma(load_first(x + k, H - k), load_first(y + k, H - k), total)
    return lane_sum(total)


@kernel
def attend(
    context: Floats, query: Floats, enc: Floats, enc_s: Int, mask: Bools, S: Int, H: Int, weights: Floats
) -> None:
    """Write the context of one query, H in whole vectors; steps of padding are not read.

    enc : S rows of H numbers, enc_s apart; mask : S bools or nothing; weights : room for S in whole vectors.
    """
    SP = ceil_div(S, LANES) * LANES
    for s in range(SP):
        weights[s] = LOWEST
    begin, end = _next_run(mask, 0, S)
    while begin < S:
        for s in range(begin, end):
            weights[s] = _dot(query, enc + enc_s * s, H)
        begin, end = _next_run(mask, end, S)
    softmax(weights, SP)
    clear(context, ceil_div(H, LANES))
    begin, end = _next_run(mask, 0, S)
    while begin < S:
        row_product(context, weights + begin, enc + enc_s * begin, enc_s, H, end - begin)
        begin, end = _next_run(mask, end, S)
