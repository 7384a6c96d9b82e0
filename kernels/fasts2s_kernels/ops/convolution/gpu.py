"""Convolution and pooling of pictures: CuPy's array expressions around the products of the affine map."""

from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.ops.affine.gpu import affine_backward, affine_forward
from fasts2s_kernels.ops.convolution import composed, pooling
from fasts2s_kernels.ops.convolution.windows import fold, unfold

_PARTS = composed.Parts(unfold, fold, affine_forward, affine_backward)


@inputs.entry
def convolution_forward(x: Array, W: Array, b: Array | None, *, stride: int = 1, pad: int = 0) -> tuple[Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_forward`."""
    inputs.on_device(x=x, W=W, b=b)
    return composed.forward(_PARTS, x, W, b, stride, pad)


@inputs.entry
def convolution_backward(dout: Array, W: Array, cache: Cache, *, dW: Array, db: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_backward`."""
    inputs.on_device(dout=dout, W=W, dW=dW, db=db)
    return composed.backward(_PARTS, dout, W, cache, dW, db)


@inputs.entry
def pooling_forward(x: Array, *, pool_h: int, pool_w: int, stride: int, pad: int = 0) -> tuple[Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.pooling_forward`."""
    inputs.on_device(x=x)
    return pooling.forward(x, pool_h, pool_w, stride, pad)


@inputs.entry
def pooling_backward(dout: Array, cache: Cache) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.pooling_backward`."""
    inputs.on_device(dout=dout)
    return pooling.backward(dout, cache)
