"""Compiled loops of the LSTM, backward: three phases in one parallel region.

First the weights are packed transposed; then every group of rows goes back through time, which gives the gradients
of all pre-activations, dA; then each gradient of a weight is one product over all rows and steps. Its columns are
divided among tasks, so no two tasks add to one number and nothing depends on the number of threads.

dA is stored twice: by panels for the products at the end, and, of the last two steps, in rows of 4H (the gates of one
panel after those of another) for the product that brings the gradient of h.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, clear, load_first, pack, store_first, tiles_from
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.math import tanh
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import load, load_bool, store
from fasts2s_kernels.ops.lstm.cpu_gradients import lstm_gradients
from fasts2s_kernels.ops.lstm.cpu_panels import units_of

_pack, _tiles_from, _launch = pack.external, tiles_from.external, launch.external
_ZERO, _ONE = np.float32(0), np.float32(1)
#: Floats of memory of its own a worker needs for the rows: products, and a row of zeros.
ROW_FLOATS = PANEL * (BLOCK + 1)


def gradient_row(G: int) -> int:
    """Return the distance of rows of 4H in dA_rows, in floats: a whole vector is stored where the last units are."""
    return G + LANES


@kernel(needs=(pack,))
def lstm_pack_transposed(worker, task, args):
    """Pack PANEL rows of Wh, after these of Wx, as the columns of a panel of 4H rows, in the order of dA."""
    D, H, Wx, Wh, packed = unpack_args(args, 5)
    G, h_panels = 4 * H, ceil_div(H, PANEL)
    if task < h_panels:
        W, size, first = Wh, H, PANEL * task
    else:
        W, size, first = Wx, D, PANEL * (task - h_panels)
    columns = min(PANEL, size - first)
    width = ceil_div(columns, LANES)
    target = packed + FLOAT * PANEL * G * task
    for panel in range(ceil_div(H, LANES)):
        units = units_of(panel, H)
        for gate in range(4):
            place = target + VECTOR * width * (PANEL * panel + units * gate)
            _pack(place, width, W + FLOAT * (G * first + H * gate + LANES * panel), 1, G, units, columns)


@inline
def _incoming(n, k, N, H, t, T, dhs, d_n, d_t, dh_last, dh_kept):
    """Return what reaches one vector of h from outside: its output, the end of the sequence, padding after it."""
    d = splat(_ZERO)
    if dhs and t >= 0:
        d = load_first(dhs + FLOAT * (d_n * n + d_t * t + k), H - k)
    if dh_last and t == T - 1:
        d = d + load_first(dh_last + FLOAT * (H * n + k), H - k)
    if dh_kept and t < T - 1:
        d = d + load(dh_kept + VECTOR * ceil_div(H, LANES) * n + FLOAT * k)
    return d


@inline
def _store_twice(by_panel, by_row, f, g, i, o, units):
    """Store the gradients of the four gates, in this order: behind the units of one there is room for the next."""
    step = FLOAT * units
    for place in (by_panel, by_row):
        store(place, f)
        store(place + step, g)
        store(place + 2 * step, i)
        store(place + 3 * step, o)


@inline
def _cell_backward(dh, dc, gates, c_prev, c_next, by_panel, by_row, units):
    """Store the gradients of a row of pre-activations; replace dc by that of the step before."""
    f, g = load(gates), load(gates + VECTOR)
    i, o = load(gates + 2 * VECTOR), load(gates + 3 * VECTOR)
    one, tanh_c = splat(_ONE), tanh(load(c_next))
    ds = load(dc) + dh * o * (one - tanh_c * tanh_c)
    df, dg = ds * load(c_prev) * (f * (one - f)), ds * i * (one - g * g)
    di, do = ds * g * (i * (one - i)), dh * tanh_c * (o * (one - o))
    _store_twice(by_panel, by_row, df, dg, di, do, units)
    store(dc, ds * f)


@inline
def _sums_over_time(start, stop, drow_bias, dA, H, N, T):
    """The gradients of the biases of the rows start to stop."""
    for panel in range(ceil_div(H, LANES)):
        units = units_of(panel, H)
        for n in range(start, stop):
            for gate in range(4):
                here, total = dA + FLOAT * (PANEL * (N * T * panel + n) + units * gate), splat(_ZERO)
                for t in range(T):
                    total = total + load(here + FLOAT * PANEL * N * t)
                store_first(drow_bias + FLOAT * (H * (4 * n + gate) + LANES * panel), total, units)


@kernel(needs=(tiles_from,))
def lstm_rows_backward(worker, task, args):
    """Go back through all time steps of one group of rows; t = -1 is the initial state."""
    (
        _, H, _, _, packed, N, T, group, dA, dA_rows, row, scratch,
        dhs, d_n, d_t, dh_last, mask, c_time, gates, dc, dh, dh_kept, drow_bias,
    ) = unpack_args(args, 23)  # fmt: skip
    G, panels = 4 * H, ceil_div(H, LANES)
    start, stop = task * group, min(N, (task + 1) * group)
    s = scratch + FLOAT * PANEL * (BLOCK + 1) * worker
    zeros, zero = s + FLOAT * PANEL * BLOCK, splat(_ZERO)
    clear(zeros, PANEL // LANES)
    for back in range(T + 1):
        t = T - 1 - back
        # What is written at this step must not overwrite what its products read.
        known, new = dA_rows + FLOAT * row * N * ((t + 1) & 1), dA_rows + FLOAT * row * N * (t & 1)
        for q in range(ceil_div(H, PANEL)):
            width = ceil_div(min(PANEL, H - PANEL * q), LANES)
            step = width * LANES
            for first in range(start, stop, BLOCK):
                rows = min(BLOCK, stop - first)
                if t < T - 1:
                    A, W = known + FLOAT * row * first, packed + FLOAT * PANEL * G * q
                    _tiles_from(width, rows, s, step, zeros, 0, A, row, 1, W, step, G)
                for v in range(width):
                    panel = (PANEL // LANES) * q + v
                    k, units = LANES * panel, units_of(panel, H)
                    for n in range(first, first + rows):
                        d = _incoming(n, k, N, H, t, T, dhs, d_n, d_t, dh_last, dh_kept)
                        # Left out after padding, not added as zero: zero times an infinite weight is NaN.
                        if t < T - 1 and not (mask and not load_bool(mask + T * n + t + 1)):
                            d = d + load(s + VECTOR * (width * (n - first) + v))
                        if t < 0:
                            store_first(dh + FLOAT * (H * n + k), d, units)
                            continue
                        kept = dh_kept + VECTOR * panels * n + FLOAT * k
                        by_panel = dA + FLOAT * PANEL * (N * (T * panel + t) + n)
                        by_row = new + FLOAT * (row * n + PANEL * panel)
                        if mask and not load_bool(mask + T * n + t):
                            _store_twice(by_panel, by_row, zero, zero, zero, zero, units)
                            store(kept, d)
                            continue
                        if dh_kept:
                            store(kept, zero)
                        c = c_time + VECTOR * (N * (panels * t + panel) + n)
                        gate = gates + FLOAT * PANEL * (N * (panels * t + panel) + n)
                        cell = dc + VECTOR * (N * panel + n)
                        _cell_backward(d, cell, gate, c, c + VECTOR * N * panels, by_panel, by_row, units)
    if drow_bias:
        _sums_over_time(start, stop, drow_bias, dA, H, N, T)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.c2, arr.bools2, arr.c3, arr.c4, arr.c4, arr.int_, arr.int_,
        arr.int_, arr.out4, arr.out3, arr.out3, arr.out2, arr.out2, arr.out2, arr.out2, arr.out2, arr.out1, arr.out3,
        arr.out2, arr.ids1, arr.out1, arr.out1, arr.out2,
    ),
    needs=(lstm_pack_transposed, lstm_rows_backward, lstm_gradients, launch),
)  # fmt: skip
def backward(
    team, dhs, dh_last, Wx, Wh, mask, xh_time, c_time, gates, group, x_tasks, h_from,
    dA, dA_rows, dc, dh, dh_kept, drow_bias, dWx, dWh, db, dxs, dtable, ids, packed, scratch, local,
):  # fmt: skip
    """Fill dA (panels, T, N, PANEL), dh (N, H), the gradients of biases, weights and inputs; dc is updated.

    dc is (panels, N, LANES), dA_rows (2, N, gradient_row(4H)); dh_kept (N, H in whole vectors) is wanted with a mask.
    ``x_tasks`` is the number of tasks for dxs, ``scratch`` and ``local`` (workers, .) their memory. h is zero in the
    first ``h_from`` rows of xh_time. Where the inputs were ids (T * N,), D is 0, and dtable (V, 4H) is filled in
    place of dWx, db and dxs.
    """
    N, T, D = dxs.shape
    H = Wh.shape[0]
    args = pack_args((
        D, H, address(Wx), address(Wh), address(packed), N, T, group, address(dA), address(dA_rows),
        dA_rows.shape[2], address(scratch),
        address(dhs), dhs.strides[0] // FLOAT, dhs.strides[1] // FLOAT, address(dh_last), address(mask),
        address(c_time), address(gates), address(dc), address(dh), address(dh_kept), address(drow_bias),
        h_from, address(xh_time), address(dWx), address(dWh), address(db), address(dxs), x_tasks,
        address(dtable), dtable.shape[0], address(ids), address(local), local.shape[1],
    ))  # fmt: skip
    _launch(
        team, kernel_address("lstm_pack_transposed"), ceil_div(H, PANEL) + ceil_div(D, PANEL),
        kernel_address("lstm_rows_backward"), ceil_div(N, group),
        kernel_address("lstm_gradients"), ceil_div(H, LANES) + (x_tasks if D else 0), args,
    )  # fmt: skip
