"""Dot-product attention of all decoder steps over all encoder steps."""

from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.quiet import quiet


def checked_inputs(hs_enc: Any, hs_dec: Any, mask: Any) -> tuple[Array, Array, Array | None]:
    """Check the inputs of a forward call; padded steps of hs_enc come back as zeros."""
    hs_enc = checks.floating("hs_enc", hs_enc, "(N, S, H)", 3)
    N, S, H = hs_enc.shape
    hs_dec = checks.as_array("hs_dec", hs_dec, f"a float array (N, T, H) with N, H = {N, H}")
    if hs_dec.ndim != 3 or (hs_dec.shape[0], hs_dec.shape[2]) != (N, H):
        raise ValueError(f"hs_dec has shape {hs_dec.shape}, expected (N, T, H) with N, H = {N, H}")
    hs_dec = checks.as_float("hs_dec", hs_dec, hs_enc.dtype, hs_dec.shape, "(N, T, H)")
    if mask is not None:
        mask = checks.as_mask("mask", mask, (N, S), "(N, S)")
    return without_padding(hs_enc, mask), hs_dec, mask


def without_padding(hs_enc: Array, mask: Array | None) -> Array:
    """Return hs_enc (N, S, H) with zeros where mask (N, S) is False."""
    return hs_enc if mask is None else np.where(mask[:, :, None], hs_enc, hs_enc.dtype.type(0))


@quiet
def attention_forward(hs_enc: Array, hs_dec: Array, *, mask: Array | None = None) -> tuple[Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_forward`."""
    hs_enc, hs_dec, mask = checked_inputs(hs_enc, hs_dec, mask)
    scores = np.matmul(hs_dec, hs_enc.transpose(0, 2, 1))
    if mask is not None:
        scores = np.where(mask[:, None, :], scores, scores.dtype.type(-np.inf))
    top = scores.max(axis=2, keepdims=True, initial=-np.inf)
    top = np.where(top == -np.inf, scores.dtype.type(0), top)  # a row of padding only: exp(-inf - 0) = 0
    weights = np.exp(scores - top)
    total = weights.sum(axis=2, keepdims=True)
    weights /= np.where(total == 0, total.dtype.type(1), total)
    return np.matmul(weights, hs_enc), weights.copy(), (hs_enc, hs_dec, weights)


@quiet
def attention_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_backward`."""
    hs_enc, hs_dec, weights = checks.saved(cache)
    dout = checks.as_float("dout", dout, hs_enc.dtype, hs_dec.shape, "(N, T, H)")
    dweights = np.matmul(dout, hs_enc.transpose(0, 2, 1))
    dscores = weights * (dweights - (dweights * weights).sum(axis=2, keepdims=True))
    dhs_enc = np.matmul(weights.transpose(0, 2, 1), dout) + np.matmul(dscores.transpose(0, 2, 1), hs_dec)
    return dhs_enc, np.matmul(dscores, hs_enc)
