"""Dot-product attention of all decoder steps over all encoder steps: batched products and one kernel between them."""

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import BLOCK, blocks, i32, kernel
from fasts2s_kernels.gpu.specialisations import number
from fasts2s_kernels.ops.attention.reference import checked_inputs


def _matmul(a: Array, b: Array) -> Array:
    """Batched product; of nothing it is zeros."""
    shape = (*a.shape[:2], b.shape[2])
    return xp.matmul(a, b) if a.size and b.size else xp.zeros(shape, a.dtype)


def _rows(name: str, rows: Array, *args: object) -> None:
    """Start a kernel with one warp per row of (N, T, S)."""
    count = rows.shape[0] * rows.shape[1]
    if rows.size:
        function = kernel("attention", name, number(rows.dtype == xp.float64))
        function((blocks(32 * count, BLOCK),), (BLOCK,), (rows, *args[:1], i32(count), *args[1:]))


def attend(hs_enc: Array, hs_dec: Array, mask: Array | None) -> tuple[Array, Array]:
    """Return context (N, T, H) and weights (N, T, S) of checked inputs; mask is of the device, padding is zeros."""
    weights = _matmul(hs_dec, hs_enc.transpose(0, 2, 1))
    _, T, S = weights.shape
    _rows("attention_softmax", weights, inputs.bytes_of(mask), i32(T), i32(S))
    return _matmul(weights, hs_enc), weights


@inputs.entry
def attention_forward(hs_enc: Array, hs_dec: Array, *, mask: Array | None = None) -> tuple[Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_forward`."""
    inputs.on_device(hs_enc=hs_enc, hs_dec=hs_dec)
    if mask is not None and getattr(hs_enc, "ndim", 0) == 3:
        mask = inputs.mask("mask", mask, hs_enc.shape[:2], "(N, S)")
    hs_enc, hs_dec, mask = checked_inputs(hs_enc, hs_dec, mask)
    context, weights = attend(hs_enc, hs_dec, mask)
    return context, weights.copy(), (hs_enc, hs_dec, weights)


@inputs.entry
def attention_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_backward`."""
    inputs.on_device(dout=dout)
    hs_enc, hs_dec, weights = checks.saved(cache)
    dout = checks.as_float("dout", dout, hs_enc.dtype, hs_dec.shape, "(N, T, H)")
    dscores = _matmul(dout, hs_enc.transpose(0, 2, 1))
    _rows("attention_backward", dscores, weights, i32(weights.shape[2]))
    dhs_enc = _matmul(weights.transpose(0, 2, 1), dout) + _matmul(dscores.transpose(0, 2, 1), hs_dec)
    return dhs_enc, _matmul(dscores, hs_enc)
