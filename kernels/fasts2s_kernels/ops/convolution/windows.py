"""Windows of pictures: where they lie, and rows made of them. The same text for NumPy and CuPy."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array


class Windows(NamedTuple):
    """Windows of high x wide, so many below and beside each other, ``stride`` apart, in pictures with a rim."""

    high: int
    wide: int
    stride: int
    pad: int
    rows: int
    columns: int

    def offsets(self) -> Iterator[tuple[int, int, Any]]:
        """Yield i, j and the index of what stands there in all windows of padded pictures."""
        below, beside = self.stride * self.rows, self.stride * self.columns
        for i in range(self.high):
            for j in range(self.wide):
                places = (slice(i, i + below, self.stride), slice(j, j + beside, self.stride))
                yield i, j, (slice(None), slice(None), *places)


def windows_of(x: Array, high: int, wide: int, stride: Any, pad: Any) -> Windows:
    """Return the windows of pictures x (N, C, IH, IW), or raise ValueError where none fits."""
    stride, pad = checks.integer("stride", stride, 1), checks.integer("pad", pad, 0)
    if pad and pad >= min(high, wide):
        raise ValueError(f"pad is {pad}, expected less than the sides of a window, {high} x {wide}")
    sizes = x.shape[2:]
    if any(size and size + 2 * pad < window for size, window in zip(sizes, (high, wide), strict=True)):
        raise ValueError(
            f"x has shape {x.shape}, expected pictures of {high} x {wide} or more, a rim of {pad} counted"
        )
    stride = min(stride, max(sizes) + 2 * pad + 1)  # beyond that there is one window, however far the next one is
    rows, columns = (max((s + 2 * pad - n) // stride + 1, 0) for s, n in zip(sizes, (high, wide), strict=True))
    return Windows(high, wide, stride, pad, rows, columns)


def padded(x: Array, pad: int) -> Array:
    """Return pictures (N, C, IH, IW) with a rim of zeros; x itself where there is none."""
    if not pad:
        return x
    N, C, IH, IW = x.shape
    out = np.zeros_like(x, order="C", shape=(N, C, IH + 2 * pad, IW + 2 * pad))
    out[:, :, pad : pad + IH, pad : pad + IW] = x
    return out


def unfold(x: Array, w: Windows) -> Array:
    """Return the windows of pictures x (N, C, IH, IW) as rows (N OH OW, C FH FW), in memory of their own."""
    N, C, _, _ = x.shape
    out = np.zeros_like(x, order="C", shape=(N, w.rows, w.columns, C, w.high, w.wide))
    if out.size:
        whole = padded(x, w.pad)
        for i, j, places in w.offsets():
            out[:, :, :, :, i, j] = whole[places].transpose(0, 2, 3, 1)
    return out.reshape(N * w.rows * w.columns, C * w.high * w.wide)


def fold(rows: Array, shape: tuple[int, ...], w: Windows) -> Array:
    """Return pictures of a shape (N, C, IH, IW): every number is the sum of all that :func:`unfold` made of it.

    rows : (N OH OW, C FH FW)
    """
    N, C, IH, IW = shape
    if not rows.size:
        return np.zeros_like(rows, order="C", shape=shape)
    parts = rows.reshape(N, w.rows, w.columns, C, w.high, w.wide).transpose(0, 3, 4, 5, 1, 2)
    whole = np.zeros_like(rows, order="C", shape=(N, C, IH + 2 * w.pad, IW + 2 * w.pad))
    for i, j, places in w.offsets():
        whole[places] += parts[:, :, i, j]
    return without_rim(whole, w.pad)


def without_rim(whole: Array, pad: int) -> Array:
    """Return pictures (N, C, IH + 2 pad, IW + 2 pad) without their rim, in memory of their own."""
    return whole[:, :, pad:-pad, pad:-pad].copy(order="C") if pad else whole
