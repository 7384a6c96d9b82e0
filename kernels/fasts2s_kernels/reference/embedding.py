"""Rows of a table by id, and the sum of gradients by id."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array
from fasts2s_kernels.quiet import quiet


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
    np.add.at(dW, ids.ravel(), dout.reshape(ids.size, dW.shape[1]))
