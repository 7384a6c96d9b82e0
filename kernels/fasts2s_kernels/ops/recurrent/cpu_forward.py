"""Compiled loops of recurrent layers, forward: pack the weights, then run all time steps of a group of rows.

Rows are independent of one another over all time steps, so a task is a group of rows. Inputs and states are kept
time-major and side by side, rows x | h of ``xh_time`` (T + 1, N, D + H): one product takes both, and backward wants
it so. What a layer is beside that is its cell, see :func:`time_step`.
"""

import numpy as np

from fasts2s_kernels.cpu.arrays import padded
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
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.pointer import Floats, Int, offset
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import store
from fasts2s_kernels.ops.recurrent.cpu_panels import (
    first_unit,
    is_padding,
    panels_of,
    part_of,
    units_of,
    vectors_in,
    vectors_of,
    width_of,
)

_ZERO = np.float32(0)


@inline
def _copy_columns(target, source, G, K, units):
    """Copy K rows of one gate to a panel: whole vectors, so what comes next to them is to be copied later."""
    for u in range(0, units, LANES):
        for k in range(K):
            store(target + (PANEL * k + u), load_first(source + (G * k + u), units - u))


@inline
def pack_weights(task, a, early, late):
    """Pack the bias, Wx and Wh of one panel: 1 + D + H rows."""
    D, H, G, b = a.D, a.H, (early + late) * a.H, a.b
    gates, first, panel = part_of(early, late, H, task)
    units, target = units_of(panel, gates, H), a.packed + PANEL * (1 + D + H) * task
    for gate in range(gates):
        column, here = H * (first + gate) + first_unit(panel, gates), target + units * gate
        for u in range(0, units, LANES):
            store(here + u, load_first(b + (column + u), units - u) if b else splat(_ZERO))
        _copy_columns(here + PANEL, a.Wx + column, G, D, units)
        _copy_columns(here + PANEL * (1 + D), a.Wh + column, G, H, units)


@inline
def begin_rows(s, rows, bias, bias_step, row_bias, table, ids, ids_step, gates, H, G, units):
    """Start the pre-activations of a block of rows: the bias, or the row of a table; and the bias of the row."""
    for r in range(rows):
        start, step = bias, bias_step
        if table:
            start, step = table + G * ids[ids_step * r], H
        for gate in range(gates):
            for v in range(vectors_in(gates)):
                u = LANES * v
                if u < units:
                    a = load_first(start + (step * gate + u), units - u)
                    if row_bias:
                        a = a + load_first(row_bias + (G * r + H * gate + u), units - u)
                    store(s + (PANEL * r + units * gate + u), a)


@kernel
def lone_product(
    s: Floats,
    columns: Int,
    D: Int,
    H: Int,
    G: Int,
    K: Int,
    Wx: Floats,
    Wh: Floats,
    start: Floats,
    row_bias: Floats,
    xh: Floats,
) -> None:
    """Pre-activations of one row: Wx and Wh are read where they are, each of their rows as one stream.

    ``start`` is the bias or the row of a table, or nothing.
    """
    for n in range(0, columns + LANES, LANES):  # zeros behind the last gate: its last vector may be a part of one
        a = load_first(start + n, columns - n) if start else splat(_ZERO)
        if row_bias:
            a = a + load_first(row_bias + n, columns - n)
        store(s + n, a)
    row_product(s, xh, Wx, G, columns, D)
    if K > D:
        row_product(s, xh + D, Wh, G, columns, H)


def step_floats(gates: int, H: int, packed: bool) -> int:
    """Return how many floats of room a :func:`time_step` of up to so many gates needs."""
    return PANEL * BLOCK if packed else gates * padded(H) + 2 * LANES


@inline
def _packed_product(a, s, rows, gates, first, G, panel, row_bias, table, ids, ids_step, xh, K):
    """Pre-activations of a block of rows, from packed weights."""
    H, row = a.H, a.D + a.H
    units = units_of(panel, gates, H)
    bias = a.packed + PANEL * (1 + row) * (panels_of(first, H) + panel)
    W, width = bias + PANEL, width_of(gates, units)
    if row_bias or table:
        begin_rows(s, rows, bias, units, row_bias, table, ids, ids_step, gates, H, G, units)
        tiles(width, rows, s, PANEL, xh, row, 1, W, PANEL, K)
    else:
        tiles_from(width, rows, s, PANEL, bias, 0, xh, row, 1, W, PANEL, K)


@inline
def _lone_product(a, s, gates, first, G, row_bias, table, ids, xh, K):
    """Pre-activations of one row, from weights as they are: all units as if they were one panel."""
    column = a.H * first
    start = table + G * ids[0] if table else offset(a.b, column)
    lone_product(s, gates * a.H, a.D, a.H, G, K, a.Wx + column, a.Wh + column, start, row_bias, xh)


@inline
def _finish(a, s, distance, n, j, target, cell, state):
    """Turn pre-activations of row n and the j-th vector of units into the h of target."""
    new = cell(a, s, distance, n, j, state)
    store_first(target + ((a.D + a.H) * n + a.D + LANES * j), new, a.H - LANES * j)


@inline
def time_step(a, gates, first, G, start, stop, K, row_bias, ids, ids_step, xh, target, cell, state, s):
    """One time step of the rows start to stop, in one part: ``gates`` from the ``first`` on.

    The record has D, H, Wx, Wh, b, packed, table. Rows of xh and target are x | h; h of target is written; all are
    places of row 0. ``K`` is D + H, or D where h is zero. With a table, ``ids`` is the id of row 0, and those of rows
    are ``ids_step`` apart. ``s`` is room for :func:`step_floats`. Where nothing is packed weights are read in place.

    ``cell(a, s, distance, n, j, state)`` gets the place of the pre-activations of row n and the j-th vector of units,
    whose gates are ``distance`` floats apart, and returns what h of target becomes. It is compiled in two places, of
    which the number of threads decides: where a sum of products could be rounded in two ways it says ``fma``.
    """
    H, row, row_bias, table = a.H, a.D + a.H, offset(row_bias, a.H * first), offset(a.table, a.H * first)
    if not a.packed:
        for n in range(start, stop):
            _lone_product(a, s, gates, first, G, offset(row_bias, G * n), table, ids + ids_step * n, xh + row * n, K)
            for j in range(vectors_of(H)):
                _finish(a, s + LANES * j, H, n, j, target, cell, state)
        return
    for panel in range(panels_of(gates, H)):
        u, units = first_unit(panel, gates), units_of(panel, gates, H)
        there = offset(table, u)
        for block in range(start, stop, BLOCK):
            rows, bias, which = min(BLOCK, stop - block), offset(row_bias, G * block + u), ids + ids_step * block
            _packed_product(a, s, rows, gates, first, G, panel, bias, there, which, ids_step, xh + row * block, K)
            for v in range(ceil_div(units, LANES)):
                for r in range(rows):
                    _finish(a, s + (PANEL * r + LANES * v), units, block + r, u // LANES + v, target, cell, state)


@inline
def forward_rows(worker, task, a, step):
    """Run all time steps of one group of rows; ``step(a, t, start, stop, K, xh, xh_next, s)`` makes the h of one."""
    N, T, D, H = a.N, a.T, a.D, a.H
    row = D + H
    start, stop = task * a.group, min(N, (task + 1) * a.group)
    s = a.scratch + a.scratch_size * worker
    for t in range(T):
        xh = a.xh_time + row * N * t
        xh_next = xh + row * N
        for n in range(start, stop):
            x = a.xs + (a.x_n * n + a.x_t * t)
            copy_row(xh + row * n, x, D)
            if a.late_time:
                copy_row(a.late_time + row * (N * t + n), x, D)
        step(a, t, start, stop, D if a.fresh and t == 0 else row, xh, xh_next, s)
        for n in range(start, stop):
            h = xh_next + (row * n + D)
            if is_padding(a, n, t):
                copy_row(h, xh + (row * n + D), H)
            copy_row(a.hs + H * (T * n + t), h, H)
