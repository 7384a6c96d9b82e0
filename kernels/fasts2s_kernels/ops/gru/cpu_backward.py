"""Compiled loops of the GRU, backward: three phases in one parallel region, as those of the LSTM.

First the weights are packed transposed; then every group of rows goes back through time, which gives the gradients of
all pre-activations, dA (T, N, 3H); then each gradient of a weight is one product over all rows and steps.

A step back is two passes over the units: dz and dn, which need the whole gradient of h; then dr, which needs the
gradient of r h, ``dn Wh_n^T``. What reaches the h before is in part a product (``dz, dr`` with Wh, made at the step
before) and in part not: ``carry`` holds the second part.
"""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, clear, load_first, store_first, tiles
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import Int
from fasts2s_kernels.cpu.record import C2, C3, Bools2, Out1, Out2, Out3, Rows3, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load, store
from fasts2s_kernels.ops.recurrent.cpu import arriving, is_padding, pack_transposed, weight_gradients

_ZERO, _ONE = np.float32(0), np.float32(1)


@record
class Backward(NamedTuple):
    """What a call works on."""

    N: Int
    T: Int
    D: Int
    H: Int
    G: Int  # 3H, columns of the weights
    group: Int  # rows of a task
    x_tasks: Int  # tasks for dxs
    dhs: Rows3  # (N, T, H) or empty
    d_n: Int  # its strides, in elements
    d_t: Int
    Wx: C2  # (D, 3H)
    Wh: C2  # (H, 3H)
    mask: Bools2  # (N, T) or empty
    x_time: C3  # (T, N, D)
    h_time: C3  # (T + 1, N, H)
    rh_time: C3  # (T, N, H)
    gates: C3  # (T, N, 3H)
    dA: Out3  # (T, N, 3H)
    carry: Out2  # (N, H in whole vectors): comes with the gradient of the last h, and is used up
    dh: Out2  # (N, H)
    dWx: Out2  # (D, 3H)
    dWh: Out2  # (H, 3H)
    db: Out1  # (3H,) or empty
    dxs: Out3  # (N, T, D)
    packed: Out1  # Wh and Wx, transposed, in panels
    scratch: Out1  # (workers * PANEL * BLOCK,)
    local: Out2  # (workers, local_floats)
    local_size: Int


@kernel
def gru_pack_transposed(worker: Int, task: Int, a: Backward) -> None:
    """Pack one panel of the weights, transposed."""
    pack_transposed(task, a)


@inline
def _update_cell(d, gates, h, dA, carry, H, k):
    """Store dz and dn of one vector of units, and what of the gradient d of h passes by the candidate."""
    z, new = load_first(gates, H - k), load_first(gates + 2 * H, H - k)
    one = splat(_ONE)
    store_first(dA, d * (new - load_first(h, H - k)) * (z * (one - z)), H - k)
    store_first(dA + 2 * H, d * z * (one - new * new), H - k)
    store(carry, d * (one - z))


@inline
def _reset_cell(drh, gates, h, dA, carry, H, k):
    """Store dr of one vector of units, and add the part of the gradient of h that goes through r h."""
    r = load_first(gates + H, H - k)
    store_first(dA + H, drh * load_first(h, H - k) * (r * (splat(_ONE) - r)), H - k)
    store(carry, load(carry) + r * drh)


@inline
def _update_row(a, n, t, k, product):
    """dz and dn of one row and vector of units; ``product`` is the place of (dz | dr) Wh^T of the step after it."""
    H, G, row = a.H, a.G, a.N * t + n
    kept = a.carry + (LANES * ceil_div(H, LANES) * n + k)
    d = arriving(a, n, t, k, kept, product)
    if t < 0:
        store_first(a.dh + (H * n + k), d, H - k)
        return
    target = a.dA + (G * row + k)
    if is_padding(a, n, t):
        for gate in range(3):
            store_first(target + H * gate, splat(_ZERO), H - k)
        store(kept, d)
        return
    _update_cell(d, a.gates + (G * row + k), a.h_time + (H * row + k), target, kept, H, k)


@inline
def _updates(a, t, start, stop, s):
    """dz and dn of step t; at t = -1 the gradient of the initial state, dh."""
    H, G = a.H, a.G
    for q in range(ceil_div(H, PANEL)):
        u = PANEL * q
        width = ceil_div(min(PANEL, H - u), LANES)
        step = width * LANES
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            if t < a.T - 1:
                clear(s, rows * width)
                A, W = a.dA + G * (a.N * (t + 1) + first), a.packed + PANEL * G * q
                tiles(width, rows, s, step, A, G, 1, W, step, 2 * H)
            for r in range(rows):
                for v in range(width):
                    _update_row(a, first + r, t, u + LANES * v, s + LANES * (width * r + v))


@inline
def _resets(a, t, start, stop, s):
    """The dr of step t, from its dn."""
    H, G = a.H, a.G
    for q in range(ceil_div(H, PANEL)):
        u = PANEL * q
        width = ceil_div(min(PANEL, H - u), LANES)
        step = width * LANES
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            clear(s, rows * width)
            A, W = a.dA + (G * (a.N * t + first) + 2 * H), a.packed + (PANEL * G * q + step * 2 * H)
            tiles(width, rows, s, step, A, G, 1, W, step, H)
            for r in range(rows):
                n, row = first + r, a.N * t + first + r
                if is_padding(a, n, t):
                    continue
                for v in range(width):
                    k = u + LANES * v
                    gate, target, here = a.gates + (G * row + k), a.dA + (G * row + k), a.h_time + (H * row + k)
                    kept = a.carry + (LANES * ceil_div(H, LANES) * n + k)
                    _reset_cell(load(s + LANES * (width * r + v)), gate, here, target, kept, H, k)


@kernel
def gru_rows_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back through all time steps of one group of rows; t = -1 is the initial state."""
    start, stop = task * a.group, min(a.N, (task + 1) * a.group)
    s = a.scratch + PANEL * BLOCK * worker
    for back in range(a.T + 1):
        t = a.T - 1 - back
        _updates(a, t, start, stop, s)
        if t >= 0:
            _resets(a, t, start, stop, s)


@kernel
def gru_gradients(worker: Int, task: Int, a: Backward) -> None:
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    weight_gradients(worker, task, a, 2 * a.H, a.rh_time)


BACKWARD = Launch(Backward, gru_pack_transposed, gru_rows_backward, gru_gradients)
