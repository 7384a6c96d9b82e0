"""Elman RNN: what Python calls. The loops are in rnn_loops."""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.gemm import BLOCK, PANEL
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.recurrent.cpu import local_floats, weight_panels
from fasts2s_kernels.ops.recurrent.cpu_forward import packed_panels, read_in_place
from fasts2s_kernels.ops.rnn import reference
from fasts2s_kernels.ops.rnn.cpu_loops import BACKWARD, FORWARD, Backward, Forward
from fasts2s_kernels.quiet import quiet


class _Saved(NamedTuple):
    """What backward needs: the checked inputs, and time-major copies of inputs and states."""

    seq: checks.Sequence
    x_time: Array
    h_time: Array


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
    """See :meth:`fasts2s_kernels.contract.Kernels.rnn_forward`.

    Implementation: one parallel region for the whole sequence. Memory for backward: inputs and states once.
    """
    seq = checks.sequence(1, xs, Wx, Wh, b, {"h0": h0}, row_bias, mask)
    N, T, D = seq.xs.shape
    H = seq.Wh.shape[0]
    if not arr.is_compiled(seq.Wx, N * T * D * H):
        return reference.rnn_forward(seq.xs, Wx, Wh, b, h0=h0, row_bias=row_bias, mask=mask)
    workers = threads.workers_for(N * T * (D + H + 40) * H)
    hs, x_time = empty(N, T, H), empty(T, N, D)
    h_time = empty(T + 1, N, H)
    h_time[0] = seq.states[0]
    group, in_place, rows = -(-N // workers), int(read_in_place(N, T)), arr.row_order(seq.xs)
    fields = Forward(
        N=N, T=T, D=D, H=H, G=H, split=H, group=group, in_place=in_place,
        xs=rows, x_n=rows.strides[0] // 4, x_t=rows.strides[1] // 4,
        Wx=arr.c_order(seq.Wx), Wh=arr.c_order(seq.Wh), b=arr.optional(seq.b, arr.NONE1),
        row_bias=arr.optional(seq.row_bias, arr.NONE2),
        mask=arr.NO_BOOLS if seq.mask is None else np.ascontiguousarray(seq.mask),
        hs=hs, x_time=x_time, h_time=h_time,
        packed=arr.scratch(arr.padded(H) * (1 + D + H)), scratch=arr.scratch(workers * PANEL * BLOCK),
    )  # fmt: skip
    FORWARD(workers, fields, packed_panels(H, in_place), -(-N // group))
    return hs, h_time[T].copy(), _Saved(seq, x_time, h_time)


@quiet  # of the sum that is drow_bias
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
    """See :meth:`fasts2s_kernels.contract.Kernels.rnn_backward`.

    Implementation: one parallel region of three phases, see ``rnn_loops.py``. A ``dhs`` of None is never made.
    """
    saved = checks.saved(cache)
    if not isinstance(saved, _Saved):
        return reference.rnn_backward(dhs, Wx, Wh, cache, dh_last=dh_last, dWx=dWx, dWh=dWh, db=db)
    seq, x_time, h_time = saved
    dhs, Wx, Wh, (dh_end,), buffers = checks.gradients(1, dhs, seq, Wx, Wh, {"dh_last": dh_last}, (dWx, dWh, db))
    N, T, D = seq.xs.shape
    H = Wh.shape[0]
    workers = threads.workers_for(2 * N * T * (D + H + 10) * H)
    carry = np.zeros((N, arr.padded(H)), np.float32)
    carry[:, :H] = dh_end
    dA, dh, dxs = empty(T, N, H), empty(N, H), empty(N, T, D)
    fresh = [arr.writable(buffer) for buffer in buffers]
    panels = -(-H // PANEL) + -(-D // PANEL)
    outer, group, x_tasks = arr.NONE3 if dhs is None else arr.row_order(dhs), -(-N // workers), 2 * workers
    fields = Backward(
        N=N, T=T, D=D, H=H, G=H, group=group, x_tasks=x_tasks,
        dhs=outer, d_n=outer.strides[0] // 4, d_t=outer.strides[1] // 4, Wx=arr.c_order(Wx), Wh=arr.c_order(Wh),
        mask=arr.NO_BOOLS if seq.mask is None else np.ascontiguousarray(seq.mask),
        x_time=x_time, h_time=h_time, dA=dA, carry=carry, dh=dh,
        dWx=fresh[0], dWh=fresh[1], db=arr.NONE1 if fresh[2] is None else fresh[2], dxs=dxs,
        packed=arr.scratch(panels * PANEL * H), scratch=arr.scratch(workers * PANEL * BLOCK),
        local=empty(workers, local_floats(D, H)), local_size=local_floats(D, H),
    )  # fmt: skip
    BACKWARD(workers, fields, panels, -(-N // group), weight_panels(H, H) + x_tasks)
    arr.put_back(buffers, fresh)
    return dxs, dh, None if seq.row_bias is None else dA.sum(axis=0)


def rnn_step(x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.rnn_step`."""
    seq = checks.step(1, x, Wx, Wh, b, {"h": h}, row_bias)
    return rnn_forward(seq.xs[:, None, :], seq.Wx, seq.Wh, seq.b, h0=seq.states[0], row_bias=seq.row_bias)[1]
