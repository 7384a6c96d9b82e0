"""Affine layer on rows. Source: the book, section 1.3."""

from typing import Any

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s_kernels.arrays import AnyArray, Array


class Affine:
    """``x W + b`` (Linear, Dense). W : (D, M), b : (M,), float32 or float64."""

    def __init__(self, W: AnyArray, b: AnyArray, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [W, b]
        self.grads = gradient_buffers(W=W, b=b)
        self.x: Array | None = None

    def forward(self, x: AnyArray) -> Array:
        """x : (N, D) -> (N, M). Raises ValueError for other shapes and types."""
        W, b = self.params
        out = self.backend.kernels_for(x, W, b).affine_forward(x, W, b)
        self.x = x
        return out

    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, M) -> dx (N, D); ``grads`` are overwritten. Raises ValueError for other shapes and types."""
        W, _ = self.params
        dW, db = self.grads
        return self.backend.kernels_for(dout, W).affine_backward(dout, self.x, W, dW=dW, db=db)


class MatMul:
    """``x W``. W : (D, M), float32 or float64."""

    def __init__(self, W: AnyArray, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [W]
        self.grads = gradient_buffers(W=W)
        self.x: Any = None

    def forward(self, x: AnyArray) -> Array:
        """x : (N, D) -> (N, M). Raises ValueError for other shapes and types."""
        (W,) = self.params
        out = self.backend.kernels_for(x, W).affine_forward(x, W, None)
        self.x = x
        return out

    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, M) -> dx (N, D); ``grads`` are overwritten. Raises ValueError for other shapes and types."""
        (W,), (dW,) = self.params, self.grads
        return self.backend.kernels_for(dout, W).affine_backward(dout, self.x, W, dW=dW, db=None)
