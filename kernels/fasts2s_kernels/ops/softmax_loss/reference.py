"""Softmax with cross-entropy loss."""

from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.quiet import quiet


@quiet
def softmax_loss_forward(xs: Array, ts: Array, *, ignore_label: int) -> tuple[Any, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_forward`."""
    xs = checks.floating("xs", xs, "(R, V)", 2)
    R, V = xs.shape
    ts, counted = checks.as_labels("ts", ts, R, V, ignore_label)
    # Ignored rows are cut out rather than multiplied by zero: whatever stands in them cannot become a NaN.
    x, t = (xs, ts) if counted is None else (xs[counted], ts[counted])
    if x.shape[0] == 0:
        return np.float64(0), (np.zeros_like(x), t, counted, (R, V))
    x = x - x.max(axis=1, keepdims=True)
    ys = np.exp(x)
    total = ys.sum(axis=1, keepdims=True)
    losses = np.log(total[:, 0]) - x[np.arange(t.size), t]
    ys /= total
    return losses.mean(dtype=np.float64), (ys, t, counted, (R, V))


@quiet
def softmax_loss_backward(dout: float, cache: Cache) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_backward`."""
    ys, t, counted, shape = checks.saved(cache)
    dx = ys.copy()
    if t.size:
        dx[np.arange(t.size), t] -= 1
        dx *= checks.number("dout", dout)
        dx /= t.size
    if counted is None:
        return dx
    dxs = np.zeros_like(dx, shape=shape)
    dxs[counted] = dx
    return dxs
