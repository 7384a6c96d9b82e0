"""Convolution as a product: windows as rows, filters as columns. Every backend brings its own products and rows."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.ops.convolution.windows import Windows, windows_of


class Parts(NamedTuple):
    """What a convolution is made of: see ``windows`` and the affine map of the contract."""

    unfold: Callable[[Array, Windows], Array]
    fold: Callable[[Array, tuple[int, ...], Windows], Array]
    product: Callable[..., Array]
    product_backward: Callable[..., Array]


def forward(parts: Parts, x: Any, W: Any, b: Any, stride: Any, pad: Any) -> tuple[Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_forward`."""
    W = checks.weight("W", W, "(M, C, FH, FW)", 4)
    M, C, FH, FW = W.shape
    x = checks.as_array("x", x, "a float array (N, C, IH, IW)")
    if x.ndim != 4 or x.shape[1] != C:
        raise ValueError(f"x has shape {x.shape}, expected (N, C, IH, IW) with C = {C}")
    x = checks.as_float("x", x, W.dtype, x.shape, "(N, C, IH, IW)")
    if b is not None:
        b = checks.as_float("b", b, W.dtype, (M,), "(M,)")
    w = windows_of(x, FH, FW, stride, pad)
    rows = parts.unfold(x, w)
    out = parts.product(rows, W.reshape(M, C * FH * FW).T, b)
    return _pictures(out, x.shape[0], w, M), (rows, x.shape, W.shape, b is not None, w)


def _pictures(rows: Array, N: int, w: Windows, M: int) -> Array:
    """Return rows (N OH OW, M) as pictures (N, M, OH, OW)."""
    return rows.reshape(N, w.rows, w.columns, M).transpose(0, 3, 1, 2).copy(order="C")


def backward(parts: Parts, dout: Any, W: Any, cache: Cache, dW: Any, db: Any) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_backward`."""
    W = checks.weight("W", W, "(M, C, FH, FW)", 4)
    rows, shape, of_weights, has_bias, w = checks.saved(cache)
    if W.shape != of_weights:
        raise ValueError(f"W has shape {W.shape}, expected that of forward, {of_weights}")
    if (db is not None) != has_bias:
        wanted = "an array (M,): there was a bias" if has_bias else "None: there was no bias"
        raise ValueError(f"db is {'None' if db is None else 'an array'}, expected {wanted}")
    M, D = W.shape[0], rows.shape[1]
    dout = checks.as_float("dout", dout, W.dtype, (shape[0], M, w.rows, w.columns), "(N, M, OH, OW)")
    dW = checks.buffer("dW", dW, W, "(M, C, FH, FW)")
    made = np.zeros_like(W, order="C", shape=(M, D))
    douts = dout.transpose(0, 2, 3, 1).reshape(len(rows), M)
    drows = parts.product_backward(douts, rows, W.reshape(M, D).T, dW=made.T, db=db)
    dW[...] = made.reshape(W.shape)
    return parts.fold(drows, shape, w)
