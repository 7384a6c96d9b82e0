"""Compiled loops of the GRU, forward: pack the weights, then run all time steps of a group of rows.

A step is two passes over panels of columns: z and r of all units, which bring r h; then the candidate n, which needs
all of r h, and the new h. Rows are independent of one another over all time steps, so a task is a group of rows.
Time-major copies (T, N, .) of inputs, states and gates are what backward wants.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, copy_row, load_first, store_first, tiles
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.math import sigmoid, tanh
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import load
from fasts2s_kernels.ops.recurrent.cpu_forward import (
    copy_inputs,
    finish_step,
    pack_columns,
    packed_panels,
    panel_at,
    preactivations,
)

_launch = launch.external
_ONE = np.float32(1)


@inline
def _update_and_reset(start, stop, D, H, weights, row_bias, x, h, rh, gates, s):
    """z and r of the rows start to stop, and r h."""
    G, u = 3 * H, 0
    while u < 2 * H:
        panel = panel_at(0, 2 * H, u, D, H, G, weights)
        columns = panel[0]
        width = ceil_div(columns, LANES)
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = row_bias + FLOAT * (G * first + u) if row_bias else 0
            preactivations(s, rows, panel, extra, x + FLOAT * D * first, h + FLOAT * H * first, D, H, G)
            for r in range(rows):
                for v in range(width):
                    place = gates + FLOAT * (G * (first + r) + u + LANES * v)
                    store_first(place, sigmoid(load(s + VECTOR * (width * r + v))), columns - LANES * v)
        u += columns
    for n in range(start, stop):
        for k in range(0, H, LANES):
            reset = load_first(gates + FLOAT * (G * n + H + k), H - k)
            here = FLOAT * (H * n + k)
            store_first(rh + here, reset * load_first(h + here, H - k), H - k)


@inline
def _candidate(start, stop, D, H, weights, row_bias, x, h, rh, h_next, gates, s):
    """The candidate n and the new h of the rows start to stop."""
    G, u = 3 * H, 0
    while u < H:
        panel = panel_at(2 * H, G, u, D, H, G, weights)
        columns = panel[0]
        width = ceil_div(columns, LANES)
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = row_bias + FLOAT * (G * first + 2 * H + u) if row_bias else 0
            preactivations(s, rows, panel, extra, x + FLOAT * D * first, rh + FLOAT * H * first, D, H, G)
            for r in range(rows):
                for v in range(width):
                    k = u + LANES * v
                    gate, here = gates + FLOAT * (G * (first + r) + k), FLOAT * (H * (first + r) + k)
                    new, z = tanh(load(s + VECTOR * (width * r + v))), load_first(gate, H - k)
                    store_first(gate + FLOAT * 2 * H, new, H - k)
                    store_first(h_next + here, (splat(_ONE) - z) * load_first(h + here, H - k) + z * new, H - k)
        u += columns


@kernel(needs=(tiles, copy_row))
def gru_rows(worker, task, args):
    """Run all time steps of one group of rows."""
    (
        D, H, G, _, Wx, Wh, b, packed, in_place, N, T, group, xs, x_n, x_t, row_bias, mask,
        hs, x_time, h_time, rh_time, gates, scratch,
    ) = unpack_args(args, 23)  # fmt: skip
    start, stop = task * group, min(N, (task + 1) * group)
    s = scratch + FLOAT * PANEL * BLOCK * worker
    weights = (Wx, Wh, b, packed, in_place)
    for t in range(T):
        x, h, rh = x_time + FLOAT * D * N * t, h_time + FLOAT * H * N * t, rh_time + FLOAT * H * N * t
        h_next, gate = h + FLOAT * H * N, gates + FLOAT * G * N * t
        copy_inputs(x, xs, x_n, x_t, t, start, stop, D)
        _update_and_reset(start, stop, D, H, weights, row_bias, x, h, rh, gate, s)
        _candidate(start, stop, D, H, weights, row_bias, x, h, rh, h_next, gate, s)
        finish_step(hs, h, h_next, mask, t, start, stop, T, H)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.c1, arr.c2, arr.bools2, arr.int_, arr.int_,
        arr.out3, arr.out3, arr.out3, arr.out3, arr.out3, arr.out1, arr.out1,
    ),
    needs=(pack_columns, gru_rows, launch),
)  # fmt: skip
def forward(
    team, xs, Wx, Wh, b, row_bias, mask, in_place, group, hs, x_time, h_time, rh_time, gates, packed, scratch
):
    """Fill hs (N, T, H), x_time (T, N, D), h_time (T + 1, N, H), rh_time (T, N, H), gates (T, N, 3H).

    h_time[0] holds the initial state; rh_time is r h, gates are z, r, n. With ``in_place`` weights are read where
    they are, but for the last columns of z, r and of n where these are no whole vector.
    """
    N, T, D = xs.shape
    H, G = Wh.shape
    args = pack_args((
        D, H, G, 2 * H, address(Wx), address(Wh), address(b), address(packed), in_place, N, T, group,
        address(xs), xs.strides[0] // FLOAT, xs.strides[1] // FLOAT, address(row_bias), address(mask),
        address(hs), address(x_time), address(h_time), address(rh_time), address(gates), address(scratch),
    ))  # fmt: skip
    panels = packed_panels(2 * H, in_place) + packed_panels(H, in_place)
    _launch(
        team, kernel_address("pack_columns"), panels, kernel_address("gru_rows"), ceil_div(N, group), 0, 0, args,
    )  # fmt: skip
