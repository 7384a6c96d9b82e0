"""An affine layer over time whose input begins with what does not change over time: the same for every backend.

``(constant, x_t) W + b`` is ``x_t W[C:] + (constant W[:C] + b)``; the second part is computed once for every row.
"""

from typing import Any

from fasts2s_kernels.arrays import AnyArray, Array, Kernels
from fasts2s_kernels.checks import either
from fasts2s_kernels.quiet import quiet


def bias(kernels: Kernels, constant: AnyArray, W: AnyArray, b: AnyArray | None) -> Array:
    """Return what a constant (N, C) and b (M,), or None, add at every step: (N, M). W : (C + D, M)."""
    W = either.weight("W", W, "(C + D, M)", 2)
    return kernels.affine_forward(constant, W[: constant.shape[1]], b)


@quiet
def forward(kernels: Kernels, constant: AnyArray, xs: AnyArray, W: AnyArray, b: AnyArray) -> Array:
    """constant : (N, C), xs : (N, T, D), W : (C + D, M), b : (M,) -> (N, T, M). Raises ValueError."""
    (N, T, D), C = xs.shape, constant.shape[1]
    W = either.weight("W", W, "(C + D, M)", 2)
    out = kernels.affine_forward(xs.reshape(N * T, D), W[C:], None).reshape(N, T, W.shape[1])
    out += bias(kernels, constant, W, b)[:, None, :]
    return out


@quiet
def backward(
    kernels: Kernels, dout: Any, constant: AnyArray, xs: AnyArray, W: AnyArray, *, dW: Any, db: Any
) -> tuple[Array, Array]:
    """Gradients of :func:`forward`: dout (N, T, M) -> dconstant (N, C), dxs (N, T, D); dW and db are overwritten.

    Raises ValueError; nothing has been written then.
    """
    (N, T, D), C = xs.shape, constant.shape[1]
    W = either.weight("W", W, "(C + D, M)", 2)
    dout = either.as_float("dout", dout, W.dtype, (N, T, W.shape[1]), "(N, T, M)")
    dW = either.buffer("dW", dW, W, "(C + D, M)")
    dxs = kernels.affine_backward(dout.reshape(N * T, W.shape[1]), xs.reshape(N * T, D), W[C:], dW=dW[C:], db=db)
    dconstant = kernels.affine_backward(dout.sum(axis=1), constant, W[:C], dW=dW[:C], db=None)
    return dconstant, dxs.reshape(N, T, D)


def step(kernels: Kernels, x: AnyArray, W: AnyArray, added: AnyArray) -> Array:
    """One step for inference: x (N, D), W (C + D, M), what :func:`bias` returned (N, M) -> (N, M)."""
    W = either.weight("W", W, "(C + D, M)", 2)
    out: Array = kernels.affine_forward(x, W[W.shape[0] - x.shape[1] :], None) + added
    return out
