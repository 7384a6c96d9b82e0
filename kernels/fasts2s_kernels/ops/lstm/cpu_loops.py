"""The cell of the LSTM in compiled code. Gates and c are kept for every vector of units, see ``cpu_records``."""

import numpy as np

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
    backward_units,
    dc_at,
    nothing_more,
    pack_transposed,
    passes,
    put,
)
from fasts2s_kernels.ops.recurrent.cpu_forward import (
    forward_rows,
    forward_units,
    prepare,
    time_step,
)
from fasts2s_kernels.ops.recurrent.cpu_gradients import gradients
from fasts2s_kernels.ops.recurrent.cpu_panels import is_padding, vectors_of
from fasts2s_kernels.ops.recurrent.cpu_records import Backward, Forward

_ONE = np.float32(1)


@inline
def lstm_cell(a, s, distance, n, j, state):
    """From pre-activations, whose gates are ``distance`` floats apart, to gates, the next c, and h: the result."""
    c, c_next, c_step, gates, gate_step, gate_row = state
    f, g = sigmoid(load(s)), tanh(load(s + distance))
    i, o = sigmoid(load(s + 2 * distance)), sigmoid(load(s + 3 * distance))
    cell, here = c_step * j + LANES * n, gates + (gate_step * j + gate_row * n)
    new = fma(f, load(c + cell), g * i)
    store(here, f)
    store(here + LANES, g)
    store(here + 2 * LANES, i)
    store(here + 3 * LANES, o)
    store(c_next + cell, new)
    return o * tanh(new)


@inline
def lstm_step(a, panels, start, stop, columns, row_bias, ids, ids_step, xh, xh_next, state, s):
    """One time step of the rows start to stop in a range of panels, see :func:`time_step`.

    ``state`` is c, the next c, the distance of their vectors of units; gates, the distances of their vectors of units
    and of their rows.
    """
    time_step(
        a, 4, 0, 4 * a.H, panels, start, stop, columns, row_bias, ids, ids_step, xh, xh_next, lstm_cell, state, s
    )


@inline
def pass_through(n, panels, c, c_next, c_step):
    """At a step of padding the c of row n stays what it was; a panel has a vector of units."""
    for j in range(panels[0], panels[1]):
        store(c_next + (c_step * j + LANES * n), load(c + (c_step * j + LANES * n)))


@inline
def _step(a, t, start, stop, panels, columns, xh, xh_next, s):
    """The new h of the rows start to stop, in a range of panels."""
    step, vectors = LANES * a.N, vectors_of(a.H)
    c = a.c_time + step * vectors * t
    c_next, gates = c + step * vectors, a.gates + 4 * step * vectors * t
    state = (c, c_next, step, gates, 4 * step, 4 * LANES)
    lstm_step(a, panels, start, stop, columns, a.row_bias, a.ids + t, a.T, xh, xh_next, state, s)
    for n in range(start, stop):
        if is_padding(a, n, t):
            pass_through(n, panels, c, c_next, step)


@kernel
def lstm_pack(worker: Int, task: Int, a: Forward) -> None:
    """Pack the weights of one panel."""
    prepare(task, a, 4, 0)


@kernel
def lstm_rows(worker: Int, task: Int, a: Forward) -> None:
    """Run all time steps of one group of rows."""
    forward_rows(worker, task, a, 4, _step)


@kernel
def lstm_units(worker: Int, task: Int, a: Forward) -> None:
    """Run one time step in a part of the units."""
    forward_units(worker, task, a, 4, _step)


@inline
def _row_backward(a, n, t, j, product):
    """One step back of one row and vector of units; dc becomes that of the step before."""
    d = arriving(a, n, t, j, product)
    if passes(a, 4, 0, n, t, j, d):
        return
    step, vectors = LANES * a.N, vectors_of(a.H)
    place = step * (vectors * t + j) + LANES * n
    c, gates, dc = a.c_time + place, a.gates + 4 * place, dc_at(a, n, j)
    f, g, one = load(gates), load(gates + LANES), splat(_ONE)
    i, o, tanh_c = load(gates + 2 * LANES), load(gates + 3 * LANES), tanh(load(c + step * vectors))
    ds = load(dc) + d * o * (one - tanh_c * tanh_c)
    put(a, 4, 0, 0, n, t, j, ds * load(c) * (f * (one - f)))
    put(a, 4, 0, 1, n, t, j, ds * i * (one - g * g))
    put(a, 4, 0, 2, n, t, j, ds * g * (i * (one - i)))
    put(a, 4, 0, 3, n, t, j, d * tanh_c * (o * (one - o)))
    store(dc, ds * f)


@kernel
def lstm_rows_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back through all time steps of one group of rows."""
    backward_rows(worker, task, a, 4, 0, _row_backward, nothing_more)


@kernel
def lstm_units_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back one step in a part of the units."""
    backward_units(worker, task, a, 4, _row_backward)


@kernel
def lstm_pack_transposed(worker: Int, task: Int, a: Backward) -> None:
    """Pack one panel of the weights, transposed."""
    pack_transposed(task, a, 4, 0)


@kernel
def lstm_gradients(worker: Int, task: Int, a: Backward) -> None:
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    gradients(worker, task, a, 4, 0)


FORWARD, BY_UNITS = Launch(Forward, lstm_pack, lstm_rows), Launch(Forward, lstm_pack, lstm_units)
BACKWARD = Launch(Backward, lstm_pack_transposed, lstm_rows_backward, lstm_gradients)
BACK_BY_UNITS = Launch(Backward, lstm_pack_transposed, lstm_units_backward, lstm_gradients)
