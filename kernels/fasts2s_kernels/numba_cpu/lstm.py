"""LSTM: what Python calls. The loops are in lstm_forward and lstm_backward."""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels import checks, reference
from fasts2s_kernels.contract import Array, Cache
from fasts2s_kernels.numba_cpu import _arrays as arr
from fasts2s_kernels.numba_cpu import _threads as threads
from fasts2s_kernels.numba_cpu import lstm_backward as back
from fasts2s_kernels.numba_cpu import lstm_forward as fore
from fasts2s_kernels.numba_cpu._target import LANES
from fasts2s_kernels.numba_cpu.gemm import BLOCK, PANEL
from fasts2s_kernels.numba_cpu.recurrent import local_floats


class _Saved(NamedTuple):
    """What backward needs: the checked inputs, and time-major copies of inputs, states and gates."""

    seq: checks.Sequence
    x_time: Array
    h_time: Array
    c_time: Array
    gates: Array


def unpacked_vectors(rows: int, H: int) -> int:
    """Return how many vectors of units are read from the weights as they are: whole ones, where rows are few."""
    return H // LANES if rows < fore.PACK_FROM_ROWS else 0


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
    N, T, D = seq.xs.shape
    H = seq.Wh.shape[0]
    if seq.Wx.dtype != arr.FLOAT32 or not N * T * D * H:
        return reference.lstm_forward(seq.xs, Wx, Wh, b, h0=h0, c0=c0, row_bias=row_bias, mask=mask)
    HP, unpacked = arr.padded(H), unpacked_vectors(N, H)
    workers = threads.workers_for(N * T * (D + H + 40) * 4 * H)
    hs, x_time = np.empty((N, T, H), np.float32), np.empty((T, N, D), np.float32)
    h_time, c_time = np.empty((T + 1, N, H), np.float32), np.empty((T + 1, N, HP), np.float32)
    gates = np.empty((T, N, 4 * HP), np.float32)
    h_time[0] = seq.states[0]
    c_time[0, :, :H], c_time[0, :, H:] = seq.states[1], 0
    threads.run(
        workers, fore.forward, arr.row_order(seq.xs), arr.c_order(seq.Wx), arr.c_order(seq.Wh),
        arr.optional(seq.b, arr.NONE1), arr.optional(seq.row_bias, arr.NONE2),
        arr.NO_BOOLS if seq.mask is None else np.ascontiguousarray(seq.mask), unpacked, -(-N // workers),
        hs, x_time, h_time, c_time, gates,
        arr.scratch(4 * HP * (1 + D + H)), arr.scratch(workers * PANEL * BLOCK),
    )  # fmt: skip
    return hs, h_time[T].copy(), c_time[T, :, :H].copy(), _Saved(seq, x_time, h_time, c_time, gates)


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

    Implementation: one parallel region of three phases, see ``lstm_backward.py``. A ``dhs`` of None is never made.
    """
    lasts = {"dh_last": dh_last, "dc_last": dc_last}
    saved = checks.saved(cache)
    if not isinstance(saved, _Saved):
        return reference.lstm_backward(dhs, Wx, Wh, cache, **lasts, dWx=dWx, dWh=dWh, db=db)
    seq, x_time, h_time, c_time, gates = saved
    dhs, Wx, Wh, (dh_end, dc_end), buffers = checks.gradients(4, dhs, seq, Wx, Wh, lasts, (dWx, dWh, db))
    N, T, D = seq.xs.shape
    H = Wh.shape[0]
    HP = arr.padded(H)
    workers = threads.workers_for(2 * N * T * (D + H + 10) * 4 * H)
    dc = np.zeros((N, HP), np.float32)
    dc[:, :H] = dc_end
    dA, dh, dxs = np.empty((T, N, 4 * H), np.float32), np.empty((N, H), np.float32), np.empty((N, T, D), np.float32)
    # Made in C order here and copied where a buffer is not: BetterRnnlm's tied gradient is in Fortran order.
    fresh = [arr.writable(buffer) for buffer in buffers]
    panels = -(-H // PANEL) + -(-D // PANEL)
    threads.run(
        workers, back.backward, arr.NONE3 if dhs is None else arr.row_order(dhs),
        arr.NONE2 if dh_last is None else arr.c_order(dh_end), arr.c_order(Wx), arr.c_order(Wh),
        arr.NO_BOOLS if seq.mask is None else np.ascontiguousarray(seq.mask), x_time, h_time, c_time, gates,
        -(-N // workers), 2 * workers, dA, dc, dh,
        arr.NONE2 if seq.mask is None else np.empty((N, HP), np.float32),
        fresh[0], fresh[1], arr.NONE1 if fresh[2] is None else fresh[2], dxs,
        arr.scratch(panels * PANEL * 4 * H), arr.scratch(workers * PANEL * BLOCK),
        np.empty((workers, local_floats(D, H)), np.float32),
    )  # fmt: skip
    arr.put_back(buffers, fresh)
    drow = None if seq.row_bias is None else dA.sum(axis=0)
    return dxs, dh, dc[:, :H].copy(), drow


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
