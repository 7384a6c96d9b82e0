"""Convolution of pictures: what Python calls. The loops are in cpu_loops; products are those of the affine map."""

from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.affine.cpu import affine_backward, affine_forward
from fasts2s_kernels.ops.convolution import composed, windows
from fasts2s_kernels.ops.convolution import cpu_loops as loops
from fasts2s_kernels.ops.convolution.windows import Windows
from fasts2s_kernels.quiet import quiet


def _unfold(x: Array, w: Windows) -> Array:
    N, C, _, _ = x.shape
    R, D = N * w.rows * w.columns, C * w.high * w.wide
    if not arr.is_compiled(x, R * D):
        return windows.unfold(x, w)
    whole, out = arr.c_order(windows.padded(x, w.pad)), empty(R, D)
    fields = loops.Unfold(
        C=C, height=whole.shape[2], width=whole.shape[3], high=w.high, wide=w.wide, stride=w.stride, rows=w.rows,
        columns=w.columns, x=whole, out=out,
    )  # fmt: skip
    loops.UNFOLD(threads.workers_for(R * D), fields, N)
    return out


def _fold(rows: Array, shape: tuple[int, ...], w: Windows) -> Array:
    N, C, IH, IW = shape
    if not arr.is_compiled(rows, rows.size):
        return windows.fold(rows, shape, w)
    whole = empty(N, C, IH + 2 * w.pad, IW + 2 * w.pad)
    fields = loops.Fold(
        C=C, height=whole.shape[2], width=whole.shape[3], high=w.high, wide=w.wide, stride=w.stride, rows=w.rows,
        columns=w.columns, x=arr.c_order(rows), out=whole,
    )  # fmt: skip
    loops.FOLD(threads.workers_for(2 * rows.size), fields, N)
    return windows.without_rim(whole, w.pad)


_PARTS = composed.Parts(_unfold, _fold, affine_forward, affine_backward)


@quiet
def convolution_forward(x: Array, W: Array, b: Array | None, *, stride: int = 1, pad: int = 0) -> tuple[Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_forward`."""
    return composed.forward(_PARTS, x, W, b, stride, pad)


@quiet
def convolution_backward(dout: Array, W: Array, cache: Cache, *, dW: Array, db: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.convolution_backward`."""
    return composed.backward(_PARTS, dout, W, cache, dW, db)
