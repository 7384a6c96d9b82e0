"""Affine map of rows."""

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.launch import gemm, product
from fasts2s_kernels.ops.affine.reference import rows_of
from fasts2s_kernels.ops.recurrent.gpu import column_sums


@inputs.entry
def affine_forward(x: Array, W: Array, b: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_forward`."""
    inputs.on_device(x=x, W=W, b=b)
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", x, W, 0, "(R, D)")
    b = None if b is None else checks.as_float("b", b, W.dtype, (W.shape[1],), "(M,)")
    out = product(x, W)
    if b is not None:
        out += b
    return out


@inputs.entry
def affine_backward(dout: Array, x: Array, W: Array, *, dW: Array, db: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_backward`."""
    inputs.on_device(dout=dout, x=x, W=W, dW=dW, db=db)
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", checks.saved(x), W, 0, "(R, D)")
    dout = checks.as_float("dout", dout, W.dtype, (x.shape[0], W.shape[1]), "(R, M)")
    dW = checks.buffer("dW", dW, W, "(D, M)")
    if db is not None:
        checks.bias_buffer(db, (W.shape[1],), "(M,)")[...] = column_sums(dout[None])[0]
    gemm(x.T, dout, dW)
    return product(dout, W.T)
