"""Compiled loops of the LSTM, forward: pack the weights, then run all time steps of a group of rows.

Rows are independent of one another over all time steps, so a task is a group of rows. Inputs and states are kept
time-major and side by side, rows x | h of ``xh`` (T + 1, N, D + H): one product takes both, and backward wants it so.
Gates (T, panels, N, PANEL) and c (T + 1, panels, N, LANES) are kept by panels, see ``_lstm_panels``.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import (
    BLOCK,
    PANEL,
    ceil_div,
    copy_row,
    load_first,
    row_product,
    store_first,
    tiles,
    tiles_from,
)
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.math import sigmoid, tanh
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import load, load_bool, load_int, store
from fasts2s_kernels.ops.lstm.cpu_panels import units_of, width_of

_tiles, _tiles_from, _row_product = tiles.external, tiles_from.external, row_product.external
_launch, _copy_row = launch.external, copy_row.external
_ZERO = np.float32(0)


@kernel()
def lstm_pack(worker, task, args):
    """Pack the bias, Wx and Wh of one panel of units: 1 + D + H rows."""
    D, H, Wx, Wh, b, packed = unpack_args(args, 6)
    units = units_of(task, H)
    target = packed + FLOAT * PANEL * (1 + D + H) * task
    for gate in range(4):  # in this order: the zeros behind the units of a gate make room for the next one
        first, here = FLOAT * (gate * H + task * LANES), target + FLOAT * units * gate
        store(here, load_first(b + first, units) if b else splat(_ZERO))
        for k in range(D):
            store(here + FLOAT * PANEL * (1 + k), load_first(Wx + FLOAT * 4 * H * k + first, units))
        for k in range(H):
            store(here + FLOAT * PANEL * (1 + D + k), load_first(Wh + FLOAT * 4 * H * k + first, units))


@kernel(types.void(*[types.int64] * 10))
def begin_rows(s, rows, bias, bias_step, row_bias, table, ids, ids_step, H, units):
    """Start the pre-activations of a block of rows: the bias, or the row of a table; and the bias of the row."""
    for r in range(rows):
        start, step = bias, bias_step
        if table:
            start, step = table + FLOAT * 4 * H * load_int(ids + 8 * ids_step * r), H
        for gate in range(4):
            a = load_first(start + FLOAT * step * gate, units) if start else splat(_ZERO)
            if row_bias:
                a = a + load_first(row_bias + FLOAT * H * (4 * r + gate), units)
            store(s + FLOAT * (PANEL * r + units * gate), a)


@inline
def _cell(s, distance, gates, c_prev, c_next):
    """Turn pre-activations, whose gates are ``distance`` floats apart, into gates, the next c, and h: the result."""
    step = FLOAT * distance
    f, g = sigmoid(load(s)), tanh(load(s + step))
    i, o = sigmoid(load(s + 2 * step)), sigmoid(load(s + 3 * step))
    c = f * load(c_prev) + g * i
    store(gates, f)
    store(gates + VECTOR, g)
    store(gates + 2 * VECTOR, i)
    store(gates + 3 * VECTOR, o)
    store(c_next, c)
    return o * tanh(c)


@kernel(types.void(*[types.int64] * 15), needs=(row_product,))
def lone_step(D, H, K, Wx, Wh, start, row_bias, xh, xh_next, c, c_next, c_panel, gates, gate_panel, s):
    """One time step of one row: Wx and Wh are read where they are, each of their rows as one stream.

    ``start`` is the address of the bias or of the row of a table, or 0; the others are those of :func:`time_step`.
    """
    G = 4 * H
    for n in range(0, G + LANES, LANES):  # zeros behind the last gate: its last panel may be a part of one
        a = load_first(start + FLOAT * n, G - n) if start else splat(_ZERO)
        if row_bias:
            a = a + load_first(row_bias + FLOAT * n, G - n)
        store(s + FLOAT * n, a)
    _row_product(s, xh, Wx, G, G, D)
    if K > D:
        _row_product(s, xh + FLOAT * D, Wh, G, G, H)
    for panel in range(ceil_div(H, LANES)):
        u, cell = panel * LANES, c_panel * panel
        new = _cell(s + FLOAT * u, H, gates + gate_panel * panel, c + cell, c_next + cell)
        store_first(xh_next + FLOAT * (D + u), new, units_of(panel, H))


_begin, _lone_step = begin_rows.external, lone_step.external
#: What a kernel with a ``time_step`` in it needs.
STEP_NEEDS = (tiles, tiles_from, copy_row, begin_rows, lone_step)


def step_floats(group: int, H: int) -> int:
    """Return how many floats of room a ``time_step`` needs where groups have up to ``group`` rows."""
    return max(PANEL * BLOCK, 4 * arr.padded(H) + 2 * LANES if group == 1 else 0)


@inline
def _packed_product(s, rows, panel, packed, row_bias, table, ids, ids_step, xh, D, H, K):
    """Pre-activations of a block of rows, from packed weights."""
    units = units_of(panel, H)
    bias = packed + FLOAT * PANEL * (1 + D + H) * panel
    W, width, row = bias + FLOAT * PANEL, width_of(units), D + H
    if row_bias or table:
        _begin(s, rows, bias, units, row_bias, table, ids, ids_step, H, units)
        _tiles(width, rows, s, PANEL, xh, row, 1, W, PANEL, K)
    else:
        _tiles_from(width, rows, s, PANEL, bias, 0, xh, row, 1, W, PANEL, K)


@inline
def time_step(
    group, start, stop, D, H, K, weights, row_bias, inputs, xh, xh_next, c, c_next, c_panel, gates, steps, s
):  # fmt: skip
    """One time step of the rows start to stop; groups have up to ``group`` rows.

    ``weights`` are the addresses Wx, Wh, b and packed, which a group of one row does not need: a single row reads the
    weights where they are, for packing would read them twice. xh and c are read, the h of xh_next, c_next and gates
    written; all are addresses of row 0. ``K`` is D + H, or D where h is zero. A panel of c is ``c_panel`` bytes from
    the next; ``steps`` are the distances in bytes of panels and of rows of gates.
    ``inputs`` are the addresses of a table (V, 4H) and of the id of row 0, and the distance of ids, where D is 0 and
    inputs are rows of the table; the table is 0 where it is not so. ``s`` is room for :func:`step_floats`.
    """
    Wx, Wh, b, packed = weights
    table, ids, ids_step = inputs
    gate_panel, gate_row = steps
    row, panels = FLOAT * (D + H), ceil_div(H, LANES)
    if group == 1:
        bias = table + FLOAT * 4 * H * load_int(ids + 8 * ids_step * start) if table else b
        extra, cell, here = row_bias + FLOAT * 4 * H * start if row_bias else 0, VECTOR * start, row * start
        _lone_step(
            D, H, K, Wx, Wh, bias, extra, xh + here, xh_next + here, c + cell, c_next + cell, c_panel,
            gates + gate_row * start, gate_panel, s,
        )  # fmt: skip
        return
    for panel in range(panels):
        u, units = panel * LANES, units_of(panel, H)
        here = table + FLOAT * u if table else 0
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = row_bias + FLOAT * (4 * H * first + u) if row_bias else 0
            x, which = xh + row * first, ids + 8 * ids_step * first
            _packed_product(s, rows, panel, packed, extra, here, which, ids_step, x, D, H, K)
            gate, state = gates + gate_panel * panel + gate_row * first, c_panel * panel + VECTOR * first
            target = xh_next + row * first + FLOAT * (D + u)
            for r in range(rows):
                cell = state + VECTOR * r
                new = _cell(s + FLOAT * PANEL * r, units, gate + gate_row * r, c + cell, c_next + cell)
                store_first(target + row * r, new, units)


@inline
def pass_through(n, D, H, xh, xh_next, c, c_next, c_panel):
    """At a step of padding the state of row n stays what it was."""
    here = FLOAT * ((D + H) * n + D)
    _copy_row(xh_next + here, xh + here, H)
    for panel in range(ceil_div(H, LANES)):
        cell = c_panel * panel + VECTOR * n
        store(c_next + cell, load(c + cell))


@kernel(needs=STEP_NEEDS)
def lstm_rows(worker, task, args):
    """Run all time steps of one group of rows."""
    (
        D, H, Wx, Wh, b, packed, N, T, group, xs, x_n, x_t, row_bias, mask,
        hs, xh_time, c_time, gates, scratch, table, ids, fresh, scratch_size,
    ) = unpack_args(args, 23)  # fmt: skip
    panels, row = ceil_div(H, LANES), FLOAT * (D + H)
    start, stop = task * group, min(N, (task + 1) * group)
    s = scratch + FLOAT * scratch_size * worker
    weights, steps = (Wx, Wh, b, packed), (FLOAT * PANEL * N, FLOAT * PANEL)
    for t in range(T):
        xh, c = xh_time + row * N * t, c_time + VECTOR * N * panels * t
        xh_next, c_next = xh + row * N, c + VECTOR * N * panels
        for n in range(start, stop):
            _copy_row(xh + row * n, xs + FLOAT * (x_n * n + x_t * t), D)
        K, inputs = D if fresh and t == 0 else D + H, (table, ids + 8 * t, T)
        gate = gates + FLOAT * PANEL * N * panels * t
        time_step(
            group, start, stop, D, H, K, weights, row_bias, inputs, xh, xh_next, c, c_next, VECTOR * N, gate, steps, s
        )
        for n in range(start, stop):
            if mask and not load_bool(mask + T * n + t):
                pass_through(n, D, H, xh, xh_next, c, c_next, VECTOR * N)
            _copy_row(hs + FLOAT * H * (T * n + t), xh_next + row * n + FLOAT * D, H)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.c1, arr.c2, arr.bools2, arr.c2, arr.ids2, arr.int_,
        arr.int_, arr.out3, arr.out3, arr.out4, arr.out4, arr.out1, arr.out2,
    ),
    needs=(lstm_pack, lstm_rows, launch),
)  # fmt: skip
def forward(
    team, xs, Wx, Wh, b, row_bias, mask, table, ids, group, fresh,
    hs, xh_time, c_time, gates, packed, scratch,
):  # fmt: skip
    """Fill hs (N, T, H), xh_time (T + 1, N, D + H), c_time (T + 1, panels, N, LANES), gates (T, panels, N, PANEL).

    The h of xh_time[0] and c_time[0] hold the initial state; h is zero where ``fresh`` is 1. Where the inputs are ids
    (N, T) of rows of a table (V, 4H), xs is (N, T, 0).
    """
    N, T, D = xs.shape
    H = Wh.shape[0]
    args = pack_args((
        D, H, address(Wx), address(Wh), address(b), address(packed), N, T, group,
        address(xs), xs.strides[0] // FLOAT, xs.strides[1] // FLOAT, address(row_bias), address(mask),
        address(hs), address(xh_time), address(c_time), address(gates), address(scratch),
        address(table), address(ids), fresh, scratch.shape[1],
    ))  # fmt: skip
    panels = ceil_div(H, LANES) if group > 1 else 0
    _launch(
        team, kernel_address("lstm_pack"), panels, kernel_address("lstm_rows"), ceil_div(N, group),
        0, 0, args,
    )  # fmt: skip
