"""Drawing ids from scores: what Python calls. The loops are in cpu_loops."""

import numpy as np

from fasts2s_kernels.contract import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.decoding import cpu_loops as loops
from fasts2s_kernels.ops.decoding import reference

#: What an exponential and its place in two sums cost, in multiply-adds.
_COST = 16


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
