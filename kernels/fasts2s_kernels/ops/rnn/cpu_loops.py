"""The cell of the Elman RNN in compiled code. Its only gate is h itself, which is kept anyway."""

import numpy as np

from fasts2s_kernels.cpu.gemm import load_first
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.math import tanh
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load
from fasts2s_kernels.ops.recurrent.cpu_backward import (
    arriving,
    backward_rows,
    backward_units,
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
from fasts2s_kernels.ops.recurrent.cpu_records import Backward, Forward

_ONE = np.float32(1)


@inline
def _cell(a, s, distance, n, j, state):
    """From pre-activations to h."""
    return tanh(load(s))


@inline
def _step(a, t, start, stop, panels, columns, xh, xh_next, s):
    """The new h of the rows start to stop, in a range of panels."""
    time_step(a, 1, 0, a.H, panels, start, stop, columns, a.row_bias, a.ids + t, a.T, xh, xh_next, _cell, 0, s)


@kernel
def rnn_pack(worker: Int, task: Int, a: Forward) -> None:
    """Pack the weights of one panel."""
    prepare(task, a, 1, 0)


@kernel
def rnn_rows(worker: Int, task: Int, a: Forward) -> None:
    """Run all time steps of one group of rows."""
    forward_rows(worker, task, a, 1, _step)


@kernel
def rnn_units(worker: Int, task: Int, a: Forward) -> None:
    """Run one time step in a part of the units."""
    forward_units(worker, task, a, 1, _step)


@inline
def _row_backward(a, n, t, j, product):
    """One step back of one row and vector of units."""
    d, row, k = arriving(a, n, t, j, product), a.D + a.H, LANES * j
    if not passes(a, 1, 0, n, t, j, d):
        h = load_first(a.xh_time + (row * (a.N * (t + 1) + n) + a.D + k), a.H - k)
        put(a, 1, 0, 0, n, t, j, d * (splat(_ONE) - h * h))


@kernel
def rnn_rows_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back through all time steps of one group of rows."""
    backward_rows(worker, task, a, 1, 0, _row_backward, nothing_more)


@kernel
def rnn_units_backward(worker: Int, task: Int, a: Backward) -> None:
    """Go back one step in a part of the units."""
    backward_units(worker, task, a, 1, _row_backward)


@kernel
def rnn_pack_transposed(worker: Int, task: Int, a: Backward) -> None:
    """Pack one panel of the weights, transposed."""
    pack_transposed(task, a, 1, 0)


@kernel
def rnn_gradients(worker: Int, task: Int, a: Backward) -> None:
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    gradients(worker, task, a, 1, 0)


FORWARD, BY_UNITS = Launch(Forward, rnn_pack, rnn_rows), Launch(Forward, rnn_pack, rnn_units)
BACKWARD = Launch(Backward, rnn_pack_transposed, rnn_rows_backward, rnn_gradients)
BACK_BY_UNITS = Launch(Backward, rnn_pack_transposed, rnn_units_backward, rnn_gradients)
