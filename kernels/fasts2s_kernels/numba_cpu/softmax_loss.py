"""Softmax with cross-entropy loss: scores are read once forward and once backward, the gradient is written once."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks, reference
from fasts2s_kernels.contract import Array, Cache
from fasts2s_kernels.numba_cpu import _arrays as arr
from fasts2s_kernels.numba_cpu import _threads as threads
from fasts2s_kernels.numba_cpu._calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.numba_cpu._jit import entry, inline, kernel
from fasts2s_kernels.numba_cpu._math import exp_negative
from fasts2s_kernels.numba_cpu._numba import types
from fasts2s_kernels.numba_cpu._simd import (
    FLOAT,
    first_lanes,
    lane_max,
    lane_sum,
    load,
    load_double,
    load_float,
    load_int,
    load_part,
    log,
    splat,
    store_double,
    store_float,
    where_greater,
)
from fasts2s_kernels.numba_cpu._target import LANES
from fasts2s_kernels.numba_cpu._threads import launch
from fasts2s_kernels.numba_cpu.gemm import ceil_div, load_first, store_first

_launch = launch.external
_ZERO, _LOWEST = np.float32(0), np.float32(-np.inf)
#: Vectors that are added in float32 before their sum goes to a float64: bounds the rounding error for any V.
_RUN = 32
#: What an exponential and a logarithm cost, in multiply-adds: for the choice between one thread and several.
_COST = 16


class _Saved(NamedTuple):
    """What backward needs; ``top`` (R,) is the maximum of every row, ``total`` (R,) the sum of its exponentials."""

    xs: Array
    ts: Array
    labels: int  # those that count
    ignore_label: int
    top: Array
    total: Array


@inline
def _row_max(x, V):
    """Return the maximum of a row; NaN does not count unless there is nothing else."""
    whole, best = V - V % LANES, splat(_LOWEST)
    for k in range(0, whole, LANES):
        a = load(x + FLOAT * k)
        best = where_greater(best, a, best, a)
    top = lane_max(best)
    for k in range(whole, V):
        a = load_float(x + FLOAT * k)
        if not a <= top:
            top = a
    return top


@inline
def _row_sum(x, V, top):
    """Return the sum of exp(x - top) over a row, in float64 over runs of vectors."""
    whole, total = V - V % LANES, 0.0
    for first in range(0, whole, _RUN * LANES):
        run = splat(_ZERO)
        for k in range(first, min(whole, first + _RUN * LANES), LANES):
            run = run + exp_negative(load(x + FLOAT * k) - splat(top))
        total += lane_sum(run)
    if whole < V:
        last = exp_negative(load_part(x + FLOAT * whole, V - whole) - splat(top))
        total += lane_sum(first_lanes(last, V - whole))
    return total


@kernel()
def softmax_rows(worker, task, args):
    """Maximum, sum and loss of a group of rows; an ignored row is not read."""
    R, V, group, ignore, xs, x_row, ts, top, total, losses = unpack_args(args, 10)
    for r in range(task * group, min(R, (task + 1) * group)):
        label = load_int(ts + 8 * r)
        if label == ignore:
            store_double(losses + 8 * r, 0.0)
            continue
        x = xs + FLOAT * x_row * r
        best = _row_max(x, V)
        summed = _row_sum(x, V, best)
        store_float(top + FLOAT * r, best)
        store_double(total + 8 * r, summed)
        store_double(losses + 8 * r, log(summed) + best - load_float(x + FLOAT * label))


@kernel()
def softmax_rows_backward(worker, task, args):
    """Gradient of a group of rows."""
    R, V, group, ignore, xs, x_row, ts, top, total, scale, dxs = unpack_args(args, 11)
    factor = load_double(scale)
    for r in range(task * group, min(R, (task + 1) * group)):
        label, x, dx = load_int(ts + 8 * r), xs + FLOAT * x_row * r, dxs + FLOAT * V * r
        if label == ignore:
            for k in range(0, V, LANES):
                store_first(dx + FLOAT * k, splat(_ZERO), V - k)
            continue
        best = splat(load_float(top + FLOAT * r))
        weight = splat(np.float32(factor / load_double(total + 8 * r)))
        for k in range(0, V, LANES):
            y = exp_negative(load_first(x + FLOAT * k, V - k) - best)
            store_first(dx + FLOAT * k, y * weight, V - k)
        here = dx + FLOAT * label
        store_float(here, np.float32(load_float(here) - factor))


@entry(
    types.void(
        arr.int_, arr.rows2, arr.ids1, arr.int_, arr.int_, arr.out1, arr.doubles1, arr.doubles1
    ),
    needs=(softmax_rows, launch),
)  # fmt: skip
def forward(team, xs, ts, ignore, group, top, total, losses):
    """Fill top, total and losses (R,)."""
    R, V = xs.shape
    args = pack_args((
        R, V, group, ignore, address(xs), xs.strides[0] // FLOAT, address(ts), address(top), address(total),
        address(losses),
    ))  # fmt: skip
    _launch(team, kernel_address("softmax_rows"), ceil_div(R, group), 0, 0, 0, 0, args)


@entry(
    types.void(
        arr.int_, arr.rows2, arr.ids1, arr.int_, arr.int_, arr.out1, arr.doubles1, arr.doubles1, arr.out2
    ),
    needs=(softmax_rows_backward, launch),
)  # fmt: skip
def backward(team, xs, ts, ignore, group, top, total, scale, dxs):
    """Fill dxs (R, V)."""
    R, V = xs.shape
    args = pack_args((
        R, V, group, ignore, address(xs), xs.strides[0] // FLOAT, address(ts), address(top), address(total),
        address(scale), address(dxs),
    ))  # fmt: skip
    _launch(team, kernel_address("softmax_rows_backward"), ceil_div(R, group), 0, 0, 0, 0, args)


def _group(R: int, workers: int) -> int:
    """Return how many rows a task has: four tasks a worker, for padding is not spread evenly."""
    return R if workers == 1 else -(-R // (4 * workers))


def softmax_loss_forward(xs: Array, ts: Array, *, ignore_label: int) -> tuple[Any, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_forward`.

    Implementation: per row the maximum, then the sum of exponentials with a float64 accumulator; only these two
    numbers are kept, and the scores themselves, which must stay as they are until backward.
    """
    scores = checks.floating("xs", xs, "(R, V)", 2)
    R, V = scores.shape
    if scores.dtype != arr.FLOAT32 or not R * V:
        return reference.softmax_loss_forward(scores, ts, ignore_label=ignore_label)
    labels, counted = checks.as_labels("ts", ts, R, V, ignore_label)
    scores, labels = arr.row_order(scores), np.array(labels, order="C")  # a caller may reuse his label array
    top, total, losses = np.zeros(R, np.float32), np.ones(R), np.empty(R)
    count = R if counted is None else int(counted.sum())
    workers = threads.workers_for(R * V * _COST)
    # A label can be any int64 but a task compares it with one: what is ignored has been checked to be that one.
    ignore = min(max(checks.integer("ignore_label", ignore_label), -(2**63)), 2**63 - 1)
    threads.run(workers, forward, scores, labels, ignore, _group(R, workers), top, total, losses)
    loss = np.float64(losses.sum() / count) if count else np.float64(0)
    return loss, _Saved(scores, labels, count, ignore, top, total)


def softmax_loss_backward(dout: float, cache: Cache) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_backward`."""
    saved = checks.saved(cache)
    if not isinstance(saved, _Saved):
        return reference.softmax_loss_backward(dout, cache)
    R, V = saved.xs.shape
    scale = np.array([checks.number("dout", dout) / max(saved.labels, 1)])
    dxs = np.empty((R, V), np.float32)
    workers = threads.workers_for(R * V * _COST)
    threads.run(
        workers, backward, saved.xs, saved.ts, saved.ignore_label, _group(R, workers), saved.top, saved.total,
        scale, dxs,
    )  # fmt: skip
    return dxs
