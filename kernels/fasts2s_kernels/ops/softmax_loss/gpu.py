"""Softmax with cross-entropy loss, in one launch."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.gpu import device, dispatch, errors, inputs, specialisations
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import blocks, contiguous, i32, i64, kernel

_INT64 = (-(2**63), 2**63 - 1)


class _Gradient:
    """The gradient that forward has made: handed over once."""

    def __init__(self, a: Array) -> None:
        self._a: Array | None = a

    def take(self) -> Array | None:
        """Return it, the first time; then None."""
        a, self._a = self._a, None
        return a


class _Saved(NamedTuple):
    xs: Array
    ts: Array
    ignore: int
    gradient: _Gradient


def _labels(ts: Any, R: int, V: int, ignore: int) -> Array:
    """Return labels (R,) of either side as int64 on the device; those of the host are checked here."""
    if not inputs.is_device(ts):
        labels, _ = checks.as_labels("ts", ts, R, V, ignore)
        return xp.asarray(np.ascontiguousarray(labels))
    labels = inputs.device_integers("ts", ts, "(R,)")
    if labels.shape != (R,):
        raise ValueError(f"ts has shape {labels.shape}, expected (R,) = ({R},)")
    return labels


def _run(xs: Array, ts: Array, ignore: int) -> tuple[Array, Array]:
    """Return the loss () in float64 and the gradient (R, V)."""
    (R, V), wide = xs.shape, bool(xs.dtype == xp.float64)
    launch = dispatch.loss(V, wide)
    defines = specialisations.loss(launch, wide)
    grad, losses, loss = xp.empty((R, V), xs.dtype), xp.empty(R, xp.float64), xp.empty((), xp.float64)
    count = None
    if R > dispatch.COUNT_ALONE:
        count = xp.empty((), xp.int64)
        counting = kernel("softmax_loss", "count_labels", defines)
        counting((1,), (1024,), (ts, i64(ignore), count, i32(R)))
    what = errors.site("ts", (R,), f"labels from 0 to {V - 1} (V = {V}) or ignore_label = {ignore}")
    function = kernel("softmax_loss", "softmax_loss", defines)
    args = (
        xs, ts, i64(ignore), count, grad, losses, loss, device.counters(), errors.RECORD, what, i32(R), i32(V),
    )  # fmt: skip
    function((blocks(R, launch.rows),), (32 * launch.warps * launch.rows,), args)
    errors.after_launch()
    return loss, grad


@inputs.entry
def softmax_loss_forward(xs: Array, ts: Array, *, ignore_label: int) -> tuple[Any, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_forward`.

    Implementation: scores are read once, the gradient is written once; the loss stays on the device, a float64 array
    without dimensions. The scores must stay as they are until backward, which computes the gradient anew where it is
    wanted a second time. A label of the device that is out of range makes the loss NaN, and the next call or fetch
    raises IndexError.
    """
    inputs.on_device(xs=xs)
    xs = contiguous(checks.floating("xs", xs, "(R, V)", 2))
    R, V = xs.shape
    ignore = checks.integer("ignore_label", ignore_label)
    ts = _labels(ts, R, V, ignore)
    ts = ts.copy() if inputs.is_device(ts) else ts  # a caller may reuse his label array
    if not xs.size:
        return xp.zeros((), xp.float64), _Saved(xs, ts, ignore, _Gradient(xp.zeros_like(xs)))
    ignore = min(max(ignore, _INT64[0]), _INT64[1])
    loss, grad = _run(xs, ts, ignore)
    return loss, _Saved(xs, ts, ignore, _Gradient(grad))


@inputs.entry
def softmax_loss_backward(dout: float, cache: Cache) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.softmax_loss_backward`."""
    saved = checks.saved(cache)
    scale = checks.number("dout", dout)
    grad = saved.gradient.take()
    if grad is None:
        grad = _run(saved.xs, saved.ts, saved.ignore)[1] if saved.xs.size else xp.zeros_like(saved.xs)
    if scale != 1:
        grad *= grad.dtype.type(scale)
    return grad
