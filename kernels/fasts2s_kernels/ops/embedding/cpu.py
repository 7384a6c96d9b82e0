"""Rows of a table by id, and the sum of gradients by id: what Python calls. The loops are in cpu_loops."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.ops.embedding import cpu_loops as loops
from fasts2s_kernels.ops.embedding import reference


def _group(rows: int, workers: int) -> int:
    return -(-rows // (1 if workers == 1 else 4 * workers))


def embedding_forward(W: Array, ids: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.embedding_forward`."""
    W = checks.weight("W", W, "(V, D)", 2)
    ids = checks.as_ids("ids", ids, W.shape[0], "of any shape")
    D = W.shape[1]
    if not arr.is_compiled(W, ids.size * D):
        return reference.embedding_forward(W, ids)
    out, K, flat = empty(ids.size, D), ids.size, np.ascontiguousarray(ids).reshape(-1)
    workers = threads.workers_for(K * D)
    group = _group(K, workers)
    fields = loops.Forward(K=K, D=D, group=group, W=arr.c_order(W), ids=flat, out=out)
    loops.FORWARD(workers, fields, -(-K // group))
    return out.reshape(*ids.shape, D)


def embedding_backward(dout: Array, ids: Array, *, dW: Array) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.embedding_backward`.

    Implementation: tasks own rows of the table, so no two of them write to one row.
    """
    dW = checks.buffer("dW", dW, checks.weight("dW", dW, "(V, D)", 2), "(V, D)")
    ids = checks.as_ids("ids", checks.saved(ids), dW.shape[0], "of any shape")
    if not arr.is_compiled(dW, ids.size * dW.size):
        reference.embedding_backward(dout, ids, dW=dW)
        return
    (V, D), K, flat = dW.shape, ids.size, np.ascontiguousarray(ids).reshape(-1)
    dout = arr.c_order(checks.as_float("dout", dout, dW.dtype, (*ids.shape, D), "ids.shape + (D,)"))
    made = arr.writable(dW)
    workers = threads.workers_for(V * D + K * D)
    group = _group(V, workers)
    fields = loops.Backward(K=K, D=D, V=V, group=group, dout=dout.reshape(-1, D), ids=flat, dW=made)
    loops.BACKWARD(workers, fields, -(-V // group))
    arr.put_back((dW,), (made,))
