"""Rows of a table by id, and the sum of gradients by id."""

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import BLOCK, blocks, contiguous, i32, i64, kernel, per_element
from fasts2s_kernels.gpu.specialisations import number

#: Looks at ids up to which every row of the table looks through all of them; beyond, they are sorted first.
_MOST_LOOKS = 10**8


@inputs.entry
def embedding_forward(W: Array, ids: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.embedding_forward`."""
    inputs.on_device(W=W)
    W = checks.weight("W", W, "(V, D)", 2)
    return gather(W, inputs.ids("ids", ids, W.shape[0], "of any shape"))


def gather(W: Array, ids: Array) -> Array:
    """Return the rows of W for ids that ``inputs.ids`` returned."""
    out = xp.empty((*ids.shape, W.shape[1]), W.dtype)
    function = kernel("embedding", "embedding_fwd", number(W.dtype == xp.float64))
    per_element(function, out.size, contiguous(W), ids, out, i64(out.size), i32(W.shape[1]))
    return out


@inputs.entry
def embedding_backward(dout: Array, ids: Array, *, dW: Array) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.embedding_backward`."""
    inputs.on_device(dout=dout, dW=dW)
    dW = checks.buffer("dW", dW, checks.weight("dW", dW, "(V, D)", 2), "(V, D)")
    ids = inputs.ids("ids", checks.saved(ids), dW.shape[0], "of any shape")
    dout = checks.as_float("dout", dout, dW.dtype, (*ids.shape, dW.shape[1]), "ids.shape + (D,)")
    scatter(dout.reshape(ids.size, dW.shape[1]), ids, dW)


def scatter(rows: Array, ids: Array, dW: Array) -> None:
    """Overwrite dW (V, D) with the sums of rows (R, D) by id, in the order of the ids, without atomics."""
    (V, D), count = dW.shape, ids.size
    if not dW.size:
        return
    out = dW if dW.flags.c_contiguous else xp.empty((V, D), dW.dtype)
    wide, grid = number(dW.dtype == xp.float64), (blocks(32 * V, BLOCK),)
    if V * count <= _MOST_LOOKS:
        function = kernel("embedding", "embedding_bwd", wide)
        function(grid, (BLOCK,), (contiguous(rows), ids, out, i32(count), i32(V), i32(D)))
    else:
        flat = ids.ravel()
        order = xp.argsort(flat)  # stable in CuPy, so equal ids stay in their order
        starts = xp.searchsorted(flat[order], xp.arange(V + 1))
        function = kernel("embedding", "embedding_bwd_sorted", wide)
        args = (contiguous(rows), order.astype(xp.int64), starts.astype(xp.int64), out, i32(V), i32(D))
        function(grid, (BLOCK,), args)
    if out is not dW:
        dW[...] = out
