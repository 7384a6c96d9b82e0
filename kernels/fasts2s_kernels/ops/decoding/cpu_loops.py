"""Compiled loops that draw ids: the softmax of a row, and where in it a uniform number falls."""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import Int
from fasts2s_kernels.cpu.record import Doubles1, Out2, OutIds2, Rows2, record
from fasts2s_kernels.cpu.softmax import RUN, exponentials, row_max
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import add_wide, wide_sum, wide_zero
from fasts2s_kernels.cpu.vector_memory import load

_ZERO = np.float32(0)


@record
class Sample(NamedTuple):
    """What a call works on."""

    V: Int
    scores: Rows2  # (R, V)
    row: Int  # its stride, in elements
    uniforms: Doubles1  # (R,)
    ids: OutIds2  # (R, 1): -1 where a row gives no probabilities
    local: Out2  # (workers, local_size)
    local_size: Int  # V in whole vectors


@inline
def _sum(y, first, stop):
    total = wide_zero()
    for k in range(first, stop, LANES):
        total = add_wide(total, load(y + k))
    return wide_sum(total)


@inline
def _place(y, V, limit):
    """Return the first place up to which the numbers of a row have a sum above limit: by runs, then one by one."""
    before, first, last = 0.0, 0, 0
    while first + RUN * LANES < V:
        after = before + _sum(y, first, first + RUN * LANES)
        if after > limit:
            break
        before, first = after, first + RUN * LANES
    for k in range(first, V):
        before += np.float64(y[k])
        if y[k] > _ZERO:
            last = k
            if before > limit:
                break
    return last  # one by one a sum may be rounded to less than by runs: then the last number that counts


@inline
def draw(x, V, uniform, y, following):
    """Return the id that a uniform number draws from a row of scores; -1 where these give no probabilities.

    y : room for V in whole vectors, where exponentials stand afterwards; following : the row after it.
    """
    exponentials(y, x, V, row_max(x, V), following)
    total = _sum(y, 0, V)  # in float64: at which id a number falls is decided by the last bits
    return _place(y, V, uniform * total) if total < np.inf else -1


@kernel
def sample_row(worker: Int, task: Int, a: Sample) -> None:
    """Draw the id of one row."""
    x = a.scores + a.row * task
    a.ids[task] = draw(x, a.V, a.uniforms[task], a.local + a.local_size * worker, x + a.row)


SAMPLE = Launch(Sample, sample_row)
