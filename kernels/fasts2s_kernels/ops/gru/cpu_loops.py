"""The cell of the GRU in compiled code.

A step is two passes: z and r of all units, which bring r h; then the candidate n, which needs all of r h, and the new
h. Back it is two as well: dz and dn, which need the whole gradient of h; then dr, which needs that of r h, dn Wh_n^T.
What reaches the h before is in part a product, (dz | dr) Wh^T, and in part not: that is carried.
"""

import numpy as np

from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, load_first
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.math import sigmoid, tanh
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import fma, splat
from fasts2s_kernels.cpu.vector_memory import load, store
from fasts2s_kernels.ops.recurrent.cpu_backward import (
    arriving,
    backward_rows,
    carry_at,
    pack_transposed,
    passes,
    put,
    with_products,
)
from fasts2s_kernels.ops.recurrent.cpu_forward import forward_rows, prepare, time_step
from fasts2s_kernels.ops.recurrent.cpu_gradients import gradients
from fasts2s_kernels.ops.recurrent.cpu_panels import is_padding, panels_of, vectors_of
from fasts2s_kernels.ops.recurrent.cpu_records import Backward, Forward

_ONE = np.float32(1)


@inline
def _gates(a, t, n, j):
    """Return the place of z, r, n of one row and vector of units."""
    return a.gates + 3 * LANES * (a.N * (vectors_of(a.H) * t + j) + n)


@inline
def _h(a, t, n, j):
    """Return one vector of the h before step t."""
    k = LANES * j
    return load_first(a.xh_time + ((a.D + a.H) * (a.N * t + n) + a.D + k), a.H - k)


@inline
def _reset(a, s, distance, n, j, t):
    """z and r; the result is r h."""
    z, r, gates = sigmoid(load(s)), sigmoid(load(s + distance)), _gates(a, t, n, j)
    store(gates, z)
    store(gates + LANES, r)
    return r * _h(a, t, n, j)


@inline
def _update(a, s, distance, n, j, t):
    """The candidate; the result is the new h."""
    new, gates = tanh(load(s)), _gates(a, t, n, j)
    z = load(gates)
    store(gates + 2 * LANES, new)
    return fma(z, new, (splat(_ONE) - z) * _h(a, t, n, j))


@inline
def _step(a, t, start, stop, panels, columns, xh, xh_next, s):
    """The new h of the rows start to stop, in all panels: the candidate waits for r of all units."""
    late, bias, ids, G = a.late_time + (a.D + a.H) * a.N * t, a.row_bias, a.ids + t, 3 * a.H
    late_panels = (0, panels_of(1, a.H))
    time_step(a, 2, 0, G, panels, start, stop, columns, bias, ids, a.T, xh, late, _reset, t, s)
    time_step(a, 1, 2, G, late_panels, start, stop, columns, bias, ids, a.T, late, xh_next, _update, t, s)


@kernel
def gru_pack(worker: Int, task: Int, a: Forward) -> None:
    """Pack the weights of one panel."""
    prepare(task, a, 2, 1)


@kernel
def gru_rows(worker: Int, task: Int, a: Forward) -> None:
    """Run all time steps of one group of rows."""
    forward_rows(worker, task, a, 2, _step)


@inline
def _update_back(a, n, t, j, product):
    """dz and dn of one row and vector of units, and what of the gradient of h passes by the candidate."""
    d, one = arriving(a, n, t, j, product), splat(_ONE)
    if not passes(a, 2, 1, n, t, j, d):
        gates = _gates(a, t, n, j)
        z, new = load(gates), load(gates + 2 * LANES)
        put(a, 2, 0, 0, n, t, j, d * (new - _h(a, t, n, j)) * (z * (one - z)))
        put(a, 1, 2, 0, n, t, j, d * z * (one - new * new))
        store(carry_at(a, n, j), d * (one - z))


@inline
def _reset_back(a, n, t, j, product):
    """dr of one row and vector of units, and the gradient of h that goes through r h."""
    if not is_padding(a, n, t):
        r, drh, carry = load(_gates(a, t, n, j) + LANES), load(product), carry_at(a, n, j)
        put(a, 2, 0, 1, n, t, j, drh * _h(a, t, n, j) * (r * (splat(_ONE) - r)))
        store(carry, load(carry) + r * drh)


@inline
def _resets_back(a, start, stop, t, s):
    """dr of the rows start to stop, from their dn."""
    with_products(a, (0, ceil_div(a.H, PANEL)), start, stop, t, s, t, 3 * a.H, 2, 1, _reset_back)


@kernel
def gru_rows_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back through all time steps of one group of rows."""
    backward_rows(worker, task, a, 2, 1, _update_back, _resets_back)


@kernel
def gru_pack_transposed(worker: Int, task: Int, a: Backward) -> None:
    """Pack one panel of the weights, transposed."""
    pack_transposed(task, a, 2, 1)


@kernel
def gru_gradients(worker: Int, task: Int, a: Backward) -> None:
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    gradients(worker, task, a, 2, 1)


FORWARD = Launch(Forward, gru_pack, gru_rows)
BACKWARD = Launch(Backward, gru_pack_transposed, gru_rows_backward, gru_gradients)
