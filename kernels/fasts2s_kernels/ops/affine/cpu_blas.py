"""Affine map of rows by the BLAS below NumPy, for products that it makes faster: see ``cpu.products``."""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu.memory import empty


def forward(x: Array, W: Array, b: Any) -> Array:
    """x (R, D), W (D, M), b (M,) or None, all float32 -> (R, M)."""
    out = np.dot(x, W, out=empty(x.shape[0], W.shape[1]))
    return out if b is None else np.add(out, b, out=out)


def backward(dout: Array, x: Array, W: Array, dW: Array, db: Any) -> Array:
    """Return dx (R, D); dW, in C or in Fortran order, and db, or None, are overwritten."""
    if dW.flags.c_contiguous:
        np.dot(x.T, dout, out=dW)
    else:
        np.dot(dout.T, x, out=dW.T)
    if db is not None:
        np.sum(dout, axis=0, out=db)
    return np.dot(dout, W.T, out=empty(*x.shape))
