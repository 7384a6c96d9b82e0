"""Reading a source and choosing an answer: what Python calls. The loops are in greedy_loops."""

import numpy as np

from fasts2s_kernels import inference_checks as checks
from fasts2s_kernels import reference
from fasts2s_kernels.contract import Array
from fasts2s_kernels.numba_cpu import _arrays as arr
from fasts2s_kernels.numba_cpu import _threads as threads
from fasts2s_kernels.numba_cpu import greedy_loops as loops
from fasts2s_kernels.numba_cpu._memory import empty
from fasts2s_kernels.numba_cpu.lstm import unpacked_panels


def _group(N: int, workers: int) -> int:
    """Return how many rows go through all steps together."""
    return min(loops.GROUP, -(-N // workers))


def lstm_encode(W: Array, ids: Array, Wx: Array, Wh: Array, b: Array | None, *, mask: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_encode`."""
    c = checks.encoding(W, ids, Wx, Wh, b, mask)
    (N, T), (D, G) = c.ids.shape, c.Wx.shape
    H = G // 4
    if c.Wx.dtype != arr.FLOAT32 or not N * T * D * H:
        return reference.lstm_encode(W, ids, Wx, Wh, b, mask=mask)
    workers = threads.workers_for(N * T * (D + H + 40) * G)
    out, group = empty(N, H), _group(N, workers)
    threads.run(
        workers, loops.encode, arr.c_order(c.W), np.ascontiguousarray(c.ids),
        arr.NO_BOOLS if c.mask is None else np.ascontiguousarray(c.mask), arr.c_order(c.Wx), arr.c_order(c.Wh),
        arr.optional(c.b, arr.NONE1), unpacked_panels(group, H), group, out,
        arr.scratch(4 * arr.padded(H) * (1 + D + H)), empty(workers, loops.local_floats(D, H, 0)),
    )  # fmt: skip
    return out


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
    N, (D, G), V = a.ids.size, a.Wx.shape, a.W_out.shape[1]
    H = G // 4
    if a.Wx.dtype != arr.FLOAT32 or not N * a.length * D * H:
        return reference.lstm_greedy(
            W, start_ids, length, Wx, Wh, b, W_out, b_out, h=h, c=c, row_bias=row_bias, score_bias=score_bias
        )
    workers = threads.workers_for(N * a.length * ((D + H + 40) * G + H * V))
    out, group = np.empty((N, a.length), np.int64), _group(N, workers)
    threads.run(
        workers, loops.greedy, arr.c_order(a.W), np.ascontiguousarray(a.ids), arr.c_order(a.Wx), arr.c_order(a.Wh),
        arr.optional(a.b, arr.NONE1), arr.c_order(a.W_out), arr.optional(a.b_out, arr.NONE1), arr.c_order(a.h),
        arr.optional(a.c, arr.NONE2), arr.optional(a.row_bias, arr.NONE2), arr.optional(a.score_bias, arr.NONE2),
        unpacked_panels(group, H), group, out, arr.scratch(4 * arr.padded(H) * (1 + D + H)),
        arr.scratch(H * arr.padded(V)), empty(workers, loops.local_floats(D, H, V)),
    )  # fmt: skip
    return out
