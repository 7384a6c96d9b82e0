"""Compiled loops of the LSTM, forward: pack the weights, then run all time steps of a group of rows.

The gates of LANES units form one panel f | g | i | o: one tile brings all pre-activations of a unit, and what follows
needs no second pass. Rows are independent of one another over all time steps, so a task is a group of rows.
Time-major copies (T, N, .) of inputs, states and gates are what backward wants.
"""

import numpy as np

from fasts2s_kernels.numba_cpu import _arrays as arr
from fasts2s_kernels.numba_cpu._calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.numba_cpu._jit import entry, inline, kernel
from fasts2s_kernels.numba_cpu._math import sigmoid, tanh
from fasts2s_kernels.numba_cpu._numba import types
from fasts2s_kernels.numba_cpu._simd import FLOAT, VECTOR, load, load_bool, load_int, splat, store
from fasts2s_kernels.numba_cpu._target import LANES
from fasts2s_kernels.numba_cpu._threads import launch
from fasts2s_kernels.numba_cpu.gemm import BLOCK, PANEL, ceil_div, copy_row, load_first, store_first, tiles

_tiles, _launch = tiles.external, launch.external
_ZERO = np.float32(0)
#: With fewer rows than this a step is bound by reading the weights once; packing them would read them twice.
PACK_FROM_ROWS = 4


@kernel()
def lstm_pack(worker, task, args):
    """Pack the bias, Wx and Wh of LANES units: a panel of 1 + D + H rows."""
    D, H, Wx, Wh, b, packed, unpacked = unpack_args(args, 7)
    panel = unpacked + task
    units = H - panel * LANES
    target = packed + FLOAT * PANEL * (1 + D + H) * panel
    for gate in range(4):
        first, here = FLOAT * (gate * H + panel * LANES), target + VECTOR * gate
        store(here, load_first(b + first, units) if b else splat(_ZERO))
        for k in range(D):
            store(here + FLOAT * PANEL * (1 + k), load_first(Wx + FLOAT * 4 * H * k + first, units))
        for k in range(H):
            store(here + FLOAT * PANEL * (1 + D + k), load_first(Wh + FLOAT * 4 * H * k + first, units))


@inline
def _begin(s, rows, bias, bias_step, row_bias, table, ids, ids_step, H, units):
    """Start the pre-activations of a block of rows: the bias, or the row of a table; and the bias of the row."""
    for r in range(rows):
        start, step = bias, bias_step
        if table:
            start, step = table + FLOAT * 4 * H * load_int(ids + 8 * ids_step * r), H
        for gate in range(4):
            a = load_first(start + FLOAT * step * gate, units) if start else splat(_ZERO)
            if row_bias:
                a = a + load_first(row_bias + FLOAT * H * (4 * r + gate), units)
            store(s + VECTOR * (4 * r + gate), a)


@inline
def _cell(s, gates, gate_step, c_prev, c_next):
    """Turn four vectors of pre-activations into gates, the next c, and h, which is returned."""
    f, g = sigmoid(load(s)), tanh(load(s + VECTOR))
    i, o = sigmoid(load(s + 2 * VECTOR)), sigmoid(load(s + 3 * VECTOR))
    c = f * load(c_prev) + g * i
    store(gates, f)
    store(gates + gate_step, g)
    store(gates + 2 * gate_step, i)
    store(gates + 3 * gate_step, o)
    store(c_next, c)
    return o * tanh(c)


@inline
def time_step(start, stop, D, H, weights, row_bias, x, inputs, h, h_next, c, c_next, gates, gates_row, s):
    """One time step of the rows start to stop.

    ``weights`` are the addresses Wx, Wh, b, packed and the number of unpacked vectors of units. x, h and c are read,
    h_next, c_next and gates written: addresses of row 0, rows D, H, H, HV, HV and ``gates_row`` bytes apart (HV is H
    in whole vectors). An h of 0 is zero. ``inputs`` are the addresses of a table (V, 4H) and of the id of row 0, and
    the distance of ids, where D is 0 and inputs are rows of the table; the table is 0 where it is not so. ``s`` is
    room for BLOCK rows of PANEL floats.
    """
    Wx, Wh, b, packed, unpacked = weights
    table, ids, ids_step = inputs
    HV = VECTOR * ceil_div(H, LANES)
    for panel in range(ceil_div(H, LANES)):
        u, units = panel * LANES, H - panel * LANES
        if panel < unpacked:
            bias, Wx_u, Wh_u = b + FLOAT * u if b else 0, Wx + FLOAT * u, Wh + FLOAT * u
            row, step = 4 * H, H
        else:
            bias = packed + FLOAT * PANEL * (1 + D + H) * panel
            Wx_u, Wh_u = bias + FLOAT * PANEL, bias + FLOAT * PANEL * (1 + D)
            row, step = PANEL, LANES
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = row_bias + FLOAT * (4 * H * first + u) if row_bias else 0
            here = table + FLOAT * u if table else 0
            _begin(s, rows, bias, step, extra, here, ids + 8 * ids_step * first, ids_step, H, units)
            if D > 0:
                _tiles(4, rows, s, PANEL, x + FLOAT * D * first, D, 1, Wx_u, row, step, D)
            if h:
                _tiles(4, rows, s, PANEL, h + FLOAT * H * first, H, 1, Wh_u, row, step, H)
            for r in range(rows):
                n = first + r
                here = HV * n + FLOAT * u
                gate = gates + gates_row * n + FLOAT * u
                new = _cell(s + FLOAT * PANEL * r, gate, HV, c + here, c_next + here)
                store_first(h_next + FLOAT * (H * n + u), new, units)


@inline
def pass_through(n, H, h, h_next, c, c_next):
    """At a step of padding the state of row n stays what it was."""
    HV = ceil_div(H, LANES) * LANES
    copy_row(h_next + FLOAT * H * n, h + FLOAT * H * n, H)
    copy_row(c_next + FLOAT * HV * n, c + FLOAT * HV * n, HV)


@kernel(needs=(tiles,))
def lstm_rows(worker, task, args):
    """Run all time steps of one group of rows."""
    (
        D, H, Wx, Wh, b, packed, unpacked, N, T, group, xs, x_n, x_t, row_bias, mask,
        hs, x_time, h_time, c_time, gates, scratch, table, ids, fresh,
    ) = unpack_args(args, 24)  # fmt: skip
    HV = VECTOR * ceil_div(H, LANES)
    start, stop = task * group, min(N, (task + 1) * group)
    s = scratch + FLOAT * PANEL * BLOCK * worker
    weights = (Wx, Wh, b, packed, unpacked)
    for t in range(T):
        x, h, c = x_time + FLOAT * D * N * t, h_time + FLOAT * H * N * t, c_time + HV * N * t
        h_next, c_next = h + FLOAT * H * N, c + HV * N
        for n in range(start, stop):
            copy_row(x + FLOAT * D * n, xs + FLOAT * (x_n * n + x_t * t), D)
        seen, inputs = 0 if fresh and t == 0 else h, (table, ids + 8 * t, T)
        gate = gates + 4 * HV * N * t
        time_step(start, stop, D, H, weights, row_bias, x, inputs, seen, h_next, c, c_next, gate, 4 * HV, s)
        for n in range(start, stop):
            if mask and not load_bool(mask + T * n + t):
                pass_through(n, H, h, h_next, c, c_next)
            copy_row(hs + FLOAT * H * (T * n + t), h_next + FLOAT * H * n, H)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.c1, arr.c2, arr.bools2, arr.c2, arr.ids2, arr.int_, arr.int_,
        arr.int_, arr.out3, arr.out3, arr.out3, arr.out3, arr.out3, arr.out1, arr.out1,
    ),
    needs=(lstm_pack, lstm_rows, launch),
)  # fmt: skip
def forward(
    team, xs, Wx, Wh, b, row_bias, mask, table, ids, unpacked, group, fresh,
    hs, x_time, h_time, c_time, gates, packed, scratch,
):  # fmt: skip
    """Fill hs (N, T, H), x_time (T, N, D), h_time (T + 1, N, H), c_time (T + 1, N, HV), gates (T, N, 4 HV).

    HV is H in whole vectors. h_time[0] and c_time[0] hold the initial state; it is zero where ``fresh`` is 1. The
    first ``unpacked`` vectors of units are read where they are, the others are packed. Where the inputs are ids
    (N, T) of rows of a table (V, 4H), xs is (N, T, 0).
    """
    N, T, D = xs.shape
    H = Wh.shape[0]
    args = pack_args((
        D, H, address(Wx), address(Wh), address(b), address(packed), unpacked, N, T, group,
        address(xs), xs.strides[0] // FLOAT, xs.strides[1] // FLOAT, address(row_bias), address(mask),
        address(hs), address(x_time), address(h_time), address(c_time), address(gates), address(scratch),
        address(table), address(ids), fresh,
    ))  # fmt: skip
    panels = ceil_div(H, LANES)
    _launch(
        team, kernel_address("lstm_pack"), panels - unpacked, kernel_address("lstm_rows"), ceil_div(N, group),
        0, 0, args,
    )  # fmt: skip
