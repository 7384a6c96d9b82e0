"""Affine map of rows: what Python calls. The loops are in cpu_loops."""

from typing import Any

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.gemm import PANEL
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.products import CHOICE
from fasts2s_kernels.ops.affine import cpu_blas, reference
from fasts2s_kernels.ops.affine import cpu_loops as loops
from fasts2s_kernels.ops.affine.reference import rows_of


def ordered(W: Array) -> tuple[Array, int, int]:
    """Return W in C or in Fortran order, as an array that is contiguous along its last axis, and its distances."""
    if W.flags.f_contiguous and not W.flags.c_contiguous and W.flags.aligned:
        return W.T, 1, W.shape[0]
    W = arr.c_order(W)
    return W, W.shape[1], 1


def _groups(panels: int, workers: int, enough: int) -> int:
    """Return into how many groups rows are divided: one where there are ``enough`` panels for every worker.

    Every group packs the weights anew.
    """
    return 1 if panels >= enough * workers or workers == 1 else 2 * workers


def affine_forward(x: Array, W: Array, b: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_forward`."""
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", x, W, 0, "(R, D)")
    (R, D), M = x.shape, W.shape[1]
    if not arr.is_compiled(W, R * D * M):
        return reference.affine_forward(x, W, b)
    if b is not None:
        b = checks.as_float("b", b, W.dtype, (M,), "(M,)")
    return (cpu_blas.forward if CHOICE.by_blas(R, D, M) else _forward)(x, W, b)


def _forward(x: Array, W: Array, b: Array | None = None) -> Array:
    (R, D), M = x.shape, W.shape[1]
    # A single row is bound by reading W: five times the time of as many multiply-adds.
    workers = threads.workers_for(R * D * M * (5 if R == 1 else 1))
    out, panels, (W, k_step, n_step) = empty(R, M), -(-M // PANEL), ordered(W)
    lone = R == 1
    groups = max(workers, -(-M // loops.STRETCH)) if lone else _groups(panels, workers, 2)
    fields = loops.Forward(
        R=R, D=D, M=M, groups=groups, x=arr.c_order(x), W=W, k_step=k_step, n_step=n_step,
        b=arr.optional(b, arr.NONE1), out=out, local=empty(workers, loops.LOCAL),
    )  # fmt: skip
    loops.FORWARD(workers, fields, groups if lone else panels * groups)
    return out


CHOICE.own = _forward


def affine_backward(dout: Array, x: Array, W: Array, *, dW: Array, db: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_backward`."""
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", checks.saved(x), W, 0, "(R, D)")
    (R, D), M = x.shape, W.shape[1]
    if not arr.is_compiled(W, R * D * M):
        return reference.affine_backward(dout, x, W, dW=dW, db=db)
    dout = checks.as_float("dout", dout, W.dtype, (R, M), "(R, M)")
    dW = checks.buffer("dW", dW, W, "(D, M)")
    buffers = (dW, None if db is None else checks.bias_buffer(db, (M,), "(M,)"))
    turned = dW.flags.f_contiguous and not dW.flags.c_contiguous and dW.flags.aligned
    made_W, made_b = (dW if turned else arr.writable(dW)), arr.writable(buffers[1])
    if CHOICE.by_blas(R, D, M):
        dx = cpu_blas.backward(dout, x, W, made_W, made_b)
    else:
        dx = _backward(dout, x, W, made_W, made_b)
    arr.put_back(buffers, (made_W, made_b))
    return dx


def _backward(dout: Array, x: Array, W: Array, dW: Array, db: Any) -> Array:
    (R, D), M = x.shape, W.shape[1]
    workers = threads.workers_for(2 * R * D * M)
    dx, panels, (W, k_step, n_step) = empty(R, D), -(-D // PANEL), ordered(W)
    groups, turned = _groups(panels, workers, 1), not dW.flags.c_contiguous
    fields = loops.Backward(
        R=R, D=D, M=M, groups=groups, dout=arr.c_order(dout), x=arr.c_order(x), W=W, k_step=k_step, n_step=n_step,
        dx=dx, dW=dW.T if turned else dW, d_step=1 if turned else M, m_step=D if turned else 1,
        db=arr.NONE1 if db is None else db, local=empty(workers, loops.LOCAL),
    )  # fmt: skip
    loops.BACKWARD(workers, fields, panels * groups + -(-M // PANEL))
    return dx
