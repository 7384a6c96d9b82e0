"""Choosing ids from scores: what Python calls. The loops are in cpu_loops."""

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.decoding import cpu_loops as loops
from fasts2s_kernels.ops.decoding import reference
from fasts2s_kernels.quiet import quiet

#: What an exponential and its place in two sums cost, in multiply-adds.
_COST = 16


@quiet
def best(scores: Array, k: int, *, mask: Array | None = None) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.best`.

    Implementation: a row is read twice, the second time from the caches: for its softmax, and past a heap of k.
    """
    scores, k, mask = reference.checked_best(scores, k, mask)
    if not arr.is_compiled(scores, scores.size):
        return reference.best(scores, k, mask=mask)
    (R, V), workers, scores = scores.shape, threads.workers_for(scores.size * _COST), arr.row_order(scores)
    values, ids, size = empty(R, k), np.empty((R, k), np.int64), arr.padded(V)
    tops, totals = np.empty(R), np.empty(R)
    allowed = arr.NO_BOOLS if mask is None else mask if mask.strides[1] == 1 else np.ascontiguousarray(mask)
    fields = loops.Best(
        V=V, k=k, scores=scores, row=scores.strides[0] // 4,
        mask=allowed, mask_row=allowed.strides[0], values=values, ids=ids, tops=tops, totals=totals,
        local=empty(workers, size), local_size=size,
    )  # fmt: skip
    loops.BEST(min(workers, R), fields, R)
    logs = ((values - tops[:, None]) - np.log(totals)[:, None]).astype(np.float32)
    return logs, np.where(logs > -np.inf, ids, -1)


def sample(scores: Array, uniforms: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.sample`."""
    scores = reference.checked_scores(scores)
    if not arr.is_compiled(scores, scores.size):
        return reference.sample(scores, uniforms)
    uniforms = reference.checked_uniforms(uniforms, scores.shape[0])
    (R, V), workers, scores = scores.shape, threads.workers_for(scores.size * _COST), arr.row_order(scores)
    ids, size = np.empty((R, 1), np.int64), arr.padded(V)
    fields = loops.Sample(
        V=V, scores=scores, row=scores.strides[0] // 4, uniforms=arr.c_order(uniforms), ids=ids,
        local=empty(workers, size), local_size=size,
    )  # fmt: skip
    loops.SAMPLE(min(workers, R), fields, R)
    found = ids[:, 0]
    if found.min() < 0:
        raise reference.no_probabilities(found.argmin())
    return found
