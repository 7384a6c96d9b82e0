"""Compiled loops that choose ids: the softmax of a row, where in it a uniform number falls, and its best ids."""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import offset
from fasts2s_kernels.cpu.record import BoolRows2, Doubles1, Out2, OutDoubles1, OutIds2, Rows2, record
from fasts2s_kernels.cpu.softmax import RUN, exponentials, lane_maxima, row_max
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import add_wide, lane_max, wide_sum, wide_zero
from fasts2s_kernels.cpu.vector_memory import load, store

_ZERO, _LOWEST, _NAN = np.float32(0), np.float32(-np.inf), np.float32(np.nan)


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


@record
class Best(NamedTuple):
    """What a call works on: the log of a probability is values - tops - log(totals)."""

    V: Int
    k: Int
    scores: Rows2  # (R, V)
    row: Int  # its stride, in elements
    mask: BoolRows2  # (R, V) or empty
    mask_row: Int  # its stride
    values: Out2  # (R, k): scores, NaN in a row that gives no probabilities
    ids: OutIds2  # (R, k)
    tops: OutDoubles1  # (R,)
    totals: OutDoubles1  # (R,)
    local: Out2  # (workers, local_size)
    local_size: Int  # V in whole vectors


@inline
def _is_worse(value, number, other, other_number):
    return value < other or (value == other and number > other_number)


@inline
def _put(values, ids, k, value, number):
    """Put a score and its id in the place of the worst of a heap of k, which is its first; let it sink."""
    j, child = 0, 1
    while child < k:
        if child + 1 < k and _is_worse(values[child + 1], ids[child + 1], values[child], ids[child]):
            child += 1
        if not _is_worse(values[child], ids[child], value, number):
            break
        values[j] = values[child]
        ids[j] = ids[child]
        j, child = child, 2 * child + 1
    values[j] = value
    ids[j] = number


@inline
def _clear(values, ids, k, V):
    for j in range(k):
        values[j] = _LOWEST
        ids[j] = V


@inline
def _at_least(values, ids, k, maxima, y, V):
    """Return a number that k of a row of V numbers reach: the k-th largest of the maxima of its lanes."""
    if k > LANES:
        return _LOWEST
    _clear(values, ids, k, V)
    store(y, maxima)
    for j in range(LANES):
        if y[j] > values[0]:
            _put(values, ids, k, y[j], j)
    return values[0]


@inline
def _gather_best(values, ids, k, x, V, mask, least):
    """Fill a heap with the k largest of a row of V numbers that are at least so large, the first of equals."""
    _clear(values, ids, k, V)
    for first in range(0, V, LANES):
        last = min(V, first + LANES)
        if last == first + LANES:
            most = lane_max(load(x + first))
            if not (most >= least and most > values[0]):
                continue
        for j in range(first, last):
            if x[j] >= least and x[j] > values[0] and (not mask or mask[j]):
                _put(values, ids, k, x[j], j)


@kernel
def best_row(worker: Int, task: Int, a: Best) -> None:
    """Find the best ids of one row."""
    V, k, x, values, ids = a.V, a.k, a.scores + a.row * task, a.values + a.k * task, a.ids + a.k * task
    y, mask, maxima = a.local + a.local_size * worker, offset(a.mask, a.mask_row * task), lane_maxima(x, V)
    least, top = _at_least(values, ids, k, maxima, y, V), lane_max(maxima)
    total = exponentials(y, x, V, top, x + a.row)
    a.tops[task] = np.float64(top)
    a.totals[task] = total
    while True:
        _gather_best(values, ids, k, x, V, mask, least)
        if values[0] > _LOWEST or least == _LOWEST:
            break
        least = _LOWEST  # what reached it is masked
    for last in range(k - 1, 0, -1):  # the worst goes to the end
        value, number = values[last], ids[last]
        values[last] = values[0]
        ids[last] = ids[0]
        _put(values, ids, last, value, number)
    if not total < np.inf:
        for j in range(k):
            values[j] = _NAN


BEST = Launch(Best, best_row)
