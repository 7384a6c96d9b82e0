"""Layers of pictures (N, C, H, W). Source: the book's first volume, chapter 7; LeCun et al. 1998."""

from typing import Any

import numpy as np

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.either import as_float, inexact, require_same_side, saved
from fasts2s_kernels.quiet import quiet


class Convolution:
    """Sum of products of every window of a picture with every filter, plus a bias.

    W : (FN, C, FH, FW), b : (FN,), float32 or float64; stride : distance of two windows; pad : width of
    the rim of zeros, less than that of a window.
    """

    def __init__(
        self, W: AnyArray, b: AnyArray, stride: int = 1, pad: int = 0, *, backend: BackendLike | None = None
    ) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [W, b]
        self.grads = gradient_buffers(W=W, b=b)
        self.stride, self.pad = integer("stride", stride, 1), integer("pad", pad, 0)
        self._cache: Any = None

    def forward(self, x: AnyArray) -> Array:
        """x : (N, C, H, W) -> (N, FN, OH, OW). Raises ValueError for other shapes and types."""
        W, b = self.params
        kernels = self.backend.kernels_for(x, W, b)
        out, self._cache = kernels.convolution_forward(x, W, b, stride=self.stride, pad=self.pad)
        return out

    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, FN, OH, OW) -> dx (N, C, H, W); ``grads`` are overwritten. Raises ValueError."""
        (W, _), (dW, db) = self.params, self.grads
        return self.backend.kernels_for(dout, W).convolution_backward(dout, W, self._cache, dW=dW, db=db)


class Pooling:
    """The largest number of every window, pool_h x pool_w. Padding is zeros, as in the book."""

    def __init__(
        self, pool_h: int, pool_w: int, stride: int = 2, pad: int = 0, *, backend: BackendLike | None = None
    ) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.pool_h, self.pool_w = integer("pool_h", pool_h, 1), integer("pool_w", pool_w, 1)
        self.stride, self.pad = integer("stride", stride, 1), integer("pad", pad, 0)
        self._cache: Any = None

    def forward(self, x: AnyArray) -> Array:
        """x : (N, C, H, W) -> (N, C, OH, OW). Raises ValueError for other shapes and types."""
        out, self._cache = self.backend.kernels_for(x).pooling_forward(
            x, pool_h=self.pool_h, pool_w=self.pool_w, stride=self.stride, pad=self.pad
        )
        return out

    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, C, OH, OW) -> dx (N, C, H, W). Raises ValueError."""
        return self.backend.kernels_for(dout).pooling_backward(dout, self._cache)


class Relu:
    """``maximum(0, x)`` element by element."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self._cache: Any = None

    @quiet
    def forward(self, x: AnyArray) -> Array:
        """x : any shape, float -> the same shape. Raises ValueError if x is no float array."""
        numbers: Array = inexact("x", x, "of any shape")
        kept = ~(numbers <= 0)
        self._cache = (kept, numbers.dtype)
        return np.where(kept, numbers, numbers.dtype.type(0))

    @quiet
    def backward(self, dout: AnyArray) -> Array:
        """dout : the shape of x -> dx. Raises ValueError."""
        kept, dtype = saved(self._cache)
        d: Array = as_float("dout", dout, dtype, kept.shape, "the shape of the input")
        require_same_side(dout=d, x=kept)
        return np.where(kept, d, dtype.type(0))


class Flatten:
    """All numbers of a row side by side."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self._cache: Any = None

    def forward(self, x: AnyArray) -> Array:
        """x : (N, ...), float -> (N, D). Raises ValueError for other shapes and types."""
        x = inexact("x", x, "(N, ...)")
        if x.ndim < 1:
            raise ValueError(f"x has shape {x.shape}, expected (N, ...)")
        self._cache = (x.shape, x.dtype)
        return x.reshape(len(x), _size(x.shape)).copy()

    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, D) -> dx of the shape of x. Raises ValueError."""
        shape, dtype = saved(self._cache)
        dout = as_float("dout", dout, dtype, (shape[0], _size(shape)), "(N, D)")
        return dout.reshape(shape).copy()


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape[1:], dtype=np.int64))
