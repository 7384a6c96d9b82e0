"""Rows of a table by id, and the sum of gradients by id."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import ceil_div, load_first, store_first
from fasts2s_kernels.cpu.jit import entry, kernel
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT
from fasts2s_kernels.cpu.vector_memory import load_int, zero_bytes
from fasts2s_kernels.ops.embedding import reference

_launch = launch.external


@kernel()
def embedding_rows(worker, task, args):
    """Copy the rows of a group of ids."""
    K, D, group, W, ids, out = unpack_args(args, 6)
    for k in range(task * group, min(K, (task + 1) * group)):
        source, target = W + FLOAT * D * load_int(ids + 8 * k), out + FLOAT * D * k
        for d in range(0, D, LANES):
            store_first(target + FLOAT * d, load_first(source + FLOAT * d, D - d), D - d)


@kernel()
def embedding_sums(worker, task, args):
    """Clear a group of rows of the table and add to them what belongs there, in the order of the ids."""
    K, D, group, dW, ids, dout, V = unpack_args(args, 7)
    first, end = task * group, min(V, (task + 1) * group)
    zero_bytes(dW + FLOAT * D * first, FLOAT * D * (end - first))
    for k in range(K):
        row = load_int(ids + 8 * k)
        if first <= row < end:
            source, target = dout + FLOAT * D * k, dW + FLOAT * D * row
            for d in range(0, D, LANES):
                total = load_first(target + FLOAT * d, D - d) + load_first(source + FLOAT * d, D - d)
                store_first(target + FLOAT * d, total, D - d)


@entry(types.void(arr.int_, arr.c2, arr.ids1, arr.int_, arr.out2), needs=(embedding_rows, launch))
def forward(team, W, ids, group, out):
    """Fill out (K, D)."""
    K, D = out.shape
    args = pack_args((K, D, group, address(W), address(ids), address(out)))
    _launch(team, kernel_address("embedding_rows"), ceil_div(K, group), 0, 0, 0, 0, args)


@entry(types.void(arr.int_, arr.c2, arr.ids1, arr.int_, arr.out2), needs=(embedding_sums, launch))
def backward(team, dout, ids, group, dW):
    """Fill dW (V, D)."""
    V, D = dW.shape
    args = pack_args((ids.size, D, group, address(dW), address(ids), address(dout), V))
    _launch(team, kernel_address("embedding_sums"), ceil_div(V, group), 0, 0, 0, 0, args)


def _group(rows: int, workers: int) -> int:
    return -(-rows // (1 if workers == 1 else 4 * workers))


def embedding_forward(W: Array, ids: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.embedding_forward`."""
    W = checks.weight("W", W, "(V, D)", 2)
    ids = checks.as_ids("ids", ids, W.shape[0], "of any shape")
    D = W.shape[1]
    if not arr.is_compiled(W, ids.size * D):
        return reference.embedding_forward(W, ids)
    out = empty(ids.size, D)
    workers = threads.workers_for(ids.size * D)
    flat = np.ascontiguousarray(ids).reshape(-1)
    threads.run(workers, forward, arr.c_order(W), flat, _group(ids.size, workers), out)
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
    V, D = dW.shape
    dout = arr.c_order(checks.as_float("dout", dout, dW.dtype, (*ids.shape, D), "ids.shape + (D,)"))
    made = arr.writable(dW)
    workers = threads.workers_for(V * D + ids.size * D)
    flat = np.ascontiguousarray(ids).reshape(-1)
    threads.run(workers, backward, dout.reshape(-1, D), flat, _group(V, workers), made)
    arr.put_back((dW,), (made,))
