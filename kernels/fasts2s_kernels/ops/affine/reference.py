"""Affine map of rows."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.quiet import quiet


def rows_of(name: str, x: Array, W: Array, axis: int, letters: str) -> Array:
    """Return rows that fit an axis of W, in its dtype, or raise ValueError."""
    x = checks.as_array(name, x, f"a float array {letters} with {letters[-2]} = {W.shape[axis]}")
    if x.ndim != 2 or x.shape[1] != W.shape[axis]:
        raise ValueError(f"{name} has shape {x.shape}, expected {letters} with {letters[-2]} = {W.shape[axis]}")
    return checks.as_float(name, x, W.dtype, x.shape, letters)


@quiet
def affine_forward(x: Array, W: Array, b: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_forward`."""
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", x, W, 0, "(R, D)")
    if b is None:
        return np.dot(x, W)
    return np.dot(x, W) + checks.as_float("b", b, W.dtype, (W.shape[1],), "(M,)")


@quiet
def affine_backward(dout: Array, x: Array, W: Array, *, dW: Array, db: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_backward`."""
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", checks.saved(x), W, 0, "(R, D)")
    dout = checks.as_float("dout", dout, W.dtype, (x.shape[0], W.shape[1]), "(R, M)")
    dW = checks.buffer("dW", dW, W, "(D, M)")
    if db is not None:
        checks.bias_buffer(db, (W.shape[1],), "(M,)")[...] = dout.sum(axis=0)
    dW[...] = np.dot(x.T, dout)
    return np.dot(dout, W.T)
