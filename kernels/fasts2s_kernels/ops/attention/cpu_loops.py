"""Compiled loops of the attention: all decoder steps of one batch row at a time, forward and backward.

The encoder steps of a batch row are copied once, padded with zeros to whole vectors and whole squares of vectors;
steps of padding become zeros there and are not read. Turned round, panel by panel, the copy is the right-hand side of
the scores; as it is, that of the weighted sum. Batch rows are independent of one another, so a task is a group of
them.

Inside: SP and HP are S and H in whole vectors. Rows of the copies are HP + LANES floats apart, for at a power of two
they would compete for few places in the first-level cache.
"""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.arrays import padded
from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, clear, copy_block, copy_row, pack, tiles
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.math import exp_negative
from fasts2s_kernels.cpu.pointer import aligned, nothing, offset
from fasts2s_kernels.cpu.record import C3, Bools2, Out2, Out3, Rows3, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import fma, lane_max, lane_sum, merge_lanes, splat, where_greater
from fasts2s_kernels.cpu.vector_memory import load, load_part, store

_ZERO, _ONE, LOWEST = np.float32(0), np.float32(1), np.float32(-np.inf)
_LARGEST = float(np.finfo(np.float32).max)
#: Vectors that are added in float32 before their sum goes to a float64: bounds the rounding error for any S.
_RUN = 32


@record
class Forward(NamedTuple):
    """What a call works on."""

    N: Int
    S: Int
    T: Int
    H: Int
    group: Int  # batch rows of a task
    enc: Rows3  # (N, S, H)
    enc_n: Int  # its strides, in elements
    enc_s: Int
    dec: Rows3  # (N, T, H)
    dec_n: Int  # its strides
    dec_t: Int
    mask: Bools2  # (N, S) or empty
    context: Out3  # (N, T, H)
    weights: Out3  # (N, T, S)
    kept: Out3  # a copy of weights, for backward
    local: Out2  # (workers, local_size)
    local_size: Int  # see local_floats


@record
class Backward(NamedTuple):
    """What a call works on."""

    N: Int
    S: Int
    T: Int
    H: Int
    group: Int  # batch rows of a task
    enc: Rows3  # (N, S, H)
    enc_n: Int  # its strides, in elements
    enc_s: Int
    dec: Rows3  # (N, T, H)
    dec_n: Int  # its strides
    dec_t: Int
    mask: Bools2  # (N, S) or empty
    weights: C3  # (N, T, S)
    dout: Rows3  # (N, T, H)
    dout_n: Int  # its strides
    dout_t: Int
    denc: Out3  # (N, S, H)
    ddec: Out3  # (N, T, H)
    local: Out2  # (workers, local_size)
    local_size: Int  # see local_floats


def local_floats(S: int, T: int, H: int) -> int:
    """Return how many floats of memory of its own a worker needs, see :func:`_places`."""
    SP, HP = padded(S), padded(H)
    return LANES + (SP + 2 * T) * (HP + LANES) + PANEL * (HP + max(S, T)) + 2 * T * SP


@inline
def _places(local, S, T, H):
    """Divide a worker's memory: encoder steps (SP), decoder steps (2T), a panel (HP), sums, weights (2T, SP).

    All begin at whole vectors: one that lies across two cache lines is slower to turn round.
    """
    SP, HP = ceil_div(S, LANES) * LANES, ceil_div(H, LANES) * LANES
    local = aligned(local, LANES)
    steps = local + SP * (HP + LANES)
    panel = steps + 2 * T * (HP + LANES)
    sums = panel + PANEL * HP
    return local, steps, panel, sums, sums + PANEL * max(S, T)


@inline
def _copy_steps(target, row, source, source_row, steps, room, mask, H):
    """Copy time steps, zeros behind H numbers; room for more than there are, and steps of padding, are zeros."""
    for s in range(room):
        here = target + row * s
        if s >= steps or (mask and not mask[s]):
            clear(here, ceil_div(H, LANES))
            continue
        there, whole = source + source_row * s, H - H % LANES
        for k in range(0, whole, LANES):
            store(here + k, load(there + k))
        if whole < H:
            store(here + whole, load_part(there + whole, H - whole))


@inline
def _against_encoder(C, SP, A, a_row, T, enc, row, H, panel):
    """``C = A enc^T``: C (T, SP), A (T, H)."""
    HP = ceil_div(H, LANES) * LANES
    clear(C, T * (SP // LANES))
    for s in range(0, SP, PANEL):
        columns = min(PANEL, SP - s)
        pack(panel, columns // LANES, enc + row * s, 1, row, HP, columns)
        tiles(columns // LANES, T, C + s, SP, A, a_row, 1, panel, columns, H)


@inline
def _sum_of_steps(C, rows, H, A, a_row, a_k, B, row, K, sums):
    """``C = A B``: C (rows, H) in C order; the rows of B, K time steps, are whole vectors."""
    for k in range(0, H, PANEL):
        columns = min(PANEL, H - k)
        width = ceil_div(columns, LANES)
        whole = columns == width * LANES
        target, step = (C + k, H) if whole else (sums, width * LANES)
        for r in range(rows):
            clear(target + step * r, width)
        tiles(width, rows, target, step, A, a_row, a_k, B + k, row, K)
        if not whole:
            copy_block(C + k, H, sums, rows, width, columns)


@inline
def _hide_padding(scores, S, SP, T, mask):
    """Scores of padding are -infinity, whatever the product with its zeros was."""
    for s in range(SP):
        if s >= S or (mask and not mask[s]):
            for t in range(T):
                scores[SP * t + s] = LOWEST


@inline
def softmax(x, SP):
    """Turn a row of scores into weights. A row of -infinity only has weights 0."""
    best = splat(LOWEST)
    for s in range(0, SP, LANES):
        a = load(x + s)
        best = where_greater(best, a, best, a)
    top = lane_max(best)  # a NaN that is overlooked here comes back with its exponential
    if top == LOWEST:
        top = _ZERO
    total = 0.0
    for first in range(0, SP, _RUN * LANES):
        run = splat(_ZERO)
        for s in range(first, min(SP, first + _RUN * LANES), LANES):
            e = exp_negative(load(x + s) - splat(top))
            store(x + s, e)
            run = run + e
        total += lane_sum(run)
    divisor = splat(_ONE if total == 0.0 else np.float32(total))
    for s in range(0, SP, LANES):
        store(x + s, load(x + s) / divisor)


@inline
def _weighted_mean(a, weights, S):
    """Return the sum of a times weights, in float64 over runs of vectors."""
    total = 0.0
    for first in range(0, S, _RUN * LANES):
        run = splat(_ZERO)
        for s in range(first, min(S, first + _RUN * LANES), LANES):
            # Behind S stands an infinite gradient times zero, which must not count.
            run = fma(merge_lanes(load(a + s), splat(_ZERO), S - s), load(weights + s), run)
        total += lane_sum(run)
    return total


@inline
def _softmax_backward(dweights, weights, S):
    """Replace a row of gradients of weights by those of the scores: weights (dweights - mean).

    Where one weight is nearly 1 its difference from the mean is lost in the rounding of the mean. The mean of the
    differences is that rounding error, so it is subtracted too; not if it is infinite or NaN, as they then are.
    """
    mean = splat(np.float32(_weighted_mean(dweights, weights, S)))
    for s in range(0, S, LANES):
        store(dweights + s, load(dweights + s) - mean)
    error = _weighted_mean(dweights, weights, S)
    correction = splat(np.float32(error) if abs(error) <= _LARGEST else _ZERO)
    for s in range(0, S, LANES):
        here = dweights + s
        store(here, load(weights + s) * (load(here) - correction))


@kernel
def attention_rows(worker: Int, task: Int, a: Forward) -> None:
    """Weights and context of one group of batch rows."""
    S, T, H = a.S, a.T, a.H
    SP, row = ceil_div(S, LANES) * LANES, ceil_div(H, LANES) * LANES + LANES
    steps, _, panel, sums, scores = _places(a.local + a.local_size * worker, S, T, H)
    for n in range(task * a.group, min(a.N, (task + 1) * a.group)):
        mask = offset(a.mask, S * n)
        _copy_steps(steps, row, a.enc + a.enc_n * n, a.enc_s, S, SP, mask, H)
        _against_encoder(scores, SP, a.dec + a.dec_n * n, a.dec_t, T, steps, row, H, panel)
        _hide_padding(scores, S, SP, T, mask)
        for t in range(T):
            softmax(scores + SP * t, SP)
        weights = a.weights + T * S * n
        copy_block(weights, S, scores, T, SP // LANES, S)
        copy_row(a.kept + T * S * n, weights, T * S)
        _sum_of_steps(a.context + T * H * n, T, H, scores, SP, 1, steps, row, S, sums)


@kernel
def attention_rows_backward(worker: Int, task: Int, a: Backward) -> None:
    """Gradients of one group of batch rows.

    denc is one product: weights above dscores, turned round, times dout above dec.
    """
    S, T, H, all_steps = a.S, a.T, a.H, nothing(a.mask)
    SP, row = ceil_div(S, LANES) * LANES, ceil_div(H, LANES) * LANES + LANES
    steps, both, panel, sums, known = _places(a.local + a.local_size * worker, S, T, H)
    dscores = known + SP * T
    for n in range(task * a.group, min(a.N, (task + 1) * a.group)):
        _copy_steps(steps, row, a.enc + a.enc_n * n, a.enc_s, S, SP, offset(a.mask, S * n), H)
        _copy_steps(both, row, a.dout + a.dout_n * n, a.dout_t, T, T, all_steps, H)
        _copy_steps(both + row * T, row, a.dec + a.dec_n * n, a.dec_t, T, T, all_steps, H)
        _copy_steps(known, SP, a.weights + T * S * n, S, T, T, all_steps, S)
        _against_encoder(dscores, SP, both, row, T, steps, row, H, panel)
        for t in range(T):
            _softmax_backward(dscores + SP * t, known + SP * t, S)
        _sum_of_steps(a.denc + S * H * n, S, H, known, 1, SP, both, row, 2 * T, sums)
        _sum_of_steps(a.ddec + T * H * n, T, H, dscores, SP, 1, steps, row, S, sums)


FORWARD, BACKWARD = Launch(Forward, attention_rows), Launch(Backward, attention_rows_backward)
