"""Compiled loops of inference: a whole source is read, a whole answer chosen, in one call.

A group of rows goes through all steps before the next one begins, so its states never leave the caches; nothing is
kept for a backward pass.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, copy_row, load_first, pack, store_first, tiles
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import load, load_bool, load_float, load_int, store, store_float, store_int
from fasts2s_kernels.ops.lstm.cpu_forward import STEP_NEEDS, lstm_pack, pass_through, step_floats, time_step

_pack, _tiles, _launch, _copy_row = pack.external, tiles.external, launch.external, copy_row.external
_ZERO = np.float32(0)
#: Rows that go through all steps together.
GROUP = 96


def local_floats(group: int, D: int, H: int, V: int) -> int:
    """Return how many floats of memory of its own a worker needs."""
    HP, VP = arr.padded(H), arr.padded(V)
    return PANEL + group * (2 * (D + H) + 2 * HP + VP) + step_floats(group, H) + 4 * LANES


@inline
def _memory(local, group, D, H, V):
    """Return the addresses of gates, two c, two x | h, scores, and room for a time step in the memory of a worker.

    The gates are of one row and panel: nobody reads them.
    """
    cells, states = VECTOR * ceil_div(H, LANES) * group, FLOAT * group * (D + H)
    c = local + FLOAT * PANEL
    xh = c + 2 * cells
    scores = xh + 2 * states
    return local, c, c + cells, xh, xh + states, scores, scores + VECTOR * ceil_div(V, LANES) * group


@inline
def _start(rows, first, D, H, xh, h0, c, c_panel, c0, which):
    """Copy the initial states of the rows from ``first`` on to the group; without one it is zero.

    ``which`` is the address of the numbers of the states that rows begin with, or 0: each with its own.
    """
    for r in range(rows):
        state = load_int(which + 8 * (first + r)) if which else first + r
        for k in range(0, H, LANES):
            place = FLOAT * (H * state + k)
            target, cell = xh + FLOAT * ((D + H) * r + D + k), c + c_panel * (k // LANES) + VECTOR * r
            store_first(target, load_first(h0 + place, H - k) if h0 else splat(_ZERO), H - k)
            store(cell, load_first(c0 + place, H - k) if c0 else splat(_ZERO))


@kernel(needs=STEP_NEEDS)
def encode_rows(worker, task, args):
    """Read the sources of one group of rows; the last h and c are the result."""
    (
        D, H, Wx, Wh, b, packed, N, T, group, W, ids, mask, out, local, local_size,
        table, h0, c0, which, c_out,
    ) = unpack_args(args, 20)  # fmt: skip
    local += FLOAT * local_size * worker
    gates, c, c_next, xh, xh_next, _, s = _memory(local, group, D, H, 0)
    first, row = task * group, FLOAT * (D + H)
    rows = min(group, N - first)
    weights, panel = (Wx, Wh, b, packed), VECTOR * group
    _start(rows, first, D, H, xh, h0, c, panel, c0, which)
    for t in range(T):
        here = ids + 8 * (T * first + t)
        for r in range(rows):
            _copy_row(xh + row * r, W + FLOAT * D * load_int(here + 8 * T * r), D)
        K, inputs = D if t == 0 and T > 1 and not h0 else D + H, (table, here, T)  # as in forward
        time_step(group, 0, rows, D, H, K, weights, 0, inputs, xh, xh_next, c, c_next, panel, gates, (0, 0), s)
        for r in range(rows):
            if mask and not load_bool(mask + T * (first + r) + t):
                pass_through(r, D, H, xh, xh_next, c, c_next, panel)
        xh, xh_next, c, c_next = xh_next, xh, c_next, c
    for r in range(rows):
        _copy_row(out + FLOAT * H * (first + r), xh + row * r + FLOAT * D, H)
        for k in range(0, H if c_out else 0, LANES):
            cell = load(c + panel * (k // LANES) + VECTOR * r)
            store_first(c_out + FLOAT * (H * (first + r) + k), cell, H - k)


@inline
def _best(scores, V):
    """Return the place of the largest number, of the first NaN if there is one, and that number."""
    best, top = 0, load_float(scores)
    for k in range(1, V):
        a = load_float(scores + FLOAT * k)
        if a > top or (a != a and top == top):  # noqa: PLR0124 - NaN alone differs from itself
            best, top = k, a
    return best, top


@inline
def _scores(rows, first, H, V, h, h_row, W, bias, row_bias, scores):
    """Scores of a group: ``h W + bias + row_bias``, with W in panels; rows of h are ``h_row`` floats apart."""
    VP = ceil_div(V, LANES) * LANES
    for q in range(ceil_div(V, PANEL)):
        v = PANEL * q
        width = ceil_div(min(PANEL, V - v), LANES)
        for r in range(rows):
            for k in range(v, min(v + PANEL, V), LANES):
                a = load_first(bias + FLOAT * k, V - k) if bias else splat(_ZERO)
                if row_bias:
                    a = a + load_first(row_bias + FLOAT * (V * (first + r) + k), V - k)
                store(scores + FLOAT * (VP * r + k), a)
        _tiles(width, rows, scores + FLOAT * v, VP, h, h_row, 1, W + FLOAT * PANEL * H * q, width * LANES, H)


@kernel(needs=STEP_NEEDS)
def greedy_rows(worker, task, args):
    """Choose the whole answers of one group of rows."""
    (
        D, H, Wx, Wh, b, packed, N, T, group, W, ids, h0, c0, local, local_size,
        row_bias, _, packed_out, V, b_out, score_bias, out, table, tops,
    ) = unpack_args(args, 24)  # fmt: skip
    local += FLOAT * local_size * worker
    gates, c, c_next, xh, xh_next, scores, s = _memory(local, group, D, H, V)
    first, row = task * group, FLOAT * (D + H)
    rows = min(group, N - first)
    extra = row_bias + FLOAT * 4 * H * first if row_bias else 0
    weights, panel = (Wx, Wh, b, packed), VECTOR * group
    _start(rows, first, D, H, xh, h0, c, panel, c0, 0)
    VP = ceil_div(V, LANES) * LANES
    for t in range(T):
        last, step = (out + 8 * (T * first + t - 1), T) if t > 0 else (ids + 8 * first, 1)
        for r in range(rows):
            _copy_row(xh + row * r, W + FLOAT * D * load_int(last + 8 * step * r), D)
        where = (table, last, step)
        time_step(group, 0, rows, D, H, D + H, weights, extra, where, xh, xh_next, c, c_next, panel, gates, (0, 0), s)
        xh, xh_next, c, c_next = xh_next, xh, c_next, c
        _scores(rows, first, H, V, xh + FLOAT * D, D + H, packed_out, b_out, score_bias, scores)
        for r in range(rows):
            best, top = _best(scores + FLOAT * VP * r, V)
            store_int(out + 8 * (T * (first + r) + t), best)
            store_float(tops + FLOAT * (T * (first + r) + t), top)


@kernel(needs=(pack,))
def pack_scores(worker, task, args):
    """Pack one panel of the output weights."""
    (_, H, _, _, _, _, _, _, _, _, _, _, _, _, _, _, W_out, packed_out, V) = unpack_args(args, 19)
    first = PANEL * task
    columns = min(PANEL, V - first)
    _pack(packed_out + FLOAT * H * first, ceil_div(columns, LANES), W_out + FLOAT * first, V, 1, H, columns)


@entry(
    types.void(
        arr.int_, arr.c2, arr.c2, arr.ids2, arr.bools2, arr.c2, arr.c2, arr.c1, arr.c2, arr.c2, arr.ids1,
        arr.int_, arr.out2, arr.out2, arr.out1, arr.out2,
    ),
    needs=(lstm_pack, encode_rows, launch),
)  # fmt: skip
def encode(team, W, table, ids, mask, Wx, Wh, b, h0, c0, which, group, out, c_out, packed, local):
    """Fill out (N, H) with the last h, c_out with the last c, after reading ids (N, T).

    Inputs are rows of W (V, D), or rows of a table (V, 4H) where D is 0. Row n begins with h0[which[n]] and so on.
    """
    N, T = ids.shape
    D, H = Wx.shape[0], Wh.shape[0]
    args = pack_args((
        D, H, address(Wx), address(Wh), address(b), address(packed), N, T, group, address(W), address(ids),
        address(mask), address(out), address(local), local.shape[1],
        address(table), address(h0), address(c0), address(which), address(c_out),
    ))  # fmt: skip
    _launch(
        team, kernel_address("lstm_pack"), ceil_div(H, LANES) if group > 1 else 0,
        kernel_address("encode_rows"), ceil_div(N, group), 0, 0, args,
    )  # fmt: skip


@entry(
    types.void(
        arr.int_, arr.c2, arr.c2, arr.ids1, arr.c2, arr.c2, arr.c1, arr.c2, arr.c1, arr.c2, arr.c2, arr.c2, arr.c2,
        arr.int_, types.Array(types.int64, 2, "C"), arr.out2, arr.out1, arr.out1, arr.out2,
    ),
    needs=(lstm_pack, pack_scores, greedy_rows, launch),
)  # fmt: skip
def greedy(
    team,
    W,
    table,
    ids,
    Wx,
    Wh,
    b,
    W_out,
    b_out,
    h0,
    c0,
    row_bias,
    score_bias,
    group,
    out,
    tops,
    packed,
    packed_out,
    local,
):
    """Fill out (N, T) with the best ids, beginning after ids (N,), and tops (N, T) with their scores.

    W and table: see :func:`encode`.
    """
    N, T = out.shape
    D, H, V = Wx.shape[0], Wh.shape[0], W_out.shape[1]
    args = pack_args((
        D, H, address(Wx), address(Wh), address(b), address(packed), N, T, group, address(W), address(ids),
        address(h0), address(c0), address(local), local.shape[1], address(row_bias), address(W_out),
        address(packed_out), V, address(b_out), address(score_bias), address(out), address(table), address(tops),
    ))  # fmt: skip
    _launch(
        team, kernel_address("lstm_pack"), ceil_div(H, LANES) if group > 1 else 0,
        kernel_address("pack_scores"), ceil_div(V, PANEL),
        kernel_address("greedy_rows"), ceil_div(N, group), args,
    )  # fmt: skip
