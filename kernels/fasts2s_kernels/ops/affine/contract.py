"""The part of the contract that is the affine layer. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array


class Affine(Protocol):
    """The part of the contract that is the affine layer."""

    def affine_forward(self, x: Array, W: Array, b: Array | None) -> Array:
        """``x W + b``: x (R, D), W (D, M) in any memory order, b (M,) or None -> (R, M)."""
        ...

    def affine_backward(self, dout: Array, x: Array, W: Array, *, dW: Array, db: Array | None) -> Array:
        """Gradients of :meth:`affine_forward`: dout (R, M), x (R, D) -> dx (R, D); dW, db overwritten."""
        ...
