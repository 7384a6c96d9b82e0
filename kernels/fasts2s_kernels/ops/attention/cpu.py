"""Dot-product attention: what Python calls. The loops are in cpu_loops."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.attention import cpu_loops as loops
from fasts2s_kernels.ops.attention import reference


class _Saved(NamedTuple):
    """What backward needs; ``mask`` is an array without elements where there was none."""

    hs_enc: Array
    hs_dec: Array
    mask: Array
    weights: Array


def _checked(hs_enc: Any, hs_dec: Any, mask: Any) -> tuple[Array, Array, Array | None]:
    """Check the inputs as the reference does, without the copy of hs_enc that it makes for a mask."""
    hs_enc = checks.floating("hs_enc", hs_enc, "(N, S, H)", 3)
    N, S, H = hs_enc.shape
    hs_dec = checks.as_array("hs_dec", hs_dec, f"a float array (N, T, H) with N, H = {N, H}")
    if hs_dec.ndim != 3 or (hs_dec.shape[0], hs_dec.shape[2]) != (N, H):
        raise ValueError(f"hs_dec has shape {hs_dec.shape}, expected (N, T, H) with N, H = {N, H}")
    hs_dec = checks.as_float("hs_dec", hs_dec, hs_enc.dtype, hs_dec.shape, "(N, T, H)")
    return hs_enc, hs_dec, None if mask is None else checks.as_mask("mask", mask, (N, S), "(N, S)")


def _plan(N: int, S: int, T: int, H: int, products: int) -> tuple[int, int, Array]:
    """Return the number of workers, the batch rows of a task (four tasks a worker) and the workers' memory."""
    # Copying and turning round the encoder steps takes about as long as eight decoder steps.
    workers = threads.workers_for(N * S * (H * (products * T + 8) + 16 * T))
    group = N if workers == 1 else -(-N // (4 * workers))
    return workers, group, empty(workers, loops.local_floats(S, T, H))


def attention_forward(hs_enc: Array, hs_dec: Array, *, mask: Array | None = None) -> tuple[Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_forward`.

    Implementation: one parallel region over batch rows; scores and weights of a row stay in the cache between the
    two products. Kept for backward: the inputs as they are, and a copy of mask and weights.
    """
    hs_enc, hs_dec, mask = _checked(hs_enc, hs_dec, mask)
    (N, S, H), T = hs_enc.shape, hs_dec.shape[1]
    if not arr.is_compiled(hs_enc, N * S * T * H):
        return reference.attention_forward(hs_enc, hs_dec, mask=mask)
    hs_enc, hs_dec = arr.row_order(hs_enc), arr.row_order(hs_dec)
    valid = arr.NO_BOOLS if mask is None else np.array(mask, order="C")  # a caller may reuse his mask
    context, weights = empty(N, T, H), empty(N, T, S)
    kept = empty(N, T, S)
    workers, group, local = _plan(N, S, T, H, 2)
    fields = loops.Forward(
        N=N, S=S, T=T, H=H, group=group,
        enc=hs_enc, enc_n=hs_enc.strides[0] // 4, enc_s=hs_enc.strides[1] // 4,
        dec=hs_dec, dec_n=hs_dec.strides[0] // 4, dec_t=hs_dec.strides[1] // 4, mask=valid,
        context=context, weights=weights, kept=kept, local=local, local_size=local.shape[1],
    )  # fmt: skip
    loops.FORWARD(workers, fields, -(-N // group))
    return context, weights, _Saved(hs_enc, hs_dec, valid, kept)


def attention_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_backward`.

    Implementation: one parallel region over batch rows, each of which has its gradients to itself.
    """
    saved = checks.saved(cache)
    if not isinstance(saved, _Saved):
        return reference.attention_backward(dout, cache)
    hs_enc, hs_dec, mask, weights = saved
    (N, S, H), T = hs_enc.shape, hs_dec.shape[1]
    dout = arr.row_order(checks.as_float("dout", dout, hs_enc.dtype, (N, T, H), "(N, T, H)"))
    dhs_enc, dhs_dec = empty(N, S, H), empty(N, T, H)
    workers, group, local = _plan(N, S, T, H, 4)
    fields = loops.Backward(
        N=N, S=S, T=T, H=H, group=group,
        enc=hs_enc, enc_n=hs_enc.strides[0] // 4, enc_s=hs_enc.strides[1] // 4,
        dec=hs_dec, dec_n=hs_dec.strides[0] // 4, dec_t=hs_dec.strides[1] // 4, mask=mask, weights=weights,
        dout=dout, dout_n=dout.strides[0] // 4, dout_t=dout.strides[1] // 4, denc=dhs_enc, ddec=dhs_dec,
        local=local, local_size=local.shape[1],
    )  # fmt: skip
    loops.BACKWARD(workers, fields, -(-N // group))
    return dhs_enc, dhs_dec
