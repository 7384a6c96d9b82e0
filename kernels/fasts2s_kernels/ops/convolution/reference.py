"""Convolution and pooling of pictures."""

from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.ops.affine.reference import affine_backward, affine_forward
from fasts2s_kernels.ops.convolution import composed, pooling
from fasts2s_kernels.ops.convolution.windows import fold, unfold
from fasts2s_kernels.quiet import quiet

_PARTS = composed.Parts(unfold, fold, affine_forward, affine_backward)


@quiet
def convolution_forward(x: Array, W: Array, b: Array | None, *, stride: int = 1, pad: int = 0) -> tuple[Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_forward`."""
    return composed.forward(_PARTS, x, W, b, stride, pad)


@quiet
def convolution_backward(dout: Array, W: Array, cache: Cache, *, dW: Array, db: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_backward`."""
    return composed.backward(_PARTS, dout, W, cache, dW, db)


@quiet
def pooling_forward(x: Array, *, pool_h: int, pool_w: int, stride: int, pad: int = 0) -> tuple[Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.pooling_forward`."""
    return pooling.forward(x, pool_h, pool_w, stride, pad)


@quiet
def pooling_backward(dout: Array, cache: Cache) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.pooling_backward`."""
    return pooling.backward(dout, cache)
