"""Affine map of rows: products whose columns, or rows where columns are few, are divided among tasks."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import (
    PANEL,
    add_rows,
    ceil_div,
    clear,
    copy_block,
    copy_row,
    load_first,
    pack,
    put_turned,
    row_product,
    stream_block,
    tiles,
    tiles_from,
)
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import STREAM_FROM, store
from fasts2s_kernels.ops.affine import reference
from fasts2s_kernels.ops.affine.reference import rows_of

_pack, _put_turned, _launch = pack.external, put_turned.external, launch.external
_tiles, _tiles_from = tiles.external, tiles_from.external
_row_product, _copy_row = row_product.external, copy_row.external
_ZERO = np.float32(0)
#: Rows of the right-hand side that are packed at a time: with what meets them they fill a second-level cache.
_K_BLOCK = 1024
#: Rows whose sums are kept beside them.
_ROW_BLOCK = 256
#: Floats of memory of its own that a worker needs: a packed block of the right-hand side, its sums, a row of sums.
_LOCAL = PANEL * (_K_BLOCK + _ROW_BLOCK + 1)
#: The most columns of a single row that are one task.
_STRETCH = 1024 * PANEL


@inline
def _product(C, c_row, bias, A, a_row, B, k_step, n_step, rows, columns, K, local, streamed):
    """``C = A B + bias`` in up to PANEL columns; A is contiguous along k."""
    width = ceil_div(columns, LANES)
    sums, step = local + FLOAT * PANEL * _K_BLOCK, width * LANES
    start = sums + FLOAT * PANEL * _ROW_BLOCK
    for v in range(width):
        n = LANES * v
        store(start + VECTOR * v, load_first(bias + FLOAT * n, columns - n) if bias else splat(_ZERO))
    for first in range(0, rows, _ROW_BLOCK):
        size, x = min(_ROW_BLOCK, rows - first), A + FLOAT * a_row * first
        for k in range(0, K, _K_BLOCK):
            part = min(_K_BLOCK, K - k)
            if first == 0 or K > _K_BLOCK:
                _pack(local, width, B + FLOAT * k_step * k, k_step, n_step, part, columns)
            if k == 0:
                _tiles_from(width, size, sums, step, start, 0, x, a_row, 1, local, step, part)
            else:
                _tiles(width, size, sums, step, x + FLOAT * k, a_row, 1, local, step, part)
        target = C + FLOAT * c_row * first
        if streamed and target % VECTOR == 0 and columns % LANES == 0:
            stream_block(target, c_row, sums, size, width)
        else:
            copy_block(target, c_row, sums, size, width, columns)


@inline
def _lone_row(out, bias, x, W, M, columns, D, local):
    """Some columns of a single row: W is read where it is, and only once."""
    for n in range(0, columns, LANES):
        store(local + FLOAT * n, load_first(bias + FLOAT * n, columns - n) if bias else splat(_ZERO))
    _row_product(local, x, W, M, columns, D)
    _copy_row(out, local, columns)


@kernel(needs=(pack, tiles, tiles_from, row_product, copy_row))
def affine_panel(worker, task, args):
    """One group of rows in one panel of columns of ``x W + b``, or a single row in one group of columns."""
    R, D, M, x, W, k_step, n_step, b, out, groups, local = unpack_args(args, 11)
    local += FLOAT * _LOCAL * worker
    if R == 1 and n_step == 1:
        columns = LANES * ceil_div(ceil_div(M, groups), LANES)
        first = columns * task
        columns = min(columns, M - first)
        if columns > 0:
            _lone_row(out + FLOAT * first, b + FLOAT * first if b else 0, x, W + FLOAT * first, M, columns, D, local)
        return
    panel, part = task // groups, task % groups
    first, start, stop = PANEL * panel, part * R // groups, (part + 1) * R // groups
    _product(
        out + FLOAT * (M * start + first), M, b + FLOAT * first if b else 0, x + FLOAT * D * start, D,
        W + FLOAT * n_step * first, k_step, n_step, stop - start, min(PANEL, M - first), D, local,
        R * M >= STREAM_FROM and M % LANES == 0,
    )  # fmt: skip


@inline
def _weight_panel(first, columns, R, D, M, x, dout, dW, d_step, m_step, db, local):
    """dW and db in up to PANEL columns."""
    width = ceil_div(columns, LANES)
    step, sums = width * LANES, local + FLOAT * PANEL * _K_BLOCK
    bias = sums + FLOAT * PANEL * _ROW_BLOCK
    clear(bias, width)
    for d in range(0, max(D, 1), _ROW_BLOCK):
        rows = min(_ROW_BLOCK, D - d)
        clear(sums, rows * width)
        for k in range(0, R, _K_BLOCK):
            part = min(_K_BLOCK, R - k)
            if d == 0 or R > _K_BLOCK:
                _pack(local, width, dout + FLOAT * (M * k + first), M, 1, part, columns)
            if d == 0:
                add_rows(bias, local, part, width, step)
            _tiles(width, rows, sums, step, x + FLOAT * (D * k + d), 1, D, local, step, part)
        if m_step == 1:
            copy_block(dW + FLOAT * (d_step * d + first), d_step, sums, rows, width, columns)
        else:
            _put_turned(dW + FLOAT * (m_step * first + d), m_step, sums, step, rows, columns)
    if db:
        copy_block(db + FLOAT * first, M, bias, 1, width, columns)


@kernel(needs=(pack, tiles, tiles_from, put_turned))
def affine_backward_panel(worker, task, args):
    """One group of rows of one panel of dx, or one panel of columns of dW and db.

    Those of dx come first: they are the longer ones, and what comes last should not keep others waiting.
    """
    (
        R, D, M, x, W, k_step, n_step, db, dx, groups, local, dout, dW, d_step, m_step,
    ) = unpack_args(args, 15)  # fmt: skip
    local += FLOAT * _LOCAL * worker
    before = ceil_div(D, PANEL) * groups
    if task >= before:
        first = PANEL * (task - before)
        _weight_panel(first, min(PANEL, M - first), R, D, M, x, dout, dW, d_step, m_step, db, local)
        return
    panel, part = task // groups, task % groups
    first, start, stop = PANEL * panel, part * R // groups, (part + 1) * R // groups
    _product(
        dx + FLOAT * (D * start + first), D, 0, dout + FLOAT * M * start, M,
        W + FLOAT * k_step * first, n_step, k_step, stop - start, min(PANEL, D - first), M, local, False,
    )  # fmt: skip


@entry(
    types.void(arr.int_, arr.c2, arr.rows2, arr.int_, arr.int_, arr.c1, arr.int_, arr.out2, arr.out1),
    needs=(affine_panel, launch),
)
def forward(team, x, W, k_step, n_step, b, groups, out, local):
    """Fill out (R, M). k_step and n_step are the distances in W of rows and columns, one of them 1.

    ``groups`` divide the rows in each panel of columns; of a single row, and W in C order, they divide the columns.
    """
    R, D = x.shape
    M = out.shape[1]
    args = pack_args((
        R, D, M, address(x), address(W), k_step, n_step, address(b), address(out), groups, address(local),
    ))  # fmt: skip
    tasks = groups if R == 1 and n_step == 1 else ceil_div(M, PANEL) * groups
    _launch(team, kernel_address("affine_panel"), tasks, 0, 0, 0, 0, args)


@entry(
    types.void(
        arr.int_, arr.c2, arr.c2, arr.rows2, arr.int_, arr.int_, arr.int_,
        arr.out2, arr.out2, arr.int_, arr.int_, arr.out1, arr.out1,
    ),
    needs=(affine_backward_panel, launch),
)  # fmt: skip
def backward(team, dout, x, W, k_step, n_step, groups, dx, dW, d_step, m_step, db, local):
    """Fill dx (R, D), dW (D, M) and db (M,)."""
    R, M = dout.shape
    D = x.shape[1]
    args = pack_args((
        R, D, M, address(x), address(W), k_step, n_step, address(db), address(dx), groups, address(local),
        address(dout), address(dW), d_step, m_step,
    ))  # fmt: skip
    tasks = ceil_div(M, PANEL) + ceil_div(D, PANEL) * groups
    _launch(team, kernel_address("affine_backward_panel"), tasks, 0, 0, 0, 0, args)


def _ordered(W: Array) -> tuple[Array, int, int]:
    """Return W in C or in Fortran order, as an array that is contiguous along its last axis, and its distances."""
    if W.flags.f_contiguous and not W.flags.c_contiguous and W.flags.aligned:
        return W.T, 1, W.shape[0]
    W = arr.c_order(W)
    return W, W.shape[1], 1


def _groups(columns: int, workers: int, enough: int) -> int:
    """Return into how many groups rows are divided: one where there are ``enough`` panels for every worker.

    Every group packs the weights anew.
    """
    return 1 if -(-columns // PANEL) >= enough * workers or workers == 1 else 2 * workers


def affine_forward(x: Array, W: Array, b: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_forward`."""
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", x, W, 0, "(R, D)")
    (R, D), M = x.shape, W.shape[1]
    if not arr.is_compiled(W, R * D * M):
        return reference.affine_forward(x, W, b)
    if b is not None:
        b = checks.as_float("b", b, W.dtype, (M,), "(M,)")
    # A single row is bound by reading W: five times the time of as many multiply-adds.
    workers = threads.workers_for(R * D * M * (5 if R == 1 else 1))
    ordered, out = _ordered(W), empty(R, M)
    groups = max(workers, -(-M // _STRETCH)) if R == 1 and ordered[2] == 1 else _groups(M, workers, 2)
    threads.run(
        workers, forward, arr.c_order(x), *ordered, arr.optional(b, arr.NONE1), groups, out,
        arr.scratch(workers * _LOCAL),
    )  # fmt: skip
    return out


def affine_backward(dout: Array, x: Array, W: Array, *, dW: Array, db: Array | None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.affine_backward`."""
    W = checks.weight("W", W, "(D, M)", 2)
    x = rows_of("x", checks.saved(x), W, 0, "(R, D)")
    (R, D), M = x.shape, W.shape[1]
    if not arr.is_compiled(W, R * D * M):
        return reference.affine_backward(dout, x, W, dW=dW, db=db)
    dout = checks.as_float("dout", dout, W.dtype, (R, M), "(R, M)")
    dW = checks.buffer("dW", dW, W, "(D, M)")
    buffers = (dW, None if db is None else checks.bias_buffer(db, (M,), "(M,)"))
    turned = dW.flags.f_contiguous and not dW.flags.c_contiguous and dW.flags.aligned
    made_W, made_b = (dW if turned else arr.writable(dW)), arr.writable(buffers[1])
    workers = threads.workers_for(2 * R * D * M)
    dx = empty(R, D)
    threads.run(
        workers, backward, arr.c_order(dout), arr.c_order(x), *_ordered(W), _groups(D, workers, 1), dx,
        made_W.T if turned else made_W, *((1, D) if turned else (M, 1)),
        arr.NONE1 if made_b is None else made_b, arr.scratch(workers * _LOCAL),
    )  # fmt: skip
    arr.put_back(buffers, (made_W, made_b))
    return dx
