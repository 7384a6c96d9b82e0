"""Elman RNN over a whole sequence: a matrix product and one pointwise kernel per step."""

from typing import NamedTuple

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import contiguous, gemm, i32, kernel, per_element, product
from fasts2s_kernels.gpu.specialisations import number
from fasts2s_kernels.ops.recurrent import gpu as recurrent


class _Saved(NamedTuple):
    seq: checks.Sequence
    hprev: Array
    news: Array  # h after every step that was no padding


@inputs.entry
def rnn_forward(
    xs: Array,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    *,
    h0: Array | None = None,
    row_bias: Array | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.rnn_forward`."""
    seq, states = recurrent.sequence(1, xs, Wx, Wh, b, {"h0": h0}, row_bias, mask)
    (N, T, _), H, dtype = seq.xs.shape, seq.Wh.shape[0], seq.Wh.dtype
    hs, hprev, news = (xp.empty((N, T, H), dtype) for _ in range(3))
    h = recurrent.fresh_state(states["h0"], hs, (N, H))
    if hs.size:
        xw, Wh = recurrent.input_products(seq), contiguous(seq.Wh)
        given = contiguous(seq.b), contiguous(seq.row_bias), inputs.bytes_of(seq.mask)
        function = kernel("rnn", "rnn_fwd_step", number(recurrent.is_wide(h)))
        for t in range(T):
            sizes = i32(N), i32(T), i32(H), i32(t)
            per_element(function, h.size, product(h, Wh), xw, *given, h, hprev, news, hs, *sizes)
    return hs, h, _Saved(seq, hprev, news)


@inputs.entry
def rnn_backward(
    dhs: Array | None,
    Wx: Array,
    Wh: Array,
    cache: Cache,
    *,
    dh_last: Array | None = None,
    dWx: Array,
    dWh: Array,
    db: Array | None,
) -> tuple[Array, Array, Array | None]:
    """See :meth:`fasts2s_kernels.contract.Kernels.rnn_backward`."""
    saved = checks.saved(cache)
    dhs, Wx, Wh, last, (dWx, dWh, db) = recurrent.gradients(
        1, dhs, saved.seq, Wx, Wh, {"dh_last": dh_last}, (dWx, dWh, db)
    )
    N, T, H = saved.hprev.shape
    dA, step_dA = xp.empty((N, T, H), Wh.dtype), xp.empty((N, H), Wh.dtype)
    dh = recurrent.fresh_state(last["dh_last"], Wh, (N, H))
    if saved.hprev.size:
        mask, back = inputs.bytes_of(saved.seq.mask), None
        function = kernel("rnn", "rnn_bwd_step", number(recurrent.is_wide(Wh)))
        for t in range(T - 1, -2, -1):
            sizes = i32(N), i32(T), i32(H), i32(t)
            per_element(function, dh.size, back, dhs, mask, saved.news, dh, step_dA, dA, *sizes)
            back = product(step_dA, Wh.T) if t >= 0 else None
    gemm(saved.hprev.reshape(N * T, H).T, dA.reshape(N * T, H), dWh)
    dxs = recurrent.input_gradients(saved.seq, Wx, dA, (dWx, db))
    return dxs, dh, recurrent.row_bias_gradient(saved.seq, dA)


@inputs.entry
def rnn_step(x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.rnn_step`."""
    inputs.on_device(x=x, Wx=Wx, Wh=Wh, b=b, row_bias=row_bias, h=h)
    seq = checks.step(1, x, Wx, Wh, b, {"h": h}, row_bias)
    return rnn_forward(seq.xs, seq.Wx, seq.Wh, seq.b, h0=seq.states[0], row_bias=seq.row_bias)[1]
