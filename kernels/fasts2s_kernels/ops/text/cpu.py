"""A text drawn word by word: what Python calls. The loops are in cpu_loops."""

import math

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.affine.cpu import ordered
from fasts2s_kernels.ops.text import cpu_loops as loops
from fasts2s_kernels.ops.text import reference
from fasts2s_kernels.ops.text.inputs import Inputs, Lstm, checked
from fasts2s_kernels.ops.text.reference import ENDED

#: Weights that are read for a word, from which on all cores read them: more than second-level caches hold (2 MB).
#: With fewer, waiting for one another costs more.
SHARED_FROM = 1 << 19
#: What reading a weight costs, in multiply-adds.
_COST = 5


def lstm_text(
    W: Array,
    start_id: int,
    layers: list[Array],
    W_out: Array,
    b_out: Array | None,
    *,
    h: Array,
    c: Array,
    uniforms: Array,
    banned: Array | None = None,
    stop_id: int = -1,
) -> tuple[Array, Array, Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_text`.

    Implementation: one launch for all steps; weights are read where they are, by one core or by all.
    """
    a = checked(W, start_id, layers, W_out, b_out, h, c, uniforms, banned, stop_id)
    T, sizes = a.uniforms.size, (a.W.shape[1], *(lstm.Wh.shape[0] for lstm in a.lstms))
    if not arr.is_compiled(a.W, T * math.prod(sizes)):
        return reference.lstm_text(
            W, start_id, layers, W_out, b_out, h=h, c=c, uniforms=uniforms, banned=banned, stop_id=stop_id
        )
    weights = a.W_out.size + sum(lstm.Wx.size + lstm.Wh.size for lstm in a.lstms)
    workers = threads.workers_for(T * weights * _COST if weights >= SHARED_FROM else 0)
    return _text(a._replace(lstms=[_in_order(lstm) for lstm in a.lstms]), max(sizes[1:], default=0), workers)


def _in_order(lstm: Lstm) -> Lstm:
    return Lstm(arr.c_order(lstm.Wx), arr.c_order(lstm.Wh), arr.c_order(lstm.b), lstm.part)


def _table(lstms: list[Lstm]) -> tuple[Array, int]:
    """Return the table of LSTMs, see ``cpu_loops``, and the floats of their states in whole vectors."""
    rows, place = [], 0
    for Wx, Wh, b, part in lstms:
        rows.append((*Wx.shape, Wx.ctypes.data, Wh.ctypes.data, b.ctypes.data, place, part.start))
        place += arr.padded(Wh.shape[0])
    table = np.array(rows, np.int64).reshape(len(rows), loops.COLUMNS)
    table[:, loops.UNITS] //= 4  # columns of Wx
    return table, place


def _text(a: Inputs, H: int, workers: int) -> tuple[Array, Array, Array, Array]:
    """Draw a text with LSTMs of up to H units."""
    (V, D), M, T, K, L = a.W.shape, a.W_out.shape[0], a.uniforms.size, a.h.size, len(a.lstms)
    (table, size), (W_out, _, n_step) = _table(a.lstms), ordered(a.W_out)
    ids, found_h, found_c, scores = (
        np.full((1, T), ENDED, np.int64),
        empty(2, K),
        empty(2, K),
        empty(1, arr.padded(V)),
    )
    fields = loops.Text(
        L=L, V=V, D=D, M=M, K=K, parts=workers, table=table, W=arr.c_order(a.W), W_out=W_out,
        turned=int(n_step != 1), b_out=arr.optional(a.b_out, arr.NONE1), h0=arr.c_order(a.h), c0=arr.c_order(a.c),
        uniforms=np.ascontiguousarray(a.uniforms),
        banned=arr.NO_BOOLS if a.banned is None else np.ascontiguousarray(a.banned)[None], stop=a.stop,
        hs=np.zeros((2, size), np.float32), cs=np.zeros((2, size), np.float32), size=size, scores=scores,
        exponentials=empty(1, arr.padded(V)), now=np.array([[a.word, 0, 0]]), ids=ids, h=found_h, c=found_c,
        local=empty(workers, loops.local_floats(H)), local_size=loops.local_floats(H),
    )  # fmt: skip
    loops.TEXT(workers, fields, L, workers, L, turns=T * (L + 2))
    return ids[0], found_h, found_c, scores[0, :V]
