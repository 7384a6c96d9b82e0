"""Softmax with cross-entropy loss: what Python calls. The loops are in cpu_loops.

Scores are read once and the gradient is written once, both in forward.
"""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.softmax_loss import cpu_loops as loops
from fasts2s_kernels.ops.softmax_loss import reference
from fasts2s_kernels.quiet import quiet

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


def _group(R: int, workers: int) -> int:
    """Return how many rows a task has: four tasks a worker, for padding is not spread evenly."""
    return R if workers == 1 else -(-R // (4 * workers))


def _run(scores: Array, labels: Array, ignore: int, scale: float) -> tuple[Array, Array]:
    """Return the losses of the rows (R,), and the gradient of ``scale`` times their sum."""
    (R, V), dxs = scores.shape, empty(*scores.shape)
    tops, totals, workers, size = np.zeros(R), np.ones(R), threads.workers_for(R * V * _COST), arr.padded(V)
    group = _group(R, workers)
    fields = loops.Forward(
        R=R, V=V, group=group, ignore=ignore, xs=scores, x_row=scores.strides[0] // 4, ts=labels,
        tops=tops, totals=totals, dxs=dxs, scale=scale, local=empty(workers, size), local_size=size,
    )  # fmt: skip
    loops.FORWARD(workers, fields, -(-R // group))
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
