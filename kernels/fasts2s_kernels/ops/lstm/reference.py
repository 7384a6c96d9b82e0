"""LSTM over a whole sequence."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.ops.elementwise import select, sigmoid
from fasts2s_kernels.ops.embedding.reference import add_by_id
from fasts2s_kernels.quiet import quiet


def _cell(a: Array, h: Array, c: Array, seq: checks.Sequence) -> tuple[Array, Array, tuple[Array, ...]]:
    """One step; a : (N, 4H) is what the inputs bring."""
    a = a + np.dot(h, seq.Wh)
    for bias in (seq.b, seq.row_bias):
        a = a if bias is None else a + bias
    H = h.shape[1]
    f, g = sigmoid(a[:, :H]), np.tanh(a[:, H : 2 * H])
    i, o = sigmoid(a[:, 2 * H : 3 * H]), sigmoid(a[:, 3 * H :])
    c = f * c + g * i
    return o * np.tanh(c), c, (f, g, i, o)


@quiet
def lstm_forward(
    xs: Array,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    *,
    h0: Array | None = None,
    c0: Array | None = None,
    row_bias: Array | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_forward`."""
    seq = checks.sequence(4, xs, Wx, Wh, b, {"h0": h0, "c0": c0}, row_bias, mask)
    return _forward(seq, lambda t: np.dot(seq.xs[:, t], seq.Wx), None)


@quiet
def lstm_ids_forward(
    table: Array,
    ids: Array,
    Wh: Array,
    *,
    h0: Array | None = None,
    c0: Array | None = None,
    row_bias: Array | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_ids_forward`."""
    seq, table, ids = checks.id_sequence(4, table, ids, Wh, {"h0": h0, "c0": c0}, row_bias, mask)
    return _forward(seq, lambda t: table[ids[:, t]], (table.shape, ids))


def _forward(seq: checks.Sequence, inputs: Callable[[int], Array], ids: Any) -> tuple[Array, Array, Array, Cache]:
    h, c = seq.initial()
    N, T, _ = seq.xs.shape
    hs = np.zeros_like(seq.xs, shape=(N, T, h.shape[1]))
    steps = []
    for t in range(T):
        h_new, c_new, gates = _cell(inputs(t), h, c, seq)
        steps.append((h, c, c_new, gates))
        h, c = select(seq.mask, t, h_new, h), select(seq.mask, t, c_new, c)
        hs[:, t] = h
    # The state is handed out, so it must not be memory of the caller (T = 0) or of the cache (padding).
    return hs, h.copy(), c.copy(), (seq, steps, ids)


def _cell_backward(dh: Array, dc: Array, step: tuple[Any, ...]) -> tuple[Array, Array]:
    _, c_prev, c, (f, g, i, o) = step
    tanh_c = np.tanh(c)
    ds = dc + (dh * o) * (1 - tanh_c**2)
    df = ds * c_prev * (f * (1 - f))
    dg = ds * i * (1 - g**2)
    di = ds * g * (i * (1 - i))
    do = dh * tanh_c * (o * (1 - o))
    return np.concatenate((df, dg, di, do), axis=1), ds * f


@quiet
def lstm_backward(
    dhs: Array | None,
    Wx: Array,
    Wh: Array,
    cache: Cache,
    *,
    dh_last: Array | None = None,
    dc_last: Array | None = None,
    dWx: Array,
    dWh: Array,
    db: Array | None,
) -> tuple[Array, Array, Array, Array | None]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_backward`."""
    seq, steps, _ = checks.saved(cache)
    lasts = {"dh_last": dh_last, "dc_last": dc_last}
    dhs, Wx, Wh, last, buffers = checks.gradients(4, dhs, seq, Wx, Wh, lasts, (dWx, dWh, db))
    dxs = np.zeros_like(seq.xs)
    zero_buffers(buffers)

    def arrived(t: int, h: Array, dA: Array) -> None:
        accumulate(buffers, seq.xs[:, t], h, dA)
        dxs[:, t] = np.dot(dA, Wx.T)

    return dxs, *_backward(dhs, Wh, seq, steps, last, arrived)


@quiet
def lstm_ids_backward(
    dhs: Array | None,
    Wh: Array,
    cache: Cache,
    *,
    dh_last: Array | None = None,
    dc_last: Array | None = None,
    dtable: Array,
    dWh: Array,
) -> tuple[Array, Array, Array | None]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_ids_backward`."""
    seq, steps, (shape, ids) = checks.saved(cache)
    lasts = {"dh_last": dh_last, "dc_last": dc_last}
    dhs, _, Wh, last, (_, dWh, _) = checks.gradients(4, dhs, seq, seq.Wx, Wh, lasts, (seq.Wx.copy(), dWh, None))
    dtable = checks.buffer("dtable", dtable, np.zeros_like(seq.Wx, shape=shape), "(V, 4H)")
    zero_buffers((dtable, dWh, None))

    def arrived(t: int, h: Array, dA: Array) -> None:
        add_by_id(dtable, ids[:, t], dA)
        dWh[...] += np.dot(h.T, dA)

    return _backward(dhs, Wh, seq, steps, last, arrived)


def _backward(
    dhs: Array | None,
    Wh: Array,
    seq: checks.Sequence,
    steps: list[Any],
    last: list[Array | None],
    arrived: Callable[[int, Array, Array], None],
) -> tuple[Array, Array, Array | None]:
    """Go back through time; ``arrived`` takes (t, h before the step, gradients of the pre-activations)."""
    dh, dc = checks.or_zeros(last, Wh, len(seq.xs))
    drow = None if seq.row_bias is None else np.zeros_like(seq.row_bias)
    for t in reversed(range(len(steps))):
        dh = dh if dhs is None else dhs[:, t] + dh
        dA, dc_prev = _cell_backward(dh, dc, steps[t])
        dA = select(seq.mask, t, dA, np.zeros_like(dA))
        arrived(t, steps[t][0], dA)
        drow = drow if drow is None else drow + dA
        dh, dc = select(seq.mask, t, np.dot(dA, Wh.T), dh), select(seq.mask, t, dc_prev, dc)
    return dh.copy(), dc.copy(), drow


def zero_buffers(buffers: tuple[Array, Array, Array | None]) -> None:
    """Set the gradient buffers dWx, dWh, db (which may be None) to zero."""
    for buffer in buffers:
        if buffer is not None:
            buffer[...] = 0


def accumulate(buffers: tuple[Array, Array, Array | None], x: Array, h: Array, dA: Array) -> None:
    """Add the gradients of one step: x (N, D), h before the step (N, H), dA (N, gH)."""
    dWx, dWh, db = buffers
    dWx += np.dot(x.T, dA)
    dWh += np.dot(h.T, dA)
    if db is not None:
        db += dA.sum(axis=0)


@quiet
def lstm_step(
    x: Array,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    *,
    h: Array,
    c: Array,
    row_bias: Array | None = None,
) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_step`."""
    seq = checks.step(4, x, Wx, Wh, b, {"h": h, "c": c}, row_bias)
    h, c = seq.initial()
    h_new, c_new, _ = _cell(np.dot(seq.xs[:, 0], seq.Wx), h, c, seq)
    return h_new, c_new
