"""Rows of a table by id, and the sum of gradients by id."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.quiet import quiet


def add_by_id(table: Array, ids: Array, rows: Array) -> None:
    """Add rows (R, D) to the rows of a table (V, D) that their ids (R,), none negative, name.

    Rows of one id are brought together and summed at once: where ids repeat, several times faster than ``np.add.at``.
    """
    if not ids.size:
        return
    order = np.argsort(ids, kind="stable")
    found, first = np.unique(ids[order], return_index=True)
    table[found] += np.add.reduceat(rows[order], first, axis=0)


@quiet
def embedding_forward(W: Array, ids: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.embedding_forward`."""
    W = checks.weight("W", W, "(V, D)", 2)
    return W[checks.as_ids("ids", ids, W.shape[0], "of any shape")]


@quiet
def embedding_backward(dout: Array, ids: Array, *, dW: Array) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.embedding_backward`."""
    dW = checks.buffer("dW", dW, checks.weight("dW", dW, "(V, D)", 2), "(V, D)")
    ids = checks.as_ids("ids", checks.saved(ids), dW.shape[0], "of any shape")
    dout = checks.as_float("dout", dout, dW.dtype, (*ids.shape, dW.shape[1]), "ids.shape + (D,)")
    dW[...] = 0
    add_by_id(dW, ids.ravel(), dout.reshape(ids.size, dW.shape[1]))
