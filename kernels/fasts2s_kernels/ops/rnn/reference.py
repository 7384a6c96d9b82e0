"""Elman RNN over a whole sequence."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.ops.elementwise import select
from fasts2s_kernels.ops.lstm.reference import accumulate, zero_buffers
from fasts2s_kernels.quiet import quiet


def _cell(x: Array, h: Array, seq: checks.Sequence) -> Array:
    a = np.dot(h, seq.Wh) + np.dot(x, seq.Wx)
    for bias in (seq.b, seq.row_bias):
        a = a if bias is None else a + bias
    return np.tanh(a)


@quiet
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
    seq = checks.sequence(1, xs, Wx, Wh, b, {"h0": h0}, row_bias, mask)
    (h,) = seq.initial()
    N, T, _ = seq.xs.shape
    hs = np.zeros_like(seq.xs, shape=(N, T, h.shape[1]))
    steps = []
    for t in range(T):
        h_new = _cell(seq.xs[:, t], h, seq)
        steps.append((h, h_new))
        h = select(seq.mask, t, h_new, h)
        hs[:, t] = h
    return hs, h.copy(), (seq, steps)


@quiet
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
    seq, steps = checks.saved(cache)
    dhs, Wx, Wh, last, buffers = checks.gradients(1, dhs, seq, Wx, Wh, {"dh_last": dh_last}, (dWx, dWh, db))
    (dh,), dxs = checks.or_zeros(last, Wh, len(seq.xs)), np.zeros_like(seq.xs)
    drow = None if seq.row_bias is None else np.zeros_like(seq.row_bias)
    zero_buffers(buffers)
    for t in reversed(range(len(steps))):
        dh = dh if dhs is None else dhs[:, t] + dh
        h_prev, h = steps[t]
        dA = dh * (1 - h**2)
        dA = select(seq.mask, t, dA, np.zeros_like(dA))
        accumulate(buffers, seq.xs[:, t], h_prev, dA)
        drow = drow if drow is None else drow + dA
        dxs[:, t] = np.dot(dA, Wx.T)
        dh = select(seq.mask, t, np.dot(dA, Wh.T), dh)
    return dxs, dh.copy(), drow


@quiet
def rnn_step(x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.rnn_step`."""
    seq = checks.step(1, x, Wx, Wh, b, {"h": h}, row_bias)
    (h,) = seq.initial()
    return _cell(seq.xs[:, 0], h, seq)
