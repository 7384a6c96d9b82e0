"""Reading a source and choosing an answer: what Python calls. The loops are in cpu_loops."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import id_step
from fasts2s_kernels.checks import inference as checks
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.gemm import PANEL
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.ops.affine.cpu import affine_forward
from fasts2s_kernels.ops.embedded_lstm import cpu_greedy, plan, reference
from fasts2s_kernels.ops.embedded_lstm import cpu_loops as loops
from fasts2s_kernels.ops.lstm.cpu import CELL
from fasts2s_kernels.ops.recurrent.cpu import LARGE, are_few, forward


def _group(N: int, workers: int) -> int:
    """Return how many rows go through all steps together."""
    return min(loops.GROUP, -(-N // workers))


class _Cell(NamedTuple):
    """Where the LSTM's inputs come from, and its weights: rows of W that meet Wx, or rows of a table where D is 0."""

    W: Array
    table: Array
    Wx: Array
    Wh: Array
    b: Array


def _cell(W: Array, Wx: Array, Wh: Array, b: Any, uses: int) -> _Cell:
    """Return the cell for a number of uses. ``x Wx + b`` has V values: with more uses they are computed once."""
    V, G = W.shape[0], Wh.shape[1]
    if not plan.table_pays(V, uses):
        return _Cell(arr.c_order(W), arr.NONE2, arr.c_order(Wx), arr.c_order(Wh), arr.optional(b, arr.NONE1))
    none = np.empty((V, 0), np.float32), np.empty((0, G), np.float32)
    return _Cell(none[0], affine_forward(W, Wx, b), none[1], arr.c_order(Wh), arr.NONE1)


class _Begin(NamedTuple):
    """States that rows begin with: h and c (U, H), and which of them every row has (N,)."""

    h: Array = arr.NONE2
    c: Array = arr.NONE2
    which: Array = np.empty(0, np.int64)


def _read(
    cell: _Cell, ids: Array, mask: Any, begin: _Begin, keep_c: bool, row_bias: Array = arr.NONE2
) -> tuple[Array, Array]:
    """Return the last h (N, H), and the last c where it is kept."""
    (N, T), D, (H, G) = ids.shape, cell.W.shape[1], cell.Wh.shape
    workers = min(N, threads.workers_for(N * T * (D + H + 40) * G))
    out, c_out, group = empty(N, H), empty(N, H) if keep_c else arr.NONE2, _group(N, workers)
    panels = -(-H // LANES) if group > 1 else 0
    local_size = loops.local_floats(group, D, H, 0)
    fields = loops.Encode(
        N=N, T=T, D=D, H=H, group=group, W=cell.W, table=cell.table, ids=np.ascontiguousarray(ids),
        mask=arr.NO_BOOLS if mask is None else np.ascontiguousarray(mask), Wx=cell.Wx, Wh=cell.Wh, b=cell.b,
        h0=begin.h, c0=begin.c, which=begin.which, row_bias=row_bias, out=out, c_out=c_out,
        packed=empty(panels * PANEL * (1 + D + H)), local=empty(workers, local_size), local_size=local_size,
    )  # fmt: skip
    loops.ENCODE(workers, fields, panels, -(-N // group))
    return out, c_out


def _read_beginnings(cell: _Cell, ids: Array, V: int) -> _Begin:
    """Read every different row of ids (N, steps) once; return the states, and which of them every row has."""
    places = V ** np.arange(ids.shape[1])
    codes = ids @ places
    seen = np.zeros(V ** ids.shape[1], np.bool_)
    seen[codes] = True
    different = np.flatnonzero(seen)[:, None] // places % V
    states = _read(cell, different, None, _Begin(), True)
    return _Begin(*states, (np.cumsum(seen) - 1)[codes])


def lstm_encode(W: Array, ids: Array, Wx: Array, Wh: Array, b: Array | None, *, mask: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_encode`.

    Implementation: where many rows of few different ids begin alike, the beginnings are read once each.
    """
    c = checks.encoding(W, ids, Wx, Wh, b, mask)
    (N, T), (D, G), V = c.ids.shape, c.Wx.shape, c.W.shape[0]
    if not arr.is_compiled(c.Wx, N * T * D * G):
        return reference.lstm_encode(W, ids, Wx, Wh, b, mask=mask)
    cell, steps = _cell(c.W, c.Wx, c.Wh, c.b, N * T), plan.shared_steps(N, T, V)
    if steps < 2 or c.mask is not None:
        return _read(cell, c.ids, c.mask, _Begin(), False)[0]
    return _read(cell, c.ids[:, steps:], None, _read_beginnings(cell, c.ids[:, :steps], V), False)[0]


def lstm_ids_step(
    table: Array, ids: Array, Wh: Array, *, h: Array, c: Array, row_bias: Array | None = None
) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_ids_step`.

    Implementation: that of reading, of one word; where units would be divided among workers, that of the layer.
    """
    seq, rows, ids = id_step(4, table, ids, Wh, {"h": h, "c": c}, row_bias)
    (N,), (H, G), V = ids.shape, seq.Wh.shape, len(rows)
    if not arr.is_compiled(rows, N * H):
        return reference.lstm_ids_step(table, ids, Wh, h=h, c=c, row_bias=row_bias)
    if N > 1 and H * G >= LARGE and are_few(N, threads.workers_for(N * (H + 40) * G)):
        _, h, c, _ = forward(CELL, seq, rows, ids[:, None])
        return h, c
    cell = _Cell(np.empty((V, 0), np.float32), arr.c_order(rows), np.empty((0, G), np.float32), arr.c_order(seq.Wh),
                 arr.NONE1)  # fmt: skip
    begin = _Begin(*(arr.optional(a, arr.NONE2) for a in seq.states))
    return _read(cell, ids[:, None], None, begin, True, arr.optional(seq.row_bias, arr.NONE2))


def lstm_greedy(
    W: Array,
    start_ids: Array,
    length: int,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    W_out: Array,
    b_out: Array | None,
    *,
    h: Array,
    c: Array | None = None,
    row_bias: Array | None = None,
    score_bias: Array | None = None,
) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_greedy`."""
    a = checks.answering(W, start_ids, length, Wx, Wh, b, W_out, b_out, h, c, row_bias, score_bias)
    return _answers(a)


def attention_greedy(
    W: Array,
    start_ids: Array,
    length: int,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    W_out: Array,
    b_out: Array | None,
    *,
    h: Array,
    c: Array | None = None,
    hs_enc: Array,
    mask: Array | None = None,
) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_greedy`.

    Implementation: as for :func:`lstm_greedy`; encoder steps are read where they are.
    """
    return _answers(checks.attending(W, start_ids, length, Wx, Wh, b, W_out, b_out, h, c, hs_enc, mask))


def _attention(a: checks.Answering) -> dict[str, Any]:
    """Return the fields of the record that only attention has."""
    if a.hs_enc is None:
        return {}
    enc = arr.row_order(a.hs_enc)
    mask = arr.NO_BOOLS if a.mask is None else np.ascontiguousarray(a.mask)
    return {"enc": enc, "enc_n": enc.strides[0] // 4, "enc_s": enc.strides[1] // 4, "mask": mask}


def _answers(a: checks.Answering) -> Array:
    """Choose whole answers from checked inputs."""
    N, (D, G), (K, V), H = a.ids.size, a.Wx.shape, a.W_out.shape, a.Wh.shape[0]
    S = 0 if a.hs_enc is None else a.hs_enc.shape[1]
    if not arr.is_compiled(a.Wx, N * a.length * D * H * (1 if a.hs_enc is None else S)):
        return reference.answers(a)
    workers = min(N, threads.workers_for(N * a.length * ((D + H + 40) * G + K * V + 2 * S * H)))
    out, tops, group = np.empty((N, a.length), np.int64), empty(N, a.length), _group(N, workers)
    cell = _cell(a.W, a.Wx, a.Wh, a.b, N * a.length)
    D, panels = cell.W.shape[1], -(-H // LANES) if group > 1 else 0
    room = cpu_greedy.room_floats(group, H, V, S)
    local_size = loops.local_floats(group, D, H, room)
    fields = cpu_greedy.Greedy(
        N=N, T=a.length, D=D, H=H, V=V, group=group, W=cell.W, table=cell.table, ids=np.ascontiguousarray(a.ids),
        Wx=cell.Wx, Wh=cell.Wh, b=cell.b, K=K, W_out=arr.c_order(a.W_out), b_out=arr.optional(a.b_out, arr.NONE1),
        h0=arr.c_order(a.h), c0=arr.optional(a.c, arr.NONE2), row_bias=arr.optional(a.row_bias, arr.NONE2),
        score_bias=arr.optional(a.score_bias, arr.NONE2), out=out, tops=tops,
        packed=empty(panels * PANEL * (1 + D + H)), packed_out=empty(K * arr.padded(V)),
        local=empty(workers, local_size), local_size=local_size, room=room, S=S, **_attention(a),
    )  # fmt: skip
    cpu_greedy.GREEDY(workers, fields, panels, -(-V // PANEL), -(-N // group))
    return out
