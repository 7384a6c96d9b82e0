"""LSTM: what Python calls. The loops are in _lstm_forward, _lstm_backward and _lstm_gradients."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.gemm import PANEL
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.ops.lstm import cpu_backward as back
from fasts2s_kernels.ops.lstm import cpu_forward as fore
from fasts2s_kernels.ops.lstm import reference
from fasts2s_kernels.ops.lstm.cpu_gradients import local_floats
from fasts2s_kernels.ops.lstm.cpu_records import Backward


class _Saved(NamedTuple):
    """What backward needs: the checked inputs; inputs, states and gates as the loops leave them."""

    seq: checks.Sequence
    xh_time: Array
    c_time: Array
    gates: Array
    fresh: bool  # the initial h was zero, and there is more than one step
    V: int  # rows of the table where inputs are ids, else 0
    ids: Array  # (T N,), time-major


def _masked(seq: checks.Sequence) -> Array:
    return arr.NO_BOOLS if seq.mask is None else np.ascontiguousarray(seq.mask)


def _by_panels(c: Array) -> Array:
    """Return c (N, H) as (panels, N, LANES), zero where there are no units."""
    whole = np.zeros((c.shape[0], arr.padded(c.shape[1])), np.float32)
    whole[:, : c.shape[1]] = c
    return whole.reshape(c.shape[0], -1, LANES).transpose(1, 0, 2)


def _by_rows(c: Array, H: int) -> Array:
    """Return c (panels, N, LANES) as (N, H)."""
    return c.transpose(1, 0, 2).reshape(c.shape[1], -1)[:, :H]


def _forward(seq: checks.Sequence, fresh: bool, table: Any, ids: Array) -> tuple[Array, Array, Array, Cache]:
    """Run the layer on checked inputs, of which none is empty (but D, where inputs are ids)."""
    (N, T, D), H = seq.xs.shape, seq.Wh.shape[0]
    panels, fresh = -(-H // LANES), fresh and T > 1
    workers = min(N, threads.workers_for(N * T * (D + H + 40) * 4 * H))
    group = -(-N // workers)
    hs, xh_time = empty(N, T, H), empty(T + 1, N, D + H)
    c_time, gates = empty(T + 1, panels, N, LANES), empty(T, panels, N, PANEL)
    xh_time[0, :, D:], c_time[0] = seq.states[0], _by_panels(seq.states[1])
    rows = arr.row_order(seq.xs)
    packed_panels = panels if group > 1 else 0
    fields = fore.Forward(
        N=N, T=T, D=D, H=H, group=group, fresh=int(fresh),
        xs=rows, x_n=rows.strides[0] // 4, x_t=rows.strides[1] // 4,
        Wx=arr.c_order(seq.Wx), Wh=arr.c_order(seq.Wh), b=arr.optional(seq.b, arr.NONE1),
        row_bias=arr.optional(seq.row_bias, arr.NONE2), mask=_masked(seq),
        table=arr.optional(table, arr.NONE2), ids=np.ascontiguousarray(ids),
        hs=hs, xh_time=xh_time, c_time=c_time, gates=gates,
        packed=arr.scratch(packed_panels * PANEL * (1 + D + H)),
        scratch=empty(workers, fore.step_floats(group, H)), scratch_size=fore.step_floats(group, H),
    )  # fmt: skip
    fore.FORWARD(workers, fields, packed_panels, -(-N // group))
    flat = np.ascontiguousarray(ids.T).reshape(-1)
    saved = _Saved(seq, xh_time, c_time, gates, fresh, 0 if table is None else table.shape[0], flat)
    return hs, xh_time[T, :, D:].copy(), _by_rows(c_time[T], H).copy(), saved


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
    return _forward(seq, h0 is None, None, arr.NO_IDS)


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
    return _forward(seq, h0 is None, rows, places)


class _Inputs(NamedTuple):
    """Gradient buffers of what the inputs meet: of Wx and b, or of the table; the others stand for None."""

    weights: Array
    bias: Array
    table: Array


def _backward(
    saved: _Saved, dhs: Any, dh_last: Any, dc_last: Array, Wx: Array, Wh: Array, dWh: Array, inputs: _Inputs
) -> tuple[Array, Array, Array, Array | None]:
    """Go back on checked inputs; returns dxs, dh0, dc0, drow_bias."""
    seq, xh_time, c_time, gates, fresh, _, ids = saved
    (N, T, D), (H, G) = seq.xs.shape, Wh.shape
    packed_panels, panels = -(-H // PANEL) + -(-D // PANEL), len(c_time[0])
    workers = threads.workers_for(2 * N * T * (D + H + 10) * G)
    dc, dA = np.ascontiguousarray(_by_panels(dc_last)), empty(panels, T, N, PANEL)
    dh, dxs, drow = empty(N, H), empty(N, T, D), arr.NONE2 if seq.row_bias is None else empty(N, G)
    outer = arr.NONE3 if dhs is None else arr.row_order(dhs)
    group, x_tasks, dA_row = -(-N // workers), 2 * workers, back.gradient_row(G)
    fields = Backward(
        N=N, T=T, D=D, H=H, V=inputs.table.shape[0], group=group, x_tasks=x_tasks, h_from=N if fresh else 0,
        dhs=outer, d_n=outer.strides[0] // 4, d_t=outer.strides[1] // 4, dh_last=arr.optional(dh_last, arr.NONE2),
        Wx=arr.c_order(Wx), Wh=arr.c_order(Wh), mask=_masked(seq), xh_time=xh_time, c_time=c_time, gates=gates,
        dA=dA, dA_rows=empty(2, N, dA_row), dA_row=dA_row, dc=dc, dh=dh,
        dh_kept=arr.NONE2 if seq.mask is None else empty(N, arr.padded(H)), drow_bias=drow,
        dWx=inputs.weights, dWh=dWh, db=inputs.bias, dxs=dxs, dtable=inputs.table, ids=ids,
        packed=arr.scratch(packed_panels * PANEL * G), scratch=empty(workers, back.ROW_FLOATS),
        local=empty(workers, local_floats(D, H)), local_size=local_floats(D, H),
    )  # fmt: skip
    back.BACKWARD(workers, fields, packed_panels, -(-N // group), panels + (x_tasks if D else 0))
    return dxs, dh, _by_rows(dc, H).copy(), None if seq.row_bias is None else drow


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

    Implementation: one parallel region of three phases, see ``_lstm_backward``. A ``dhs`` of None is never made.
    """
    lasts = {"dh_last": dh_last, "dc_last": dc_last}
    saved = checks.saved(cache)
    if not isinstance(saved, _Saved):
        return reference.lstm_backward(dhs, Wx, Wh, cache, **lasts, dWx=dWx, dWh=dWh, db=db)
    dhs, Wx, Wh, (dh_end, dc_end), buffers = checks.gradients(4, dhs, saved.seq, Wx, Wh, lasts, (dWx, dWh, db))
    # Made in C order and copied where a buffer is not: BetterRnnlm's tied gradient is in Fortran order.
    fresh = [arr.writable(buffer) for buffer in buffers]
    inputs = _Inputs(fresh[0], arr.NONE1 if fresh[2] is None else fresh[2], arr.NONE2)
    results = _backward(saved, dhs, None if dh_last is None else dh_end, dc_end, Wx, Wh, fresh[1], inputs)
    arr.put_back(buffers, fresh)
    return results


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
    if not isinstance(saved, _Saved):
        return reference.lstm_ids_backward(dhs, Wh, cache, **lasts, dtable=dtable, dWh=dWh)
    Wx = saved.seq.Wx  # (0, 4H): there are no inputs but ids
    dhs, _, Wh, (dh_end, dc_end), (_, dWh, _) = checks.gradients(
        4, dhs, saved.seq, Wx, Wh, lasts, (Wx.copy(), dWh, None)
    )
    dtable = checks.buffer("dtable", dtable, np.zeros_like(Wx, shape=(saved.V, Wh.shape[1])), "(V, 4H)")
    buffers = (dtable, dWh)
    fresh = [arr.writable(buffer) for buffer in buffers]
    inputs = _Inputs(empty(*Wx.shape), arr.NONE1, fresh[0])
    results = _backward(saved, dhs, None if dh_last is None else dh_end, dc_end, Wx, Wh, fresh[1], inputs)
    arr.put_back(buffers, fresh)
    return results[1:]


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
    xs, (h, c) = seq.xs[:, None, :], seq.states
    _, h_next, c_next, _ = lstm_forward(xs, seq.Wx, seq.Wh, seq.b, h0=h, c0=c, row_bias=seq.row_bias)
    return h_next, c_next
