"""Compiled loops of the Elman RNN, forward and backward; parallel regions as those of the LSTM.

The only gate is h itself, so backward needs nothing but time-major copies of inputs and states.
"""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, clear, load_first, store_first, tiles
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.math import tanh
from fasts2s_kernels.cpu.pointer import Int, offset
from fasts2s_kernels.cpu.record import C1, C2, C3, Bools2, Out1, Out2, Out3, Rows3, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load, store
from fasts2s_kernels.ops.recurrent.cpu import arriving, is_padding, pack_transposed, weight_gradients
from fasts2s_kernels.ops.recurrent.cpu_forward import (
    copy_inputs,
    finish_step,
    pack_columns,
    panel_at,
    preactivations,
)

_ZERO, _ONE = np.float32(0), np.float32(1)


@record
class Forward(NamedTuple):
    """What a call works on."""

    N: Int
    T: Int
    D: Int
    H: Int
    G: Int  # columns of the weights
    split: Int  # G: they are one part
    group: Int  # rows of a task
    in_place: Int  # 1: weights are read where they are, but for the last columns where these are no whole vector
    xs: Rows3  # (N, T, D)
    x_n: Int  # its strides, in elements
    x_t: Int
    Wx: C2  # (D, H)
    Wh: C2  # (H, H)
    b: C1  # (H,) or empty
    row_bias: C2  # (N, H) or empty
    mask: Bools2  # (N, T) or empty
    hs: Out3  # (N, T, H)
    x_time: Out3  # (T, N, D)
    h_time: Out3  # (T + 1, N, H); the first is the initial state
    packed: Out1  # panels of 1 + D + H rows
    scratch: Out1  # (workers * PANEL * BLOCK,)


@record
class Backward(NamedTuple):
    """What a call works on."""

    N: Int
    T: Int
    D: Int
    H: Int
    G: Int  # columns of the weights
    group: Int  # rows of a task
    x_tasks: Int  # tasks for dxs
    dhs: Rows3  # (N, T, H) or empty
    d_n: Int  # its strides, in elements
    d_t: Int
    Wx: C2  # (D, H)
    Wh: C2  # (H, H)
    mask: Bools2  # (N, T) or empty
    x_time: C3  # (T, N, D)
    h_time: C3  # (T + 1, N, H)
    dA: Out3  # (T, N, H)
    carry: Out2  # (N, H in whole vectors): comes with the gradient of the last h, and is used up
    dh: Out2  # (N, H)
    dWx: Out2  # (D, H)
    dWh: Out2  # (H, H)
    db: Out1  # (H,) or empty
    dxs: Out3  # (N, T, D)
    packed: Out1  # Wh and Wx, transposed, in panels
    scratch: Out1  # (workers * PANEL * BLOCK,)
    local: Out2  # (workers, local_floats)
    local_size: Int


@kernel
def rnn_pack(worker: Int, task: Int, a: Forward) -> None:
    """Pack one panel of the weights."""
    pack_columns(task, a)


@inline
def _time_step(a, start, stop, x, h, h_next, s):
    """The new h of the rows start to stop."""
    H, u = a.H, 0
    while u < H:
        panel = panel_at(a, 0, H, u)
        columns = panel[0]
        width = ceil_div(columns, LANES)
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            extra = offset(a.row_bias, H * first + u)
            preactivations(a, s, rows, panel, extra, x + a.D * first, h + H * first)
            for r in range(rows):
                for v in range(width):
                    k = u + LANES * v
                    store_first(h_next + (H * (first + r) + k), tanh(load(s + LANES * (width * r + v))), H - k)
        u += columns


@kernel
def rnn_rows(worker: Int, task: Int, a: Forward) -> None:
    """Run all time steps of one group of rows."""
    start, stop = task * a.group, min(a.N, (task + 1) * a.group)
    s = a.scratch + PANEL * BLOCK * worker
    for t in range(a.T):
        x, h = a.x_time + a.D * a.N * t, a.h_time + a.H * a.N * t
        h_next = h + a.H * a.N
        copy_inputs(a, x, t, start, stop)
        _time_step(a, start, stop, x, h, h_next, s)
        finish_step(a, h, h_next, t, start, stop)


@kernel
def rnn_pack_transposed(worker: Int, task: Int, a: Backward) -> None:
    """Pack one panel of the weights, transposed."""
    pack_transposed(task, a)


@inline
def _row_backward(a, n, t, k, product):
    """One step back of one vector of units; ``product`` is the place of dA Wh^T of the step after it."""
    N, H = a.N, a.H
    kept = a.carry + (LANES * ceil_div(H, LANES) * n + k)
    d = arriving(a, n, t, k, kept, product)
    if t < 0:
        store_first(a.dh + (H * n + k), d, H - k)
        return
    # Either step t has a gradient of its own, or the whole of it passes through padding.
    padding, here = is_padding(a, n, t), H * (N * t + n) + k
    h = load_first(a.h_time + (H * N + here), H - k)
    own = splat(_ZERO) if padding else d * (splat(_ONE) - h * h)
    store_first(a.dA + here, own, H - k)
    store(kept, d if padding else splat(_ZERO))


@kernel
def rnn_rows_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back through all time steps of one group of rows; t = -1 is the initial state."""
    H, N, T = a.H, a.N, a.T
    start, stop = task * a.group, min(N, (task + 1) * a.group)
    s = a.scratch + PANEL * BLOCK * worker
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
                    A, W = a.dA + H * (N * (t + 1) + first), a.packed + PANEL * H * q
                    tiles(width, rows, s, step, A, H, 1, W, step, H)
                for r in range(rows):
                    for v in range(width):
                        _row_backward(a, first + r, t, u + LANES * v, s + LANES * (width * r + v))


@kernel
def rnn_gradients(worker: Int, task: Int, a: Backward) -> None:
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    weight_gradients(worker, task, a, a.G, a.h_time)


FORWARD = Launch(Forward, rnn_pack, rnn_rows)
BACKWARD = Launch(Backward, rnn_pack_transposed, rnn_rows_backward, rnn_gradients)
