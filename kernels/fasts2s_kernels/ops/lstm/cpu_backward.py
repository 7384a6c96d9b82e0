"""Compiled loops of the LSTM, backward: three phases in one parallel region.

First the weights are packed transposed; then every group of rows goes back through time, which gives the gradients
of all pre-activations, dA; then each gradient of a weight is one product over all rows and steps. Its columns are
divided among tasks, so no two tasks add to one number and nothing depends on the number of threads.

dA is stored twice: by panels for the products at the end, and, of the last two steps, in rows of 4H (the gates of one
panel after those of another) for the product that brings the gradient of h.
"""

import numpy as np

from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, clear, load_first, pack, store_first, tiles_from
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.math import tanh
from fasts2s_kernels.cpu.pointer import Int
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load, store
from fasts2s_kernels.ops.lstm.cpu_gradients import lstm_gradients
from fasts2s_kernels.ops.lstm.cpu_panels import units_of
from fasts2s_kernels.ops.lstm.cpu_records import Backward

_ZERO, _ONE = np.float32(0), np.float32(1)
#: Floats of memory of its own a worker needs for the rows: products, and a row of zeros.
ROW_FLOATS = PANEL * (BLOCK + 1)


def gradient_row(G: int) -> int:
    """Return the distance of rows of 4H in dA_rows, in floats: a whole vector is stored where the last units are."""
    return G + LANES


@kernel
def lstm_pack_transposed(worker: Int, task: Int, a: Backward) -> None:
    """Pack PANEL rows of Wh, after these of Wx, as the columns of a panel of 4H rows, in the order of dA."""
    D, H = a.D, a.H
    G, h_panels = 4 * H, ceil_div(H, PANEL)
    if task < h_panels:
        W, size, first = a.Wh, H, PANEL * task
    else:
        W, size, first = a.Wx, D, PANEL * (task - h_panels)
    columns = min(PANEL, size - first)
    width = ceil_div(columns, LANES)
    target = a.packed + PANEL * G * task
    for panel in range(ceil_div(H, LANES)):
        units = units_of(panel, H)
        for gate in range(4):
            place = target + LANES * width * (PANEL * panel + units * gate)
            pack(place, width, W + (G * first + H * gate + LANES * panel), 1, G, units, columns)


@inline
def _incoming(a, n, k, t):
    """Return what reaches one vector of h from outside: its output, the end of the sequence, padding after it."""
    d, H, T = splat(_ZERO), a.H, a.T
    if a.dhs and t >= 0:
        d = load_first(a.dhs + (a.d_n * n + a.d_t * t + k), H - k)
    if a.dh_last and t == T - 1:
        d = d + load_first(a.dh_last + (H * n + k), H - k)
    if a.dh_kept and t < T - 1:
        d = d + load(a.dh_kept + (LANES * ceil_div(H, LANES) * n + k))
    return d


@inline
def _store_twice(by_panel, by_row, f, g, i, o, units):
    """Store the gradients of the four gates, in this order: behind the units of one there is room for the next."""
    for place in (by_panel, by_row):
        store(place, f)
        store(place + units, g)
        store(place + 2 * units, i)
        store(place + 3 * units, o)


@inline
def _cell_backward(dh, dc, gates, c_prev, c_next, by_panel, by_row, units):
    """Store the gradients of a row of pre-activations; replace dc by that of the step before."""
    f, g = load(gates), load(gates + LANES)
    i, o = load(gates + 2 * LANES), load(gates + 3 * LANES)
    one, tanh_c = splat(_ONE), tanh(load(c_next))
    ds = load(dc) + dh * o * (one - tanh_c * tanh_c)
    df, dg = ds * load(c_prev) * (f * (one - f)), ds * i * (one - g * g)
    di, do = ds * g * (i * (one - i)), dh * tanh_c * (o * (one - o))
    _store_twice(by_panel, by_row, df, dg, di, do, units)
    store(dc, ds * f)


@inline
def _sums_over_time(a, start, stop):
    """The gradients of the biases of the rows start to stop."""
    for panel in range(ceil_div(a.H, LANES)):
        units = units_of(panel, a.H)
        for n in range(start, stop):
            for gate in range(4):
                here, total = a.dA + (PANEL * (a.N * a.T * panel + n) + units * gate), splat(_ZERO)
                for t in range(a.T):
                    total = total + load(here + PANEL * a.N * t)
                store_first(a.drow_bias + (a.H * (4 * n + gate) + LANES * panel), total, units)


@inline
def _row_backward(a, n, t, panel, new, product):
    """One step back of one row and panel; ``product`` is the place of dA Wh^T of the step after it."""
    N, T, panels = a.N, a.T, ceil_div(a.H, LANES)
    k, units, zero = LANES * panel, units_of(panel, a.H), splat(_ZERO)
    d = _incoming(a, n, k, t)
    # Left out after padding, not added as zero: zero times an infinite weight is NaN.
    if t < T - 1 and not (a.mask and not a.mask[T * n + t + 1]):
        d = d + load(product)
    if t < 0:
        store_first(a.dh + (a.H * n + k), d, units)
        return
    kept = a.dh_kept + (LANES * panels * n + k)
    by_panel, by_row = a.dA + PANEL * (N * (T * panel + t) + n), new + (a.dA_row * n + PANEL * panel)
    if a.mask and not a.mask[T * n + t]:
        _store_twice(by_panel, by_row, zero, zero, zero, zero, units)
        store(kept, d)
        return
    if a.dh_kept:
        store(kept, zero)
    c, gates = a.c_time + LANES * (N * (panels * t + panel) + n), a.gates + PANEL * (N * (panels * t + panel) + n)
    cell = a.dc + LANES * (N * panel + n)
    _cell_backward(d, cell, gates, c, c + LANES * N * panels, by_panel, by_row, units)


@kernel
def lstm_rows_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back through all time steps of one group of rows; t = -1 is the initial state."""
    H, N, T, row = a.H, a.N, a.T, a.dA_row
    G = 4 * H
    start, stop = task * a.group, min(N, (task + 1) * a.group)
    s = a.scratch + ROW_FLOATS * worker
    zeros = s + PANEL * BLOCK
    clear(zeros, PANEL // LANES)
    for back in range(T + 1):
        t = T - 1 - back
        # What is written at this step must not overwrite what its products read.
        known, new = a.dA_rows + row * N * ((t + 1) & 1), a.dA_rows + row * N * (t & 1)
        for q in range(ceil_div(H, PANEL)):
            width = ceil_div(min(PANEL, H - PANEL * q), LANES)
            step = width * LANES
            for first in range(start, stop, BLOCK):
                rows = min(BLOCK, stop - first)
                if t < T - 1:
                    tiles_from(
                        width, rows, s, step, zeros, 0, known + row * first, row, 1, a.packed + PANEL * G * q, step, G
                    )
                for v in range(width):
                    panel = (PANEL // LANES) * q + v
                    for n in range(first, first + rows):
                        _row_backward(a, n, t, panel, new, s + LANES * (width * (n - first) + v))
    if a.drow_bias:
        _sums_over_time(a, start, stop)


BACKWARD = Launch(Backward, lstm_pack_transposed, lstm_rows_backward, lstm_gradients)
