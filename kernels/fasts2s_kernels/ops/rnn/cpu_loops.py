"""Compiled loops of the Elman RNN, forward and backward; parallel regions as those of the LSTM.

The only gate is h itself, so backward needs nothing but time-major copies of inputs and states.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, clear, copy_row, load_first, store_first, tiles
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.math import tanh
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import load, load_bool, store
from fasts2s_kernels.ops.recurrent.cpu import (
    arriving,
    pack_transposed,
    product_place,
    weight_gradients,
    weight_panels,
)
from fasts2s_kernels.ops.recurrent.cpu_forward import (
    copy_inputs,
    finish_step,
    pack_columns,
    packed_panels,
    panel_at,
    preactivations,
)

_tiles, _launch = tiles.external, launch.external
_ZERO, _ONE = np.float32(0), np.float32(1)


@inline
def _time_step(start, stop, D, H, weights, row_bias, x, h, h_next, s):
    """The new h of the rows start to stop."""
    u = 0
    while u < H:
        panel = panel_at(0, H, u, D, H, H, weights)
        columns = panel[0]
        width = ceil_div(columns, LANES)
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = row_bias + FLOAT * (H * first + u) if row_bias else 0
            preactivations(s, rows, panel, extra, x + FLOAT * D * first, h + FLOAT * H * first, D, H, H)
            for r in range(rows):
                for v in range(width):
                    k = u + LANES * v
                    new = tanh(load(s + VECTOR * (width * r + v)))
                    store_first(h_next + FLOAT * (H * (first + r) + k), new, H - k)
        u += columns


@kernel(needs=(tiles, copy_row))
def rnn_rows(worker, task, args):
    """Run all time steps of one group of rows."""
    (
        D, H, _, _, Wx, Wh, b, packed, in_place, N, T, group, xs, x_n, x_t, row_bias, mask,
        hs, x_time, h_time, scratch,
    ) = unpack_args(args, 21)  # fmt: skip
    start, stop = task * group, min(N, (task + 1) * group)
    s = scratch + FLOAT * PANEL * BLOCK * worker
    weights = (Wx, Wh, b, packed, in_place)
    for t in range(T):
        x, h = x_time + FLOAT * D * N * t, h_time + FLOAT * H * N * t
        h_next = h + FLOAT * H * N
        copy_inputs(x, xs, x_n, x_t, t, start, stop, D)
        _time_step(start, stop, D, H, weights, row_bias, x, h, h_next, s)
        finish_step(hs, h, h_next, mask, t, start, stop, T, H)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.c1, arr.c2, arr.bools2, arr.int_, arr.int_,
        arr.out3, arr.out3, arr.out3, arr.out1, arr.out1,
    ),
    needs=(pack_columns, rnn_rows, launch),
)  # fmt: skip
def forward(team, xs, Wx, Wh, b, row_bias, mask, in_place, group, hs, x_time, h_time, packed, scratch):
    """Fill hs (N, T, H), x_time (T, N, D), h_time (T + 1, N, H); h_time[0] holds the initial state.

    With ``in_place`` weights are read where they are, but for the last columns where these are no whole vector.
    """
    N, T, D = xs.shape
    H = Wh.shape[0]
    args = pack_args((
        D, H, H, H, address(Wx), address(Wh), address(b), address(packed), in_place, N, T, group,
        address(xs), xs.strides[0] // FLOAT, xs.strides[1] // FLOAT, address(row_bias), address(mask),
        address(hs), address(x_time), address(h_time), address(scratch),
    ))  # fmt: skip
    _launch(
        team, kernel_address("pack_columns"), packed_panels(H, in_place),
        kernel_address("rnn_rows"), ceil_div(N, group), 0, 0, args,
    )  # fmt: skip


@kernel(needs=(tiles,))
def rnn_rows_backward(worker, task, args):
    """Go back through all time steps of one group of rows; t = -1 is the initial state."""
    (
        _, H, _, _, _, packed, N, T, group, dA, _, h_time, _, _, _, _, _, _, _, _, _, scratch,
        dhs, d_n, d_t, mask, carry, dh,
    ) = unpack_args(args, 28)  # fmt: skip
    HV = VECTOR * ceil_div(H, LANES)
    start, stop = task * group, min(N, (task + 1) * group)
    s = scratch + FLOAT * PANEL * BLOCK * worker
    for back in range(T + 1):
        t = T - 1 - back
        for q in range(ceil_div(H, PANEL)):
            u = PANEL * q
            width = ceil_div(min(PANEL, H - u), LANES)
            step = width * LANES
            for first in range(start, stop, BLOCK):
                rows = min(BLOCK, stop - first)
                if t < T - 1:
                    clear(s, rows * width)
                    A, W = dA + FLOAT * H * (N * (t + 1) + first), packed + FLOAT * PANEL * H * q
                    _tiles(width, rows, s, step, A, H, 1, W, step, H)
                for r in range(rows):
                    n = first + r
                    product = product_place(s + VECTOR * width * r, n, t, T, mask)
                    for v in range(width):
                        k = u + LANES * v
                        kept, here = carry + HV * n + FLOAT * k, FLOAT * (H * (N * t + n) + k)
                        out = dhs + FLOAT * (d_n * n + d_t * t + k) if dhs and t >= 0 else 0
                        d = arriving(kept, product + VECTOR * v if product else 0, out, H - k)
                        if t < 0:
                            store_first(dh + FLOAT * (H * n + k), d, H - k)
                            continue
                        # Either step t has a gradient of its own, or the whole of it passes through padding.
                        padding = mask and not load_bool(mask + T * n + t)
                        h = load_first(h_time + FLOAT * H * N + here, H - k)
                        own = splat(_ZERO) if padding else d * (splat(_ONE) - h * h)
                        store_first(dA + here, own, H - k)
                        store(kept, d if padding else splat(_ZERO))


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.bools2, arr.c3, arr.c3, arr.int_, arr.int_,
        arr.out3, arr.out2, arr.out2, arr.out2, arr.out2, arr.out1, arr.out3, arr.out1, arr.out1, arr.out2,
    ),
    needs=(pack_transposed, rnn_rows_backward, weight_gradients, launch),
)  # fmt: skip
def backward(
    team, dhs, Wx, Wh, mask, x_time, h_time, group, x_tasks,
    dA, carry, dh, dWx, dWh, db, dxs, packed, scratch, local,
):  # fmt: skip
    """Fill dA (T, N, H), dh (N, H), the gradients of the weights and dxs (N, T, D).

    carry (N, H in whole vectors) comes with the gradient of the last h and is used up. ``x_tasks`` is the number of
    tasks for dxs, ``local`` (workers, .) their memory.
    """
    T, N, D = x_time.shape
    H = Wh.shape[0]
    args = pack_args((
        D, H, H, address(Wx), address(Wh), address(packed), N, T, group, address(dA), address(x_time),
        address(h_time), address(dWx), address(dWh), address(db), address(dxs), x_tasks, address(local),
        local.shape[1], H, 0, address(scratch),
        address(dhs), dhs.strides[0] // FLOAT, dhs.strides[1] // FLOAT, address(mask), address(carry), address(dh),
    ))  # fmt: skip
    _launch(
        team, kernel_address("pack_transposed"), ceil_div(H, PANEL) + ceil_div(D, PANEL),
        kernel_address("rnn_rows_backward"), ceil_div(N, group),
        kernel_address("weight_gradients"), weight_panels(H, H) + x_tasks, args,
    )  # fmt: skip
