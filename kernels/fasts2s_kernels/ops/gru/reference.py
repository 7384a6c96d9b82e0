"""GRU over a whole sequence."""

from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.ops.elementwise import select, sigmoid
from fasts2s_kernels.ops.lstm.reference import zero_buffers
from fasts2s_kernels.quiet import quiet


def _cell(x: Array, h: Array, seq: checks.Sequence) -> tuple[Array, tuple[Array, Array, Array]]:
    a = np.dot(x, seq.Wx)
    for bias in (seq.b, seq.row_bias):
        a = a if bias is None else a + bias
    H = h.shape[1]
    zr = sigmoid(a[:, : 2 * H] + np.dot(h, seq.Wh[:, : 2 * H]))
    z, r = zr[:, :H], zr[:, H:]
    n = np.tanh(a[:, 2 * H :] + np.dot(r * h, seq.Wh[:, 2 * H :]))
    return (1 - z) * h + z * n, (z, r, n)


@quiet
def gru_forward(
    xs: Array,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    *,
    h0: Array | None = None,
    row_bias: Array | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.gru_forward`."""
    seq = checks.sequence(3, xs, Wx, Wh, b, {"h0": h0}, row_bias, mask)
    (h,) = seq.initial()
    N, T, _ = seq.xs.shape
    hs = np.zeros_like(seq.xs, shape=(N, T, h.shape[1]))
    steps = []
    for t in range(T):
        h_new, gates = _cell(seq.xs[:, t], h, seq)
        steps.append((h, gates))
        h = select(seq.mask, t, h_new, h)
        hs[:, t] = h
    return hs, h.copy(), (seq, steps)


def _cell_backward(dh: Array, Wh: Array, step: tuple[Any, ...]) -> tuple[Array, Array]:
    """Gradients of the pre-activations (N, 3H) and of h before the step (N, H)."""
    h, (z, r, n) = step
    H = h.shape[1]
    dn = dh * z * (1 - n**2)
    drh = np.dot(dn, Wh[:, 2 * H :].T)
    dz = dh * (n - h) * (z * (1 - z))
    dr = drh * h * (r * (1 - r))
    dzr = np.concatenate((dz, dr), axis=1)
    dh_prev = dh * (1 - z) + r * drh + np.dot(dzr, Wh[:, : 2 * H].T)
    return np.concatenate((dzr, dn), axis=1), dh_prev


@quiet
def gru_backward(
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
    """See :meth:`fasts2s_kernels.contract.Kernels.gru_backward`."""
    seq, steps = checks.saved(cache)
    dhs, Wx, Wh, last, buffers = checks.gradients(3, dhs, seq, Wx, Wh, {"dh_last": dh_last}, (dWx, dWh, db))
    (dh,), (dWx, dWh, db) = checks.or_zeros(last, Wh, len(seq.xs)), buffers
    dxs = np.zeros_like(seq.xs)
    drow = None if seq.row_bias is None else np.zeros_like(seq.row_bias)
    zero_buffers(buffers)
    H = Wh.shape[0]
    for t in reversed(range(len(steps))):
        dh = dh if dhs is None else dhs[:, t] + dh
        h_prev, (_, r, _) = steps[t]
        dA, dh_prev = _cell_backward(dh, Wh, steps[t])
        dA = select(seq.mask, t, dA, np.zeros_like(dA))
        dWx += np.dot(seq.xs[:, t].T, dA)
        dWh[:, : 2 * H] += np.dot(h_prev.T, dA[:, : 2 * H])
        dWh[:, 2 * H :] += np.dot((r * h_prev).T, dA[:, 2 * H :])
        if db is not None:
            db += dA.sum(axis=0)
        drow = drow if drow is None else drow + dA
        dxs[:, t] = np.dot(dA, Wx.T)
        dh = select(seq.mask, t, dh_prev, dh)
    return dxs, dh.copy(), drow


@quiet
def gru_step(x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.gru_step`."""
    seq = checks.step(3, x, Wx, Wh, b, {"h": h}, row_bias)
    (h,) = seq.initial()
    return _cell(seq.xs[:, 0], h, seq)[0]
