"""Largest numbers of windows: the same text for NumPy and CuPy."""

from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.ops.convolution.windows import padded, windows_of, without_rim

#: The longest side of a window: whoever asks for more has mistaken one number for another.
_LONGEST = 1000


def _side(name: str, value: Any) -> int:
    side = checks.integer(name, value, 1)
    if side > _LONGEST:
        raise ValueError(f"{name} is {side}, expected 1 to {_LONGEST}")
    return side


def forward(x: Any, pool_h: Any, pool_w: Any, stride: Any, pad: Any) -> tuple[Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.pooling_forward`."""
    x = checks.floating("x", x, "(N, C, IH, IW)", 4)
    w = windows_of(x, _side("pool_h", pool_h), _side("pool_w", pool_w), stride, pad)
    shape = (*x.shape[:2], w.rows, w.columns)
    if 0 in shape:
        empty = np.zeros_like(x, order="C", shape=shape)
        return empty, (np.zeros_like(empty, dtype=np.int64), x.shape, x.dtype, w)
    whole = padded(x, w.pad)
    best: Any = None
    chosen: Any = None
    for i, j, places in w.offsets():
        here = whole[places]
        if best is None:
            best, chosen = here.copy(order="C"), np.zeros_like(here, order="C", dtype=np.int64)
            continue
        # A NaN is more than any number, as to numpy.max.
        better = (here > best) | (np.isnan(here) & ~np.isnan(best))
        best = np.maximum(best, here)
        chosen += (i * w.wide + j - chosen) * better
    return best, (chosen, x.shape, x.dtype, w)


def backward(dout: Any, cache: Cache) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.pooling_backward`."""
    chosen, (N, C, IH, IW), dtype, w = checks.saved(cache)
    dout = checks.as_float("dout", dout, dtype, chosen.shape, "(N, C, OH, OW)")
    if not dout.size:
        return np.zeros_like(dout, order="C", shape=(N, C, IH, IW))
    whole = np.zeros_like(dout, order="C", shape=(N, C, IH + 2 * w.pad, IW + 2 * w.pad))
    for i, j, places in w.offsets():
        whole[places] += dout * (chosen == i * w.wide + j)
    return without_rim(whole, w.pad)
