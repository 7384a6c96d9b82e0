"""Compiled loops of the GRU, forward: pack the weights, then run all time steps of a group of rows.

A step is two passes over panels of columns: z and r of all units, which bring r h; then the candidate n, which needs
all of r h, and the new h. Rows are independent of one another over all time steps, so a task is a group of rows.
Time-major copies (T, N, .) of inputs, states and gates are what backward wants.
"""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, load_first, store_first
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.math import sigmoid, tanh
from fasts2s_kernels.cpu.pointer import Int, offset
from fasts2s_kernels.cpu.record import C1, C2, Bools2, Out1, Out3, Rows3, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load
from fasts2s_kernels.ops.recurrent.cpu_forward import (
    copy_inputs,
    finish_step,
    pack_columns,
    panel_at,
    preactivations,
)

_ONE = np.float32(1)


@record
class Forward(NamedTuple):
    """What a call works on."""

    N: Int
    T: Int
    D: Int
    H: Int
    G: Int  # 3H, columns of the weights
    split: Int  # 2H: the candidate's come after those of z and r
    group: Int  # rows of a task
    in_place: Int  # 1: weights are read where they are, but for the last columns of a part that are no whole vector
    xs: Rows3  # (N, T, D)
    x_n: Int  # its strides, in elements
    x_t: Int
    Wx: C2  # (D, 3H)
    Wh: C2  # (H, 3H)
    b: C1  # (3H,) or empty
    row_bias: C2  # (N, 3H) or empty
    mask: Bools2  # (N, T) or empty
    hs: Out3  # (N, T, H)
    x_time: Out3  # (T, N, D)
    h_time: Out3  # (T + 1, N, H); the first is the initial state
    rh_time: Out3  # (T, N, H): r h
    gates: Out3  # (T, N, 3H): z, r, n
    packed: Out1  # panels of 1 + D + H rows
    scratch: Out1  # (workers * PANEL * BLOCK,)


@kernel
def gru_pack(worker: Int, task: Int, a: Forward) -> None:
    """Pack one panel of the weights."""
    pack_columns(task, a)


@inline
def _update_and_reset(a, start, stop, x, h, rh, gates, s):
    """z and r of the rows start to stop, and r h."""
    H, G, u = a.H, a.G, 0
    while u < 2 * H:
        panel = panel_at(a, 0, 2 * H, u)
        columns = panel[0]
        width = ceil_div(columns, LANES)
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = offset(a.row_bias, G * first + u)
            preactivations(a, s, rows, panel, extra, x + a.D * first, h + H * first)
            for r in range(rows):
                for v in range(width):
                    place = gates + (G * (first + r) + u + LANES * v)
                    store_first(place, sigmoid(load(s + LANES * (width * r + v))), columns - LANES * v)
        u += columns
    for n in range(start, stop):
        for k in range(0, H, LANES):
            reset, here = load_first(gates + (G * n + H + k), H - k), H * n + k
            store_first(rh + here, reset * load_first(h + here, H - k), H - k)


@inline
def _candidate(a, start, stop, x, h, rh, h_next, gates, s):
    """The candidate n and the new h of the rows start to stop."""
    H, G, u = a.H, a.G, 0
    while u < H:
        panel = panel_at(a, 2 * H, G, u)
        columns = panel[0]
        width = ceil_div(columns, LANES)
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = offset(a.row_bias, G * first + 2 * H + u)
            preactivations(a, s, rows, panel, extra, x + a.D * first, rh + H * first)
            for r in range(rows):
                for v in range(width):
                    k = u + LANES * v
                    gate, here = gates + (G * (first + r) + k), H * (first + r) + k
                    new, z = tanh(load(s + LANES * (width * r + v))), load_first(gate, H - k)
                    store_first(gate + 2 * H, new, H - k)
                    store_first(h_next + here, (splat(_ONE) - z) * load_first(h + here, H - k) + z * new, H - k)
        u += columns


@kernel
def gru_rows(worker: Int, task: Int, a: Forward) -> None:
    """Run all time steps of one group of rows."""
    N, D, H = a.N, a.D, a.H
    start, stop = task * a.group, min(N, (task + 1) * a.group)
    s = a.scratch + PANEL * BLOCK * worker
    for t in range(a.T):
        x, h, rh = a.x_time + D * N * t, a.h_time + H * N * t, a.rh_time + H * N * t
        h_next, gates = h + H * N, a.gates + a.G * N * t
        copy_inputs(a, x, t, start, stop)
        _update_and_reset(a, start, stop, x, h, rh, gates, s)
        _candidate(a, start, stop, x, h, rh, h_next, gates, s)
        finish_step(a, h, h_next, t, start, stop)


FORWARD = Launch(Forward, gru_pack, gru_rows)
