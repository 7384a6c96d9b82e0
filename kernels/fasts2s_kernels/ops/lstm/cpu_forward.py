"""Compiled loops of the LSTM, forward: pack the weights, then run all time steps of a group of rows.

Rows are independent of one another over all time steps, so a task is a group of rows. Inputs and states are kept
time-major and side by side, rows x | h of ``xh`` (T + 1, N, D + H): one product takes both, and backward wants it so.
Gates (T, panels, N, PANEL) and c (T + 1, panels, N, LANES) are kept by panels, see ``_lstm_panels``.
"""

from typing import NamedTuple

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
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.math import sigmoid, tanh
from fasts2s_kernels.cpu.pointer import Floats, Int, Ints, offset
from fasts2s_kernels.cpu.record import C1, C2, Bools2, Ids2, Out1, Out2, Out3, Out4, Rows3, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load, store
from fasts2s_kernels.ops.lstm.cpu_panels import units_of, width_of

_ZERO = np.float32(0)


@record
class Forward(NamedTuple):
    """What a call works on. Where the inputs are ids of rows of a table, D is 0."""

    N: Int
    T: Int
    D: Int
    H: Int
    group: Int  # rows of a task
    fresh: Int  # 1: h is zero before the first step
    xs: Rows3  # (N, T, D)
    x_n: Int  # its strides, in elements
    x_t: Int
    Wx: C2  # (D, 4H)
    Wh: C2  # (H, 4H)
    b: C1  # (4H,) or empty
    row_bias: C2  # (N, 4H) or empty
    mask: Bools2  # (N, T) or empty
    table: C2  # (V, 4H) or empty
    ids: Ids2  # (N, T) or empty
    hs: Out3  # (N, T, H)
    xh_time: Out3  # (T + 1, N, D + H); the h of the first is the initial state
    c_time: Out4  # (T + 1, panels, N, LANES); the first is the initial state
    gates: Out4  # (T, panels, N, PANEL)
    packed: Out1  # panels of 1 + D + H rows; unused where a task is one row
    scratch: Out2  # (workers, step_floats)
    scratch_size: Int


@kernel
def lstm_pack(worker: Int, task: Int, a: Forward) -> None:
    """Pack the bias, Wx and Wh of one panel of units: 1 + D + H rows."""
    pack_panel(task, a.D, a.H, a.Wx, a.Wh, a.b, a.packed)


@kernel
def pack_panel(panel: Int, D: Int, H: Int, Wx: Floats, Wh: Floats, b: Floats, packed: Floats) -> None:
    """Pack the bias, Wx and Wh of one panel of units: 1 + D + H rows."""
    units = units_of(panel, H)
    target = packed + PANEL * (1 + D + H) * panel
    for gate in range(4):  # in this order: the zeros behind the units of a gate make room for the next one
        first, here = gate * H + panel * LANES, target + units * gate
        store(here, load_first(b + first, units) if b else splat(_ZERO))
        for k in range(D):
            store(here + PANEL * (1 + k), load_first(Wx + (4 * H * k + first), units))
        for k in range(H):
            store(here + PANEL * (1 + D + k), load_first(Wh + (4 * H * k + first), units))


@kernel
def begin_rows(
    s: Floats,
    rows: Int,
    bias: Floats,
    bias_step: Int,
    row_bias: Floats,
    table: Floats,
    ids: Ints,
    ids_step: Int,
    H: Int,
    units: Int,
) -> None:
    """Start the pre-activations of a block of rows: the bias, or the row of a table; and the bias of the row."""
    for r in range(rows):
        start, step = bias, bias_step
        if table:
            start, step = table + 4 * H * ids[ids_step * r], H
        for gate in range(4):
            a = load_first(start + step * gate, units) if start else splat(_ZERO)
            if row_bias:
                a = a + load_first(row_bias + H * (4 * r + gate), units)
            store(s + (PANEL * r + units * gate), a)


@inline
def _cell(s, distance, gates, c_prev, c_next):
    """Turn pre-activations, whose gates are ``distance`` floats apart, into gates, the next c, and h: the result."""
    f, g = sigmoid(load(s)), tanh(load(s + distance))
    i, o = sigmoid(load(s + 2 * distance)), sigmoid(load(s + 3 * distance))
    c = f * load(c_prev) + g * i
    store(gates, f)
    store(gates + LANES, g)
    store(gates + 2 * LANES, i)
    store(gates + 3 * LANES, o)
    store(c_next, c)
    return o * tanh(c)


@kernel
def lone_step(
    D: Int,
    H: Int,
    K: Int,
    Wx: Floats,
    Wh: Floats,
    start: Floats,
    row_bias: Floats,
    xh: Floats,
    xh_next: Floats,
    c: Floats,
    c_next: Floats,
    c_panel: Int,
    gates: Floats,
    gate_panel: Int,
    s: Floats,
) -> None:
    """One time step of one row: Wx and Wh are read where they are, each of their rows as one stream.

    ``start`` is the bias or the row of a table, or nothing; the others are those of :func:`time_step`.
    """
    G = 4 * H
    for n in range(0, G + LANES, LANES):  # zeros behind the last gate: its last panel may be a part of one
        a = load_first(start + n, G - n) if start else splat(_ZERO)
        if row_bias:
            a = a + load_first(row_bias + n, G - n)
        store(s + n, a)
    row_product(s, xh, Wx, G, G, D)
    if K > D:
        row_product(s, xh + D, Wh, G, G, H)
    for panel in range(ceil_div(H, LANES)):
        u, cell = panel * LANES, c_panel * panel
        new = _cell(s + u, H, gates + gate_panel * panel, c + cell, c_next + cell)
        store_first(xh_next + (D + u), new, units_of(panel, H))


def step_floats(group: int, H: int) -> int:
    """Return how many floats of room a ``time_step`` needs where groups have up to ``group`` rows."""
    return max(PANEL * BLOCK, 4 * padded(H) + 2 * LANES if group == 1 else 0)


@inline
def _packed_product(a, s, rows, panel, row_bias, table, ids, ids_step, xh, K):
    """Pre-activations of a block of rows, from packed weights."""
    units, row = units_of(panel, a.H), a.D + a.H
    bias = a.packed + PANEL * (1 + row) * panel
    W, width = bias + PANEL, width_of(units)
    if row_bias or table:
        begin_rows(s, rows, bias, units, row_bias, table, ids, ids_step, a.H, units)
        tiles(width, rows, s, PANEL, xh, row, 1, W, PANEL, K)
    else:
        tiles_from(width, rows, s, PANEL, bias, 0, xh, row, 1, W, PANEL, K)


@inline
def _lone_row(a, n, K, row_bias, ids, ids_step, xh, xh_next, c, c_next, c_panel, gates, gate_panel, gate_row, s):
    """One time step of row n."""
    row, cell = (a.D + a.H) * n, LANES * n
    start = a.table + 4 * a.H * ids[ids_step * n] if a.table else a.b
    lone_step(
        a.D, a.H, K, a.Wx, a.Wh, start, offset(row_bias, 4 * a.H * n), xh + row, xh_next + row, c + cell,
        c_next + cell, c_panel, gates + gate_row * n, gate_panel, s,
    )  # fmt: skip


@inline
def time_step(
    a, start, stop, K, row_bias, ids, ids_step, xh, xh_next, c, c_next, c_panel, gates, gate_panel, gate_row, s
):
    """One time step of the rows start to stop of a group.

    The record has D, H, group, Wx, Wh, b, packed, table. xh and c are read, the h of xh_next, c_next and gates
    written; all are places of row 0. ``K`` is D + H, or D where h is zero. Panels of c are ``c_panel`` floats apart,
    panels and rows of gates ``gate_panel`` and ``gate_row``. With a table, ``ids`` is the id of row 0, and those of
    rows are ``ids_step`` apart; ``s`` is room for :func:`step_floats`. A group of one row reads the weights where
    they are, for packing would read them twice.
    """
    row = a.D + a.H
    if a.group == 1:
        _lone_row(
            a, start, K, row_bias, ids, ids_step, xh, xh_next, c, c_next, c_panel, gates, gate_panel, gate_row, s
        )
        return
    for panel in range(ceil_div(a.H, LANES)):
        u, units = panel * LANES, units_of(panel, a.H)
        table = offset(a.table, u)
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra, which = offset(row_bias, 4 * a.H * first + u), ids + ids_step * first
            _packed_product(a, s, rows, panel, extra, table, which, ids_step, xh + row * first, K)
            gate, state = gates + (gate_panel * panel + gate_row * first), c_panel * panel + LANES * first
            target = xh_next + (row * first + a.D + u)
            for r in range(rows):
                cell = state + LANES * r
                new = _cell(s + PANEL * r, units, gate + gate_row * r, c + cell, c_next + cell)
                store_first(target + row * r, new, units)


@inline
def pass_through(a, n, xh, xh_next, c, c_next, c_panel):
    """At a step of padding the state of row n stays what it was."""
    here = (a.D + a.H) * n + a.D
    copy_row(xh_next + here, xh + here, a.H)
    for panel in range(ceil_div(a.H, LANES)):
        cell = c_panel * panel + LANES * n
        store(c_next + cell, load(c + cell))


@kernel
def lstm_rows(worker: Int, task: Int, a: Forward) -> None:
    """Run all time steps of one group of rows."""
    N, T, D, H = a.N, a.T, a.D, a.H
    panels, row = ceil_div(H, LANES), D + H
    start, stop = task * a.group, min(N, (task + 1) * a.group)
    s = a.scratch + a.scratch_size * worker
    for t in range(T):
        xh, c = a.xh_time + row * N * t, a.c_time + LANES * N * panels * t
        xh_next, c_next = xh + row * N, c + LANES * N * panels
        for n in range(start, stop):
            copy_row(xh + row * n, a.xs + (a.x_n * n + a.x_t * t), D)
        K = D if a.fresh and t == 0 else row
        gates = a.gates + PANEL * N * panels * t
        time_step(
            a, start, stop, K, a.row_bias, a.ids + t, T, xh, xh_next, c, c_next, LANES * N, gates, PANEL * N, PANEL, s
        )
        for n in range(start, stop):
            if a.mask and not a.mask[T * n + t]:
                pass_through(a, n, xh, xh_next, c, c_next, LANES * N)
            copy_row(a.hs + H * (T * n + t), xh_next + (row * n + D), H)


FORWARD = Launch(Forward, lstm_pack, lstm_rows)
