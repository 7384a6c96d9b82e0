"""GRU over a whole sequence: two matrix products and two pointwise kernels per step."""

from typing import NamedTuple

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import contiguous, i32, kernel, per_element, product
from fasts2s_kernels.gpu.specialisations import number
from fasts2s_kernels.ops.recurrent import gpu as recurrent


class _Saved(NamedTuple):
    seq: checks.Sequence
    hprev: Array
    rhs: Array
    gates: Array


@inputs.entry
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
    seq, states = recurrent.sequence(3, xs, Wx, Wh, b, {"h0": h0}, row_bias, mask)
    (N, T, _), H, dtype = seq.xs.shape, seq.Wh.shape[0], seq.Wh.dtype
    hs, hprev, rhs = (xp.empty((N, T, H), dtype) for _ in range(3))
    gates, rh = xp.empty((N, T, 3 * H), dtype), xp.empty((N, H), dtype)
    h = recurrent.fresh_state(states["h0"], hs, (N, H))
    if hs.size:
        xw, W_zr, W_n = recurrent.input_products(seq), contiguous(seq.Wh[:, : 2 * H]), contiguous(seq.Wh[:, 2 * H :])
        given = contiguous(seq.b), contiguous(seq.row_bias), inputs.bytes_of(seq.mask)
        first, second = (
            kernel("gru", name, number(recurrent.is_wide(h))) for name in ("gru_fwd_gates", "gru_fwd_state")
        )
        for t in range(T):
            sizes = i32(N), i32(T), i32(H), i32(t)
            per_element(first, h.size, product(h, W_zr), xw, *given, h, gates, rh, rhs, *sizes)
            per_element(second, h.size, product(rh, W_n), xw, *given, gates, h, hprev, hs, *sizes)
    return hs, h, _Saved(seq, hprev, rhs, gates)


@inputs.entry
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
    saved = checks.saved(cache)
    dhs, Wx, Wh, last, (dWx, dWh, db) = recurrent.gradients(
        3, dhs, saved.seq, Wx, Wh, {"dh_last": dh_last}, (dWx, dWh, db)
    )
    N, T, H = saved.hprev.shape
    dA = xp.empty((N, T, 3 * H), Wh.dtype)
    dh = recurrent.fresh_state(last["dh_last"], Wh, (N, H))
    if saved.hprev.size:
        _back(saved, dhs, Wh, dh, dA)
    rows = dA.reshape(N * T, 3 * H)
    dWh[:, : 2 * H] = product(saved.hprev.reshape(N * T, H).T, contiguous(rows[:, : 2 * H]))
    dWh[:, 2 * H :] = product(saved.rhs.reshape(N * T, H).T, contiguous(rows[:, 2 * H :]))
    dxs = recurrent.input_gradients(saved.seq, Wx, dA, (dWx, db))
    return dxs, dh, recurrent.row_bias_gradient(saved.seq, dA)


def _back(saved: _Saved, dhs: Array | None, Wh: Array, dh: Array, dA: Array) -> None:
    """Go back through all steps: dh (N, H) is carried in place, dA (N, T, 3H) is written."""
    N, T, H = saved.hprev.shape
    W_zr, W_n, mask = contiguous(Wh[:, : 2 * H]), contiguous(Wh[:, 2 * H :]), inputs.bytes_of(saved.seq.mask)
    direct, dn, dzr = (xp.empty((N, k * H), Wh.dtype) for k in (1, 1, 2))
    names = ("gru_bwd_candidate", "gru_bwd_gates")
    first, second = (kernel("gru", name, number(recurrent.is_wide(Wh))) for name in names)
    back: Array | None = None
    for t in range(T - 1, -2, -1):
        sizes = i32(N), i32(T), i32(H), i32(t)
        per_element(first, dh.size, back, direct, dhs, mask, saved.gates, dh, dn, *sizes)
        if t >= 0:
            drh = product(dn, W_n.T)
            per_element(second, dh.size, drh, dn, dh, mask, saved.gates, saved.hprev, direct, dzr, dA, *sizes)
            back = product(dzr, W_zr.T)


@inputs.entry
def gru_step(x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.gru_step`."""
    inputs.on_device(x=x, Wx=Wx, Wh=Wh, b=b, row_bias=row_bias, h=h)
    seq = checks.step(3, x, Wx, Wh, b, {"h": h}, row_bias)
    return gru_forward(seq.xs, seq.Wx, seq.Wh, seq.b, h0=seq.states[0], row_bias=seq.row_bias)[1]
