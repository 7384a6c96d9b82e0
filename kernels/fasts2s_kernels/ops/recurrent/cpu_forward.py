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
from fasts2s_kernels.cpu.kinds import Floats, Int
from fasts2s_kernels.cpu.pointer import offset
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load, store
from fasts2s_kernels.ops.recurrent.cpu_panels import (
    first_unit,
    is_padding,
    panels_of,
    part_of,
    share,
    units_of,
    vectors_in,
    vectors_of,
    width_of,
)

_ZERO = np.float32(0)


@inline
def _begin(a, start, stop):
    """Put the initial states of the rows start to stop where the first step reads them."""
    H, row = a.H, a.D + a.H
    for n in range(start, stop):
        for u in range(0, H, LANES):
            given, h = H * n + u, a.xh_time + (row * n + a.D + u)
            store_first(h, load_first(a.h0 + given, H - u) if a.h0 else splat(_ZERO), H - u)
            if a.c_time:
                c = load_first(a.c0 + given, H - u) if a.c0 else splat(_ZERO)
                store(a.c_time + (a.N * u + LANES * n), c)


@inline
def _end(a, start, stop, units):
    """Copy the last states of the rows start to stop, in a range of units, to where the caller gets them."""
    H, row, vectors = a.H, a.D + a.H, vectors_of(a.H)
    for n in range(start, stop):
        copy_row(
            a.h_last + (H * n + units[0]), a.xh_time + (row * (a.N * a.T + n) + a.D + units[0]), units[1] - units[0]
        )
        if a.c_time:
            for u in range(units[0], units[1], LANES):
                c = load(a.c_time + (a.N * (LANES * vectors * a.T + u) + LANES * n))
                store_first(a.c_last + (H * n + u), c, H - u)


@inline
def _copy_inputs(a, t, start, stop):
    """Copy x of step t to where products read it."""
    row = a.D + a.H
    for n in range(start, stop):
        x, place = a.xs + (a.x_n * n + a.x_t * t), row * (a.N * t + n)
        copy_row(a.xh_time + place, x, a.D)
        if a.late_time:
            copy_row(a.late_time + place, x, a.D)


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
        if not a.table:  # else rows of it are what the bias and Wx bring
            for u in range(0, units, LANES):
                store(here + u, load_first(b + (column + u), units - u) if b else splat(_ZERO))
            _copy_columns(here + PANEL, a.Wx + column, G, D, units)
        _copy_columns(here + PANEL * (1 + D), a.Wh + column, G, H, units)


@inline
def prepare(task, a, early, late):
    """Pack the weights of one panel; where units are divided, the first task begins all rows."""
    pack_weights(task, a, early, late)
    if a.parts and task == 0:
        _begin(a, 0, a.N)
        _copy_inputs(a, 0, 0, a.N)


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
    begin: Int,
    end: Int,
    Wx: Floats,
    Wh: Floats,
    start: Floats,
    row_bias: Floats,
    x: Floats,
    h: Floats,
) -> None:
    """Pre-activations of one row: Wx and Wh are read where they are, each of their rows as one stream.

    ``start`` is the bias or the row of a table, or nothing. ``begin`` and ``end``: see ``columns`` of
    :func:`time_step`.
    """
    for n in range(0, columns + LANES, LANES):  # zeros behind the last gate: its last vector may be a part of one
        a = load_first(start + n, columns - n) if start else splat(_ZERO)
        if row_bias:
            a = a + load_first(row_bias + n, columns - n)
        store(s + n, a)
    if begin < D:
        row_product(s, x, Wx, G, columns, D)
    if end > D:
        row_product(s, h, Wh, G, columns, H)


def step_floats(gates: int, H: int, packed: bool) -> int:
    """Return how many floats of room a :func:`time_step` of up to so many gates needs."""
    return PANEL * BLOCK if packed else gates * padded(H) + 2 * LANES


@inline
def _packed_product(a, s, rows, gates, first, G, panel, row_bias, table, ids, ids_step, xh, columns):
    """Pre-activations of a block of rows, from packed weights."""
    H, row = a.H, a.D + a.H
    units = units_of(panel, gates, H)
    bias = a.packed + PANEL * (1 + row) * (panels_of(first, H) + panel)
    (begin, end), width = columns, width_of(gates, units)
    x, W, K = xh + begin, bias + PANEL * (1 + begin), end - begin
    if row_bias or table:
        begin_rows(s, rows, bias, units, row_bias, table, ids, ids_step, gates, H, G, units)
        tiles(width, rows, s, PANEL, x, row, 1, W, PANEL, K)
    else:
        tiles_from(width, rows, s, PANEL, bias, 0, x, row, 1, W, PANEL, K)


@inline
def _lone_product(a, s, gates, first, G, row_bias, table, ids, xh, columns):
    """Pre-activations of one row, from weights as they are: all units as if they were one panel."""
    column, (begin, end) = a.H * first, columns
    start = table + G * ids[0] if table else offset(a.b, column)
    lone_product(
        s, gates * a.H, a.D, a.H, G, begin, end, a.Wx + column, a.Wh + column, start, row_bias, xh, xh + a.D
    )  # fmt: skip


@inline
def _finish(a, s, distance, n, j, target, cell, state):
    """Turn pre-activations of row n and the j-th vector of units into the h of target."""
    new = cell(a, s, distance, n, j, state)
    store_first(target + ((a.D + a.H) * n + a.D + LANES * j), new, a.H - LANES * j)


@inline
def time_step(a, gates, first, G, panels, start, stop, columns, row_bias, ids, ids_step, xh, target, cell, state, s):
    """One time step of the rows start to stop, in one part: ``gates`` from the ``first`` on, of a range of panels.

    The record has D, H, Wx, Wh, b, packed, table. Rows of xh and target are x | h; h of target is written; all are
    places of row 0. ``columns`` is the range of x | h that meets the weights: 0 to D + H, but h may be zero, and x
    may have met them already, in a table. With a table, ``ids`` is the id of row 0, and those of rows are
    ``ids_step`` apart. ``s`` is room for :func:`step_floats`. Where nothing is packed weights are read in place.

    ``cell(a, s, distance, n, j, state)`` gets the place of the pre-activations of row n and the j-th vector of units,
    whose gates are ``distance`` floats apart, and returns what h of target becomes. It is compiled in two places, of
    which the number of threads decides: where a sum of products could be rounded in two ways it says ``fma``.
    """
    H, row, row_bias, table = a.H, a.D + a.H, offset(row_bias, a.H * first), offset(a.table, a.H * first)
    if not a.packed:
        for n in range(start, stop):
            here, bias = ids + ids_step * n, offset(row_bias, G * n)
            _lone_product(a, s, gates, first, G, bias, table, here, xh + row * n, columns)
            for j in range(vectors_of(H)):
                _finish(a, s + LANES * j, H, n, j, target, cell, state)
        return
    for panel in range(panels[0], panels[1]):
        u, units = first_unit(panel, gates), units_of(panel, gates, H)
        there = offset(table, u)
        for block in range(start, stop, BLOCK):
            rows, bias, which = min(BLOCK, stop - block), offset(row_bias, G * block + u), ids + ids_step * block
            _packed_product(
                a, s, rows, gates, first, G, panel, bias, there, which, ids_step, xh + row * block, columns
            )
            for v in range(ceil_div(units, LANES)):
                for r in range(rows):
                    _finish(a, s + (PANEL * r + LANES * v), units, block + r, u // LANES + v, target, cell, state)


@inline
def _one_step(a, t, start, stop, panels, units, step, s):
    """Make the h of step t of some rows, in a range of panels, whose units are ``units``."""
    row, (u, end) = a.D + a.H, units
    xh = a.xh_time + row * a.N * t
    xh_next = xh + row * a.N
    columns = (a.D if a.table else 0, a.D if a.fresh and t == 0 else row)
    step(a, t, start, stop, panels, columns, xh, xh_next, s)
    for n in range(start, stop):
        h = row * n + a.D + u
        if is_padding(a, n, t):
            copy_row(xh_next + h, xh + h, end - u)
        copy_row(a.hs + (a.H * (a.T * n + t) + u), xh_next + h, end - u)


@inline
def forward_rows(worker, task, a, gates, step):
    """Run all time steps of one group of rows.

    ``step(a, t, start, stop, panels, columns, xh, xh_next, s)`` makes the h of one, in a range of panels of so many
    gates.
    """
    start, stop = task * a.group, min(a.N, (task + 1) * a.group)
    s = a.scratch + a.scratch_size * worker
    _begin(a, start, stop)
    for t in range(a.T):
        _copy_inputs(a, t, start, stop)
        _one_step(a, t, start, stop, (0, panels_of(gates, a.H)), (0, a.H), step, s)
    _end(a, start, stop, (0, a.H))


@inline
def forward_units(worker, task, a, gates, step):
    """Run one time step of all rows in a part of the units; ``step`` as for :func:`forward_rows`.

    For weights that no cache of a core holds: every core reads its part alone. The x of step 0 are in place already,
    see :func:`prepare`, those of the next step are copied here.
    """
    t, part = task // a.parts, task % a.parts
    begin, end = share(part, a.parts, panels_of(gates, a.H))
    units = first_unit(begin, gates), min(a.H, first_unit(end, gates))
    _one_step(a, t, 0, a.group, (begin, end), units, step, a.scratch + a.scratch_size * worker)
    if t == a.T - 1:
        _end(a, 0, a.N, units)
    else:
        start, stop = share(part, a.parts, a.N)
        _copy_inputs(a, t + 1, start, stop)
