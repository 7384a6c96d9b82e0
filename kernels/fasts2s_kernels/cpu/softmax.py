"""The parts of a softmax of one row, for the kernels that take one."""

import numpy as np

from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.math import exp_negative
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import lane_max, lane_sum, merge_lanes, splat, where_greater
from fasts2s_kernels.cpu.vector_memory import load, load_part, prefetch, store

_ZERO, _LOWEST = np.float32(0), np.float32(-np.inf)
#: Vectors that are added in float32 before their sum goes to a float64: bounds the rounding error for any V.
RUN = 32


@inline
def lane_maxima(x, V):
    """Return a vector of which each lane is the maximum of what a row of V numbers has there; NaN does not count."""
    whole, best = V - V % LANES, splat(_LOWEST)
    for k in range(0, whole, LANES):
        a = load(x + k)
        best = where_greater(best, a, best, a)
    if whole < V:
        a = merge_lanes(load_part(x + whole, V - whole), splat(_LOWEST), V - whole)
        best = where_greater(best, a, best, a)
    return best


@inline
def row_max(x, V):
    """Return the maximum of a row of V numbers; NaN does not count unless there is nothing else."""
    return lane_max(lane_maxima(x, V))


@inline
def exponentials(y, x, V, top, following):
    """Store exp(x - top) of a row, and zeros behind it up to whole vectors.

    Returns their sum, in float64 over runs of vectors. ``following`` is the row after it, which comes from memory
    meanwhile.
    """
    whole, total = V - V % LANES, 0.0
    for first in range(0, whole, RUN * LANES):
        run = splat(_ZERO)
        for k in range(first, min(whole, first + RUN * LANES), LANES):
            prefetch(following + k)
            e = exp_negative(load(x + k) - splat(top))
            store(y + k, e)
            run = run + e
        total += lane_sum(run)
    if whole < V:
        e = exp_negative(load_part(x + whole, V - whole) - splat(top))
        e = merge_lanes(e, splat(_ZERO), V - whole)
        store(y + whole, e)
        total += lane_sum(e)
    return total
