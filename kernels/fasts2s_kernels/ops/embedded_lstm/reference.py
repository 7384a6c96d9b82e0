"""Reading a source and choosing an answer with an LSTM, without anything kept for a backward pass."""

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import id_step
from fasts2s_kernels.checks import inference as checks
from fasts2s_kernels.ops.affine.reference import affine_forward
from fasts2s_kernels.ops.attention.reference import attention_forward
from fasts2s_kernels.ops.lstm.reference import lstm_forward, lstm_ids_forward, lstm_step
from fasts2s_kernels.quiet import quiet


def lstm_encode(W: Array, ids: Array, Wx: Array, Wh: Array, b: Array | None, *, mask: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_encode`."""
    seq = checks.encoding(W, ids, Wx, Wh, b, mask)
    return lstm_forward(seq.W[seq.ids], seq.Wx, seq.Wh, seq.b, mask=seq.mask)[1]


def lstm_ids_step(
    table: Array, ids: Array, Wh: Array, *, h: Array, c: Array, row_bias: Array | None = None
) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_ids_step`."""
    seq, table, ids = id_step(4, table, ids, Wh, {"h": h, "c": c}, row_bias)
    before_h, before_c = seq.states
    _, after_h, after_c, _ = lstm_ids_forward(table, ids[:, None], Wh, h0=before_h, c0=before_c, row_bias=row_bias)
    return after_h, after_c


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
    return answers(checks.answering(W, start_ids, length, Wx, Wh, b, W_out, b_out, h, c, row_bias, score_bias))


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
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_greedy`."""
    return answers(checks.attending(W, start_ids, length, Wx, Wh, b, W_out, b_out, h, c, hs_enc, mask))


@quiet
def answers(a: checks.Answering) -> Array:
    """Choose whole answers from checked inputs."""
    ids, state_h, state_c = a.ids, a.h, a.c
    out = np.zeros_like(ids, shape=(ids.size, a.length))
    for t in range(a.length):
        state_h, state_c = lstm_step(a.W[ids], a.Wx, a.Wh, a.b, h=state_h, c=state_c, row_bias=a.row_bias)
        features = state_h
        if a.hs_enc is not None:
            context, _, _ = attention_forward(a.hs_enc, state_h[:, None], mask=a.mask)
            features = np.concatenate((context[:, 0], state_h), axis=1)
        scores = affine_forward(features, a.W_out, a.b_out)
        scores = scores if a.score_bias is None else scores + a.score_bias
        ids = scores.argmax(axis=1)
        out[:, t] = np.where(np.isfinite(scores.max(axis=1)), ids, -1)
    return out
