"""Reading a source and choosing an answer with an LSTM, without anything kept for a backward pass."""

import numpy as np

from fasts2s_kernels.checks import inference as checks
from fasts2s_kernels.contract import Array
from fasts2s_kernels.ops.affine.reference import affine_forward
from fasts2s_kernels.ops.lstm.reference import lstm_forward, lstm_step
from fasts2s_kernels.quiet import quiet


def lstm_encode(W: Array, ids: Array, Wx: Array, Wh: Array, b: Array | None, *, mask: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_encode`."""
    seq = checks.encoding(W, ids, Wx, Wh, b, mask)
    return lstm_forward(seq.W[seq.ids], seq.Wx, seq.Wh, seq.b, mask=seq.mask)[1]


@quiet
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
    ids, state_h, state_c = a.ids, a.h, a.c
    out = np.zeros_like(ids, shape=(ids.size, a.length))
    for t in range(a.length):
        state_h, state_c = lstm_step(a.W[ids], a.Wx, a.Wh, a.b, h=state_h, c=state_c, row_bias=a.row_bias)
        scores = affine_forward(state_h, a.W_out, a.b_out)
        scores = scores if a.score_bias is None else scores + a.score_bias
        ids = scores.argmax(axis=1)
        out[:, t] = np.where(np.isfinite(scores.max(axis=1)), ids, -1)
    return out
