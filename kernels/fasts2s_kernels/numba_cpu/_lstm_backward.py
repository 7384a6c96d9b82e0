"""Compiled loops of the LSTM, backward: three phases in one parallel region.

First the weights are packed transposed; then every group of rows goes back through time, which gives the gradients of
all pre-activations, dA (T, N, 4H); then each gradient of a weight is one product over all rows and steps. Its columns
are divided among tasks, so no two tasks add to one number and nothing depends on the number of threads.
"""

import numpy as np

from fasts2s_kernels.numba_cpu import _arrays as arr
from fasts2s_kernels.numba_cpu._calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.numba_cpu._jit import entry, inline, kernel
from fasts2s_kernels.numba_cpu._math import tanh
from fasts2s_kernels.numba_cpu._numba import types
from fasts2s_kernels.numba_cpu._simd import FLOAT, VECTOR, load, load_bool, splat, store
from fasts2s_kernels.numba_cpu._target import LANES
from fasts2s_kernels.numba_cpu._threads import launch
from fasts2s_kernels.numba_cpu.gemm import BLOCK, PANEL, ceil_div, clear, load_first, pack, store_first, tiles
from fasts2s_kernels.numba_cpu.recurrent import input_rows, pack_transposed, weight_columns

_tiles, _launch = tiles.external, launch.external
_ZERO, _ONE = np.float32(0), np.float32(1)


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
def _cell_backward(dh, dc, gates, gate_step, c_prev, c_next, dA, H, units):
    """Store the gradients of four vectors of pre-activations; replace dc by that of the step before."""
    f, g = load(gates), load(gates + gate_step)
    i, o = load(gates + 2 * gate_step), load(gates + 3 * gate_step)
    one, tanh_c = splat(_ONE), tanh(load(c_next))
    ds = load(dc) + dh * o * (one - tanh_c * tanh_c)
    store_first(dA, ds * load(c_prev) * (f * (one - f)), units)
    store_first(dA + FLOAT * H, ds * i * (one - g * g), units)
    store_first(dA + FLOAT * 2 * H, ds * g * (i * (one - i)), units)
    store_first(dA + FLOAT * 3 * H, dh * tanh_c * (o * (one - o)), units)
    store(dc, ds * f)


@inline
def _padding(dA, H, units):
    """A step of padding has no gradient of its own."""
    for gate in range(4):
        store_first(dA + FLOAT * H * gate, splat(_ZERO), units)


@kernel(needs=(tiles,))
def lstm_rows_backward(worker, task, args):
    """Go back through all time steps of one group of rows; t = -1 is the initial state."""
    (
        _, H, G, _, _, packed, N, T, group, dA, scratch,
        dhs, d_n, d_t, dh_last, mask, c_time, gates, dc, dh, dh_kept,
    ) = unpack_args(args, 21)  # fmt: skip
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
                    A, W = dA + FLOAT * G * (N * (t + 1) + first), packed + FLOAT * PANEL * G * q
                    _tiles(width, rows, s, step, A, G, 1, W, step, LANES, G)
                for r in range(rows):
                    n = first + r
                    for v in range(width):
                        k = u + LANES * v
                        d = _incoming(n, k, N, H, t, T, dhs, d_n, d_t, dh_last, dh_kept)
                        # Left out after padding, not added as zero: zero times an infinite weight is NaN.
                        if t < T - 1 and not (mask and not load_bool(mask + T * n + t + 1)):
                            d = d + load(s + VECTOR * (width * r + v))
                        if t < 0:
                            store_first(dh + FLOAT * (H * n + k), d, H - k)
                            continue
                        target, kept = dA + FLOAT * (G * (N * t + n) + k), dh_kept + HV * n + FLOAT * k
                        if mask and not load_bool(mask + T * n + t):
                            _padding(target, H, H - k)
                            store(kept, d)
                            continue
                        if dh_kept:
                            store(kept, splat(_ZERO))
                        c = c_time + HV * (N * t + n) + FLOAT * k
                        gate = gates + 4 * HV * (N * t + n) + FLOAT * k
                        _cell_backward(d, dc + HV * n + FLOAT * k, gate, HV, c, c + HV * N, target, H, H - k)


@kernel(needs=(pack, tiles))
def lstm_weight_gradients(worker, task, args):
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    (
        D, H, G, _, _, packed, N, T, _, dA, _, _, _, _, _, _, _, _, _, _, _,
        h_from, x_time, h_time, dWx, dWh, db, dxs, x_tasks, dtable, V, ids, local, local_size,
    ) = unpack_args(args, 34)  # fmt: skip
    local += FLOAT * local_size * worker
    panels = ceil_div(G, PANEL)
    if task < panels:
        first = PANEL * task
        columns = min(PANEL, G - first)
        weight_columns(
            first, ceil_div(columns, LANES), columns, D, H, G, N * T, h_from, dA, x_time, h_time, dWx, dWh, db,
            dtable, V, ids, local,
        )  # fmt: skip
    else:
        group = ceil_div(N * T, x_tasks)
        start = group * (task - panels)
        input_rows(start, min(N * T, start + group), D, H, G, N, T, dA, packed, dxs, local)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.c2, arr.bools2, arr.c3, arr.c3, arr.c3, arr.c3, arr.int_, arr.int_,
        arr.int_, arr.out3, arr.out2, arr.out2, arr.out2, arr.out2, arr.out2, arr.out1, arr.out3, arr.out2, arr.ids1,
        arr.out1, arr.out1, arr.out2,
    ),
    needs=(pack_transposed, lstm_rows_backward, lstm_weight_gradients, launch),
)  # fmt: skip
def backward(
    team, dhs, dh_last, Wx, Wh, mask, x_time, h_time, c_time, gates, group, x_tasks, h_from,
    dA, dc, dh, dh_kept, dWx, dWh, db, dxs, dtable, ids, packed, scratch, local,
):  # fmt: skip
    """Fill dA (T, N, 4H), dh (N, H), the gradients of the weights and dxs (N, T, D); dc (N, HV) is updated.

    dh_kept (N, HV) is wanted with a mask. ``x_tasks`` is the number of tasks for dxs, ``local`` (workers, .) their
    memory. The first ``h_from`` rows of h_time are zero. Where the inputs were ids (T * N,), D is 0, and dtable
    (V, 4H) is filled in place of dWx, db and dxs.
    """
    T, N, D = x_time.shape
    H, G = Wh.shape
    args = pack_args((
        D, H, G, address(Wx), address(Wh), address(packed), N, T, group, address(dA), address(scratch),
        address(dhs), dhs.strides[0] // FLOAT, dhs.strides[1] // FLOAT, address(dh_last), address(mask),
        address(c_time), address(gates), address(dc), address(dh), address(dh_kept),
        h_from, address(x_time), address(h_time), address(dWx), address(dWh), address(db), address(dxs), x_tasks,
        address(dtable), dtable.shape[0], address(ids), address(local), local.shape[1],
    ))  # fmt: skip
    _launch(
        team, kernel_address("pack_transposed"), ceil_div(H, PANEL) + ceil_div(D, PANEL),
        kernel_address("lstm_rows_backward"), ceil_div(N, group),
        kernel_address("lstm_weight_gradients"), ceil_div(G, PANEL) + (x_tasks if D else 0), args,
    )  # fmt: skip
