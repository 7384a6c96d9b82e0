"""LSTM over a whole sequence.

x Wx of all steps is one matrix product before the recurrence; dWx, dWh, db and dxs are one each after it, over all
rows and steps. The recurrence itself is one launch for float32: ``rows`` for small H, ``slices`` for larger, see
``dispatch``. Every other shape and float64 go step by step.
"""

from typing import NamedTuple

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.gpu import device as _device
from fasts2s_kernels.gpu import dispatch, inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import contiguous, gemm
from fasts2s_kernels.ops.embedding.gpu import scatter
from fasts2s_kernels.ops.lstm import gpu_rows, gpu_slices, gpu_steps
from fasts2s_kernels.ops.lstm.gpu_calls import Backward, Forward
from fasts2s_kernels.ops.recurrent import gpu as recurrent


class _Saved(NamedTuple):
    """What forward keeps; ids and the V of their table only where it had ids."""

    seq: checks.Sequence
    c0: Array | None
    hprev: Array
    gates: Array
    cs: Array
    ids: Array | None
    V: int


def run(call: Forward | Backward, kernel: str = "forward") -> None:
    """Run a recurrence, forward or backward, by the design that suits its shape."""
    H, device, wide = call.Wh.shape[0], _device.device(), recurrent.is_wide(call.Wh)
    rows = None if wide else dispatch.rows(call.N, H, device, kernel)
    slices = None if wide or rows is not None else dispatch.slices(call.N, H, device)
    if rows is not None:
        gpu_rows.run(call, rows, kernel)
    elif slices is not None:
        getattr(gpu_slices, kernel)(call, slices)
    else:
        getattr(gpu_steps, kernel)(call)


def _forward(
    seq: checks.Sequence, states: dict[str, Array | None], xw: Array, ids: Array | None, V: int
) -> tuple[Array, Array, Array, Cache]:
    """Run the recurrence on checked inputs; xw as in :class:`Forward`."""
    (N, T, _), H, dtype = seq.xs.shape, seq.Wh.shape[0], seq.Wh.dtype
    hs, hprev, cs = (xp.empty((N, T, H), dtype) for _ in range(3))
    gates = xp.empty((N, T, 4 * H), dtype)
    h0, c0 = states["h0"], states["c0"]
    if hs.size:
        h, c = xp.empty((N, H), dtype), xp.empty((N, H), dtype)
        mask, Wh = inputs.bytes_of(seq.mask), contiguous(seq.Wh)
        run(Forward(contiguous(xw), ids, Wh, contiguous(seq.b), contiguous(seq.row_bias), mask, h0, c0, hs, h, c,
                    hprev, gates, cs, N, T))  # fmt: skip
    else:
        h, c = (recurrent.fresh_state(a, hs, (N, H)) for a in (h0, c0))
    c0 = None if c0 is None else c0.copy()  # the caller may write into it before backward
    return hs, h, c, _Saved(seq, c0, hprev, gates, cs, ids, V)


@inputs.entry
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
    seq, states = recurrent.sequence(4, xs, Wx, Wh, b, {"h0": h0, "c0": c0}, row_bias, mask)
    return _forward(seq, states, recurrent.input_products(seq), None, 0)


@inputs.entry
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
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_ids_forward`.

    Implementation: the kernels read the rows of the table where they need them.
    """
    inputs.on_device(table=table, Wh=Wh)
    table, Wh = checks.table_of_gates(4, table, Wh)
    ids = inputs.ids("ids", ids, table.shape[0], "(N, T)")
    if ids.ndim != 2:
        raise ValueError(f"ids has shape {ids.shape}, expected (N, T)")
    xs = xp.empty((*ids.shape, 0), table.dtype)
    seq, states = recurrent.sequence(4, xs, table[:0], Wh, None, {"h0": h0, "c0": c0}, row_bias, mask)
    return _forward(seq, states, table, ids, table.shape[0])


def _backward(
    saved: _Saved, dhs: Array | None, Wh: Array, last: dict[str, Array | None], dWh: Array
) -> tuple[Array, Array, Array]:
    """Go back through time and write dWh; return dA (N, T, 4H), dh0, dc0."""
    N, T, H = saved.hprev.shape
    dA = xp.empty((N, T, 4 * H), Wh.dtype)
    if saved.hprev.size:
        dh0, dc0 = xp.empty((N, H), Wh.dtype), xp.empty((N, H), Wh.dtype)
        lasts, mask = (last["dh_last"], last["dc_last"]), inputs.bytes_of(saved.seq.mask)
        kept = (saved.c0, saved.gates, saved.cs)
        call = Backward(dhs, *lasts, contiguous(Wh), mask, *kept, dA, dh0, dc0, N, T)
        run(call, "backward")
    else:
        dh0, dc0 = (recurrent.fresh_state(last[name], Wh, (N, H)) for name in ("dh_last", "dc_last"))
    gemm(saved.hprev.reshape(N * T, H).T, dA.reshape(N * T, 4 * H), dWh)
    return dA, dh0, dc0


@inputs.entry
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
    saved = checks.saved(cache)
    lasts = {"dh_last": dh_last, "dc_last": dc_last}
    dhs, Wx, Wh, last, (dWx, dWh, db) = recurrent.gradients(4, dhs, saved.seq, Wx, Wh, lasts, (dWx, dWh, db))
    dA, dh0, dc0 = _backward(saved, dhs, Wh, last, dWh)
    dxs = recurrent.input_gradients(saved.seq, Wx, dA, (dWx, db))
    return dxs, dh0, dc0, recurrent.row_bias_gradient(saved.seq, dA)


@inputs.entry
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
    saved = checks.saved(cache)
    lasts, Wx = {"dh_last": dh_last, "dc_last": dc_last}, saved.seq.Wx  # (0, 4H): there are no inputs but ids
    inputs.on_device(dtable=dtable)
    buffers = (xp.empty_like(Wx), dWh, None)
    dhs, _, Wh, last, (_, dWh, _) = recurrent.gradients(4, dhs, saved.seq, Wx, Wh, lasts, buffers)
    like = xp.broadcast_to(xp.zeros((), Wx.dtype), (saved.V, Wx.shape[1]))
    dtable = checks.buffer("dtable", dtable, like, "(V, 4H)")
    dA, dh0, dc0 = _backward(saved, dhs, Wh, last, dWh)
    scatter(dA.reshape(dA.shape[0] * dA.shape[1], dA.shape[2]), saved.ids, dtable)
    return dh0, dc0, recurrent.row_bias_gradient(saved.seq, dA)


@inputs.entry
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
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_step`. Implementation: two products and one kernel."""
    inputs.on_device(x=x, Wx=Wx, Wh=Wh, b=b, row_bias=row_bias, h=h, c=c)
    states = {"h": h, "c": c}
    seq = checks.step(4, x, Wx, Wh, b, states, row_bias)
    held = recurrent.by_name(states, seq.states)
    N, H = seq.xs.shape[0], seq.Wh.shape[0]
    h_next, c_next = xp.empty((N, H), seq.Wh.dtype), xp.empty((N, H), seq.Wh.dtype)
    if h_next.size:
        xw = recurrent.input_products(seq)
        given_once = (contiguous(seq.Wh), contiguous(seq.b), contiguous(seq.row_bias), None, held["h"], held["c"])
        gpu_steps.forward(Forward(xw, None, *given_once, None, h_next, c_next, None, None, None, N, 1))
    return h_next, c_next
