"""LSTM: what Python calls. Its cell is in cpu_loops, all else in ``ops/recurrent``."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.ops.lstm import reference
from fasts2s_kernels.ops.lstm.cpu_loops import BACK_BY_UNITS, BACKWARD, BY_UNITS, FORWARD
from fasts2s_kernels.ops.recurrent.cpu import Cell, Saved, backward, forward

CELL = Cell(
    early=4, late=0, kept=4, has_c=True, forward=FORWARD, backward=BACKWARD, by_units=BY_UNITS,
    back_by_units=BACK_BY_UNITS,
)  # fmt: skip


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
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_forward`.

    Implementation: one parallel region for the whole sequence; gates are computed as soon as a tile has their
    pre-activations. Memory for backward: inputs, states and gates once.
    """
    seq = checks.sequence(4, xs, Wx, Wh, b, {"h0": h0, "c0": c0}, row_bias, mask)
    if not arr.is_compiled(seq.Wx, seq.xs.size * seq.Wh.size):
        return reference.lstm_forward(seq.xs, Wx, Wh, b, h0=h0, c0=c0, row_bias=row_bias, mask=mask)
    return forward(CELL, seq)


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
    seq, rows, places = checks.id_sequence(4, table, ids, Wh, {"h0": h0, "c0": c0}, row_bias, mask)
    if not arr.is_compiled(rows, places.size * seq.Wh.size):
        return reference.lstm_ids_forward(rows, places, Wh, h0=h0, c0=c0, row_bias=row_bias, mask=mask)
    return forward(CELL, seq, rows, places)


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
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_backward`.

    Implementation: one parallel region of three phases, see ``recurrent/cpu_backward.py``. A ``dhs`` of None is never
    made.
    """
    lasts = {"dh_last": dh_last, "dc_last": dc_last}
    saved = checks.saved(cache)
    if not isinstance(saved, Saved):
        return reference.lstm_backward(dhs, Wx, Wh, cache, **lasts, dWx=dWx, dWh=dWh, db=db)
    dhs, Wx, Wh, (dh, dc), buffers = checks.gradients(4, dhs, saved.seq, Wx, Wh, lasts, (dWx, dWh, db))
    dxs, (dh, dc), drow_bias = backward(CELL, saved, dhs, (dh, dc), Wx, Wh, buffers)
    return dxs, dh, dc, drow_bias


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
    lasts = {"dh_last": dh_last, "dc_last": dc_last}
    saved = checks.saved(cache)
    if not isinstance(saved, Saved):
        return reference.lstm_ids_backward(dhs, Wh, cache, **lasts, dtable=dtable, dWh=dWh)
    Wx = saved.seq.Wx  # (0, 4H): there are no inputs but ids
    dhs, _, Wh, (dh, dc), buffers = checks.gradients(4, dhs, saved.seq, Wx, Wh, lasts, (Wx.copy(), dWh, None))
    dtable = checks.buffer("dtable", dtable, np.zeros_like(Wx, shape=(saved.V, Wh.shape[1])), "(V, 4H)")
    made = arr.writable(dtable)
    _, (dh, dc), drow_bias = backward(CELL, saved, dhs, (dh, dc), Wx, Wh, buffers, made)
    arr.put_back((dtable,), (made,))
    return dh, dc, drow_bias


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
    if not arr.is_compiled(seq.Wx, seq.xs.size * seq.Wh.size):
        return reference.lstm_step(x, Wx, Wh, b, h=h, c=c, row_bias=row_bias)
    _, h_next, c_next, _ = forward(CELL, seq)
    return h_next, c_next
