"""Softmax with cross-entropy loss: the scores are read once and the gradient is written once, both in forward."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import ceil_div, store_first
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.math import exp_negative
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, lane_max, lane_sum, merge_lanes, splat, where_greater
from fasts2s_kernels.cpu.vector_memory import (
    STREAM_FROM,
    load,
    load_double,
    load_float,
    load_int,
    load_part,
    prefetch,
    store,
    store_double,
    store_float,
    stream,
)
from fasts2s_kernels.ops.softmax_loss import reference
from fasts2s_kernels.quiet import quiet

_launch = launch.external
_ZERO, _LOWEST = np.float32(0), np.float32(-np.inf)
#: Vectors that are added in float32 before their sum goes to a float64: bounds the rounding error for any V.
_RUN = 32
#: What an exponential and a logarithm cost, in multiply-adds: for the choice between one thread and several.
_COST = 16


class _Gradient:
    """The gradient of dout = 1, which is given away to the first who asks: he may write to it."""

    def __init__(self, dxs: Array) -> None:
        self._dxs: Array | None = dxs

    def take(self) -> Array | None:
        """Return it, or None where it is gone."""
        dxs, self._dxs = self._dxs, None
        return dxs


class _Saved(NamedTuple):
    """What backward needs."""

    xs: Array
    ts: Array
    labels: int  # those that count
    ignore_label: int
    gradient: _Gradient


@inline
def _row_max(x, V):
    """Return the maximum of a row; NaN does not count unless there is nothing else."""
    whole, best = V - V % LANES, splat(_LOWEST)
    for k in range(0, whole, LANES):
        a = load(x + FLOAT * k)
        best = where_greater(best, a, best, a)
    if whole < V:
        a = merge_lanes(load_part(x + FLOAT * whole, V - whole), splat(_LOWEST), V - whole)
        best = where_greater(best, a, best, a)
    return lane_max(best)


@inline
def _exponentials(y, x, V, top, following):
    """Store exp(x - top) of a row, in whole vectors; return their sum, in float64 over runs of vectors.

    ``following`` is the address of the row after it, which comes from memory meanwhile.
    """
    whole, total = V - V % LANES, 0.0
    for first in range(0, whole, _RUN * LANES):
        run = splat(_ZERO)
        for k in range(first, min(whole, first + _RUN * LANES), LANES):
            prefetch(following + FLOAT * k)
            e = exp_negative(load(x + FLOAT * k) - splat(top))
            store(y + FLOAT * k, e)
            run = run + e
        total += lane_sum(run)
    if whole < V:
        e = exp_negative(load_part(x + FLOAT * whole, V - whole) - splat(top))
        store(y + FLOAT * whole, e)
        total += lane_sum(merge_lanes(e, splat(_ZERO), V - whole))
    return total


@inline
def _scaled(dx, y, V, weight, streamed):
    """Store the row y times weight; past the caches where it is to be streamed and begins at a vector."""
    if streamed and dx % VECTOR == 0:
        for k in range(0, V, LANES):
            stream(dx + FLOAT * k, load(y + FLOAT * k) * weight)
    else:
        for k in range(0, V, LANES):
            store_first(dx + FLOAT * k, load(y + FLOAT * k) * weight, V - k)


@kernel()
def softmax_rows(worker, task, args):
    """Loss and gradient of a group of rows; an ignored row is not read."""
    R, V, group, ignore, xs, x_row, ts, tops, totals, dxs, scale, local, local_size = unpack_args(args, 13)
    factor, y = load_double(scale), local + FLOAT * local_size * worker
    streamed = R * V >= STREAM_FROM and V % LANES == 0
    for r in range(task * group, min(R, (task + 1) * group)):
        label, x, dx = load_int(ts + 8 * r), xs + FLOAT * x_row * r, dxs + FLOAT * V * r
        if label == ignore:
            for k in range(0, V, LANES):
                store_first(dx + FLOAT * k, splat(_ZERO), V - k)
            continue
        top = _row_max(x, V)
        total = _exponentials(y, x, V, top, x + FLOAT * x_row)
        store_double(tops + 8 * r, np.float64(top) - load_float(x + FLOAT * label))
        store_double(totals + 8 * r, total)
        _scaled(dx, y, V, splat(np.float32(factor / total)), streamed)
        here = dx + FLOAT * label
        store_float(here, np.float32(load_float(here) - factor))


@entry(
    types.void(
        arr.int_, arr.rows2, arr.ids1, arr.int_, arr.int_, arr.doubles1, arr.doubles1, arr.doubles1, arr.out2,
        arr.out2,
    ),
    needs=(softmax_rows, launch),
)  # fmt: skip
def forward(team, xs, ts, ignore, group, scale, tops, totals, dxs, local):
    """Fill dxs (R, V), the gradient of ``scale`` times the sum of the losses log(totals) + tops (R,) of the rows.

    In an ignored row the two stay what they are.
    """
    R, V = xs.shape
    args = pack_args((
        R, V, group, ignore, address(xs), xs.strides[0] // FLOAT, address(ts), address(tops), address(totals),
        address(dxs), address(scale), address(local), local.shape[1],
    ))  # fmt: skip
    _launch(team, kernel_address("softmax_rows"), ceil_div(R, group), 0, 0, 0, 0, args)


def _group(R: int, workers: int) -> int:
    """Return how many rows a task has: four tasks a worker, for padding is not spread evenly."""
    return R if workers == 1 else -(-R // (4 * workers))


def _run(scores: Array, labels: Array, ignore: int, scale: float) -> tuple[Array, Array]:
    """Return the losses of the rows (R,), and the gradient of ``scale`` times their sum."""
    R, V = scores.shape
    tops, totals, dxs, workers = np.zeros(R), np.ones(R), empty(R, V), threads.workers_for(R * V * _COST)
    threads.run(
        workers, forward, scores, labels, ignore, _group(R, workers), np.array([scale]), tops, totals, dxs,
        empty(workers, arr.padded(V)),
    )  # fmt: skip
    return np.log(totals) + tops, dxs


def softmax_loss_forward(xs: Array, ts: Array, *, ignore_label: int) -> tuple[Any, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_forward`.

    Implementation: per row the maximum, then the exponentials with a float64 sum, then the gradient, while the row is
    in the caches: scores are read from memory once, the gradient is written once. The scores must stay as they are
    until backward, which computes the gradient anew where it is wanted a second time.
    """
    scores = checks.floating("xs", xs, "(R, V)", 2)
    R, V = scores.shape
    if not arr.is_compiled(scores, R * V):
        return reference.softmax_loss_forward(scores, ts, ignore_label=ignore_label)
    labels, counted = checks.as_labels("ts", ts, R, V, ignore_label)
    scores, labels = arr.row_order(scores), np.array(labels, order="C")  # a caller may reuse his label array
    count = R if counted is None else int(counted.sum())
    # A label can be any int64 but a task compares it with one: what is ignored has been checked to be that one.
    ignore = min(max(checks.integer("ignore_label", ignore_label), -(2**63)), 2**63 - 1)
    losses, dxs = _run(scores, labels, ignore, 1 / max(count, 1))
    loss = np.float64(losses.sum() / count) if count else np.float64(0)
    return loss, _Saved(scores, labels, count, ignore, _Gradient(dxs))


@quiet
def softmax_loss_backward(dout: float, cache: Cache) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_backward`."""
    saved = checks.saved(cache)
    if not isinstance(saved, _Saved):
        return reference.softmax_loss_backward(dout, cache)
    scale = checks.number("dout", dout)
    dxs = saved.gradient.take()
    if dxs is None:
        _, dxs = _run(saved.xs, saved.ts, saved.ignore_label, 1 / max(saved.labels, 1))
    return dxs if scale == 1 else dxs * np.float32(scale)
