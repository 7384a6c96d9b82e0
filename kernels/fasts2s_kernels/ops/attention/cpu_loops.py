"""Compiled loops of the attention: all decoder steps of one batch row at a time, forward and backward.

The encoder steps of a batch row are copied once, padded with zeros to whole vectors and whole squares of vectors;
steps of padding become zeros there and are not read. Turned round, panel by panel, the copy is the right-hand side of
the scores; as it is, that of the weighted sum. Batch rows are independent of one another, so a task is a group of
them.

Inside: SP and HP are S and H in whole vectors. Rows of the copies are HP + LANES floats apart, for at a power of two
they would compete for few places in the first-level cache.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, clear, copy_block, copy_row, pack, tiles
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.math import exp_negative
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, fma, lane_max, lane_sum, merge_lanes, splat, where_greater
from fasts2s_kernels.cpu.vector_memory import load, load_bool, load_part, store, store_float

_pack, _tiles, _launch, _copy_row = pack.external, tiles.external, launch.external, copy_row.external
_ZERO, _ONE, _LOWEST = np.float32(0), np.float32(1), np.float32(-np.inf)
_LARGEST = float(np.finfo(np.float32).max)
#: Vectors that are added in float32 before their sum goes to a float64: bounds the rounding error for any S.
_RUN = 32


def local_floats(S: int, T: int, H: int) -> int:
    """Return how many floats of memory of its own a worker needs, see :func:`_places`."""
    SP, HP = arr.padded(S), arr.padded(H)
    return LANES + (SP + 2 * T) * (HP + LANES) + PANEL * (HP + max(S, T)) + 2 * T * SP


@inline
def _places(local, S, T, H):
    """Divide a worker's memory: encoder steps (SP), decoder steps (2T), a panel (HP), sums, weights (2T, SP).

    All begin at whole vectors: one that lies across two cache lines is slower to turn round.
    """
    SP, HP = ceil_div(S, LANES) * LANES, ceil_div(H, LANES) * LANES
    local = ceil_div(local, VECTOR) * VECTOR
    steps = local + FLOAT * SP * (HP + LANES)
    panel = steps + FLOAT * 2 * T * (HP + LANES)
    sums = panel + FLOAT * PANEL * HP
    return local, steps, panel, sums, sums + FLOAT * PANEL * max(S, T)


@inline
def _copy_steps(target, row, source, source_row, steps, room, mask, H):
    """Copy time steps, zeros behind H numbers; room for more than there are, and steps of padding, are zeros."""
    for s in range(room):
        here = target + FLOAT * row * s
        if s >= steps or (mask and not load_bool(mask + s)):
            clear(here, ceil_div(H, LANES))
            continue
        there, whole = source + FLOAT * source_row * s, H - H % LANES
        for k in range(0, whole, LANES):
            store(here + FLOAT * k, load(there + FLOAT * k))
        if whole < H:
            store(here + FLOAT * whole, load_part(there + FLOAT * whole, H - whole))


@inline
def _against_encoder(C, SP, A, a_row, T, enc, row, H, panel):
    """``C = A enc^T``: C (T, SP), A (T, H)."""
    HP = ceil_div(H, LANES) * LANES
    clear(C, T * (SP // LANES))
    for s in range(0, SP, PANEL):
        columns = min(PANEL, SP - s)
        _pack(panel, columns // LANES, enc + FLOAT * row * s, 1, row, HP, columns)
        _tiles(columns // LANES, T, C + FLOAT * s, SP, A, a_row, 1, panel, columns, H)


@inline
def _sum_of_steps(C, rows, H, A, a_row, a_k, B, row, K, sums):
    """``C = A B``: C (rows, H) in C order; the rows of B, K time steps, are whole vectors."""
    for k in range(0, H, PANEL):
        columns = min(PANEL, H - k)
        width = ceil_div(columns, LANES)
        whole = columns == width * LANES
        target, step = (C + FLOAT * k, H) if whole else (sums, width * LANES)
        for r in range(rows):
            clear(target + FLOAT * step * r, width)
        _tiles(width, rows, target, step, A, a_row, a_k, B + FLOAT * k, row, K)
        if not whole:
            copy_block(C + FLOAT * k, H, sums, rows, width, columns)


@inline
def _hide_padding(scores, S, SP, T, mask):
    """Scores of padding are -infinity, whatever the product with its zeros was."""
    for s in range(SP):
        if s >= S or (mask and not load_bool(mask + s)):
            for t in range(T):
                store_float(scores + FLOAT * (SP * t + s), _LOWEST)


@inline
def _softmax(x, SP):
    """Turn a row of scores into weights. A row of -infinity only has weights 0."""
    best = splat(_LOWEST)
    for s in range(0, SP, LANES):
        a = load(x + FLOAT * s)
        best = where_greater(best, a, best, a)
    top = lane_max(best)  # a NaN that is overlooked here comes back with its exponential
    if top == _LOWEST:
        top = _ZERO
    total = 0.0
    for first in range(0, SP, _RUN * LANES):
        run = splat(_ZERO)
        for s in range(first, min(SP, first + _RUN * LANES), LANES):
            e = exp_negative(load(x + FLOAT * s) - splat(top))
            store(x + FLOAT * s, e)
            run = run + e
        total += lane_sum(run)
    divisor = splat(_ONE if total == 0.0 else np.float32(total))
    for s in range(0, SP, LANES):
        store(x + FLOAT * s, load(x + FLOAT * s) / divisor)


@inline
def _weighted_mean(a, weights, S):
    """Return the sum of a times weights, in float64 over runs of vectors."""
    total = 0.0
    for first in range(0, S, _RUN * LANES):
        run = splat(_ZERO)
        for s in range(first, min(S, first + _RUN * LANES), LANES):
            # Behind S stands an infinite gradient times zero, which must not count.
            run = fma(merge_lanes(load(a + FLOAT * s), splat(_ZERO), S - s), load(weights + FLOAT * s), run)
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
        store(dweights + FLOAT * s, load(dweights + FLOAT * s) - mean)
    error = _weighted_mean(dweights, weights, S)
    correction = splat(np.float32(error) if abs(error) <= _LARGEST else _ZERO)
    for s in range(0, S, LANES):
        here = dweights + FLOAT * s
        store(here, load(weights + FLOAT * s) * (load(here) - correction))


@kernel(needs=(pack, tiles, copy_row))
def attention_rows(worker, task, args):
    """Weights and context of one group of batch rows."""
    (
        N, S, T, H, group, enc, enc_n, enc_s, dec, dec_n, dec_t, mask, context, weights, kept, local, local_size,
    ) = unpack_args(args, 17)  # fmt: skip
    SP, row = ceil_div(S, LANES) * LANES, ceil_div(H, LANES) * LANES + LANES
    steps, _, panel, sums, scores = _places(local + FLOAT * local_size * worker, S, T, H)
    for n in range(task * group, min(N, (task + 1) * group)):
        valid = mask + S * n if mask else 0
        _copy_steps(steps, row, enc + FLOAT * enc_n * n, enc_s, S, SP, valid, H)
        _against_encoder(scores, SP, dec + FLOAT * dec_n * n, dec_t, T, steps, row, H, panel)
        _hide_padding(scores, S, SP, T, valid)
        for t in range(T):
            _softmax(scores + FLOAT * SP * t, SP)
        here = FLOAT * T * S * n
        copy_block(weights + here, S, scores, T, SP // LANES, S)
        _copy_row(kept + here, weights + here, T * S)
        _sum_of_steps(context + FLOAT * T * H * n, T, H, scores, SP, 1, steps, row, S, sums)


@kernel(needs=(pack, tiles, copy_row))
def attention_rows_backward(worker, task, args):
    """Gradients of one group of batch rows.

    dhs_enc is one product: weights above dscores, turned round, times dout above hs_dec.
    """
    (
        N, S, T, H, group, enc, enc_n, enc_s, dec, dec_n, dec_t, mask, weights, dout, dout_n, dout_t, denc, ddec,
        local, local_size,
    ) = unpack_args(args, 20)  # fmt: skip
    SP, row = ceil_div(S, LANES) * LANES, ceil_div(H, LANES) * LANES + LANES
    steps, both, panel, sums, known = _places(local + FLOAT * local_size * worker, S, T, H)
    dscores = known + FLOAT * SP * T
    for n in range(task * group, min(N, (task + 1) * group)):
        _copy_steps(steps, row, enc + FLOAT * enc_n * n, enc_s, S, SP, mask + S * n if mask else 0, H)
        _copy_steps(both, row, dout + FLOAT * dout_n * n, dout_t, T, T, 0, H)
        _copy_steps(both + FLOAT * row * T, row, dec + FLOAT * dec_n * n, dec_t, T, T, 0, H)
        _copy_steps(known, SP, weights + FLOAT * T * S * n, S, T, T, 0, S)
        _against_encoder(dscores, SP, both, row, T, steps, row, H, panel)
        for t in range(T):
            _softmax_backward(dscores + FLOAT * SP * t, known + FLOAT * SP * t, S)
        _sum_of_steps(denc + FLOAT * S * H * n, S, H, known, 1, SP, both, row, 2 * T, sums)
        _sum_of_steps(ddec + FLOAT * T * H * n, T, H, dscores, SP, 1, steps, row, S, sums)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.rows3, arr.bools2, arr.int_, arr.out3, arr.out3, arr.out3, arr.out2,
    ),
    needs=(attention_rows, launch),
)  # fmt: skip
def forward(team, hs_enc, hs_dec, mask, group, context, weights, kept, local):
    """Fill context (N, T, H), weights and their copy kept (N, T, S). Each worker has a row of ``local``."""
    N, S, H = hs_enc.shape
    T = hs_dec.shape[1]
    args = pack_args((
        N, S, T, H, group, address(hs_enc), hs_enc.strides[0] // FLOAT, hs_enc.strides[1] // FLOAT,
        address(hs_dec), hs_dec.strides[0] // FLOAT, hs_dec.strides[1] // FLOAT, address(mask), address(context),
        address(weights), address(kept), address(local), local.shape[1],
    ))  # fmt: skip
    _launch(team, kernel_address("attention_rows"), ceil_div(N, group), 0, 0, 0, 0, args)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.rows3, arr.bools2, arr.c3, arr.rows3, arr.int_, arr.out3, arr.out3, arr.out2,
    ),
    needs=(attention_rows_backward, launch),
)  # fmt: skip
def backward(team, hs_enc, hs_dec, mask, weights, dout, group, dhs_enc, dhs_dec, local):
    """Fill dhs_enc (N, S, H) and dhs_dec (N, T, H)."""
    N, S, H = hs_enc.shape
    T = hs_dec.shape[1]
    args = pack_args((
        N, S, T, H, group, address(hs_enc), hs_enc.strides[0] // FLOAT, hs_enc.strides[1] // FLOAT,
        address(hs_dec), hs_dec.strides[0] // FLOAT, hs_dec.strides[1] // FLOAT, address(mask), address(weights),
        address(dout), dout.strides[0] // FLOAT, dout.strides[1] // FLOAT, address(dhs_enc), address(dhs_dec),
        address(local), local.shape[1],
    ))  # fmt: skip
    _launch(team, kernel_address("attention_rows_backward"), ceil_div(N, group), 0, 0, 0, 0, args)
