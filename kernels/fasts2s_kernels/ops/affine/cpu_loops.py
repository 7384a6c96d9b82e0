"""Compiled loops of the affine map: columns of products, or rows where columns are few, are divided among tasks."""

from typing import NamedTuple

import numpy as np

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
    store_first,
    stream_block,
    tiles,
    tiles_from,
)
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Floats, Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import is_aligned, nothing, offset
from fasts2s_kernels.cpu.record import C1, C2, Out1, Out2, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import fma, splat
from fasts2s_kernels.cpu.vector_memory import STREAM_FROM, load, prefetch, store, transpose_block

_ZERO = np.float32(0)
#: Rows of the right-hand side that are packed at a time: with what meets them they fill a second-level cache.
_K_BLOCK = 1024
#: Rows whose sums are kept beside them.
_ROW_BLOCK = 256
#: Floats of memory of its own that a worker needs: a packed block of the right-hand side, its sums, a row of sums.
LOCAL = PANEL * (_K_BLOCK + _ROW_BLOCK + 1)
#: Floats of the room that :func:`lone_row_turned` needs.
TURNED = 2 * LANES * LANES
#: The most columns of a single row that are one task: their sums have room in a worker's memory.
STRETCH = 1024 * PANEL


@record
class Forward(NamedTuple):
    """What a call works on: out = x W + b."""

    R: Int
    D: Int
    M: Int
    groups: Int  # of rows in each panel of columns; of the columns of a single row where W is in C order
    x: C2  # (R, D)
    W: C2  # (D, M) or (M, D)
    k_step: Int  # distances in W of rows and columns, in elements: one of them is 1
    n_step: Int
    b: C1  # (M,) or empty
    out: Out2  # (R, M)
    local: Out2  # (workers, LOCAL)


@record
class Backward(NamedTuple):
    """What a call works on."""

    R: Int
    D: Int
    M: Int
    groups: Int  # of rows in each panel of dx
    dout: C2  # (R, M)
    x: C2  # (R, D)
    W: C2  # (D, M) or (M, D)
    k_step: Int  # distances in W of rows and columns, in elements: one of them is 1
    n_step: Int
    dx: Out2  # (R, D)
    dW: Out2  # (D, M) or (M, D)
    d_step: Int  # distances in dW of rows and columns
    m_step: Int
    db: Out1  # (M,) or empty
    local: Out2  # (workers, LOCAL)


@inline
def _product(C, c_row, bias, A, a_row, B, k_step, n_step, rows, columns, K, local, streamed):
    """``C = A B + bias`` in up to PANEL columns; A is contiguous along k."""
    width = ceil_div(columns, LANES)
    sums, step = local + PANEL * _K_BLOCK, width * LANES
    start = sums + PANEL * _ROW_BLOCK
    for v in range(width):
        n = LANES * v
        store(start + n, load_first(bias + n, columns - n) if bias else splat(_ZERO))
    for first in range(0, rows, _ROW_BLOCK):
        size, x = min(_ROW_BLOCK, rows - first), A + a_row * first
        for k in range(0, K, _K_BLOCK):
            part = min(_K_BLOCK, K - k)
            if first == 0 or K > _K_BLOCK:
                pack(local, width, B + k_step * k, k_step, n_step, part, columns)
            if k == 0:
                tiles_from(width, size, sums, step, start, 0, x, a_row, 1, local, step, part)
            else:
                tiles(width, size, sums, step, x + k, a_row, 1, local, step, part)
        target = C + c_row * first
        if streamed and is_aligned(target, LANES) and columns % LANES == 0:
            stream_block(target, c_row, sums, size, width)
        else:
            copy_block(target, c_row, sums, size, width, columns)


@kernel
def lone_row(out: Floats, x: Floats, W: Floats, M: Int, b: Floats, columns: Int, D: Int) -> None:
    """``out = x W + b`` in some columns of a single row: W is read where it is, and only once.

    out has room for whole vectors; rows of W are M apart.
    """
    for n in range(0, columns, LANES):
        store(out + n, load_first(b + n, columns - n) if b else splat(_ZERO))
    row_product(out, x, W, M, columns, D)


@inline
def columns_of(task, tasks, M):
    """Return the first of the columns of a single row that are one of so many tasks, and their number."""
    columns = 2 * LANES * ceil_div(ceil_div(M, tasks), 2 * LANES)
    first = min(M, columns * task)
    return first, min(columns, M - first)


@inline
def _turned_rest(total, x, W, D, first, count, block):
    """Return total plus the products of x with ``count`` rows of W from column ``first`` on, one sum in each lane."""
    for k in range(first, D):
        for i in range(count):
            block[i] = W[D * i + k]
        total = fma(splat(x[k]), load(block), total)
    return total


@inline
def _turned_pair(totals, x, W, D, block):
    """Return two vectors of totals plus the products of x with as many rows of W; the next ones come meanwhile."""
    (a, b), square, whole = totals, LANES * LANES, D - D % LANES
    for k in range(0, whole, LANES):
        for i in range(2 * LANES):
            prefetch(W + (D * (2 * LANES + i) + k))
        transpose_block(block, LANES, W + k, D)
        transpose_block(block + square, LANES, W + (LANES * D + k), D)
        for j in range(LANES):
            x_k = splat(x[k + j])
            a = fma(x_k, load(block + LANES * j), a)
            b = fma(x_k, load(block + (square + LANES * j)), b)
    a = _turned_rest(a, x, W, D, whole, LANES, block)
    return a, _turned_rest(b, x, W + LANES * D, D, whole, LANES, block)


@kernel
def lone_row_turned(out: Floats, x: Floats, W: Floats, b: Floats, columns: Int, D: Int, block: Floats) -> None:
    """As :func:`lone_row` where W is in Fortran order: a column lies together. block : room for TURNED floats."""
    for n in range(0, columns, 2 * LANES):
        here, left = W + D * n, columns - n
        first = load_first(b + n, left) if b else splat(_ZERO)
        second = load_first(b + (n + LANES), left - LANES) if b else splat(_ZERO)
        if left >= 2 * LANES:
            first, second = _turned_pair((first, second), x, here, D, block)
        else:
            first = _turned_rest(first, x, here, D, 0, min(LANES, left), block)
            second = _turned_rest(second, x, here + LANES * D, D, 0, left - LANES, block)
        store_first(out + n, first, left)
        store_first(out + (n + LANES), second, left - LANES)


@kernel
def affine_panel(worker: Int, task: Int, a: Forward) -> None:
    """One group of rows in one panel of columns of ``x W + b``, or a single row in one group of columns."""
    R, D, M, local = a.R, a.D, a.M, a.local + LOCAL * worker
    if R == 1:
        first, columns = columns_of(task, a.groups, M)
        bias = offset(a.b, first)
        if a.n_step == 1:
            lone_row(local, a.x, a.W + first, M, bias, columns, D)
            copy_row(a.out + first, local, columns)
        else:
            lone_row_turned(a.out + first, a.x, a.W + D * first, bias, columns, D, local)
        return
    panel, part = task // a.groups, task % a.groups
    first, start, stop = PANEL * panel, part * R // a.groups, (part + 1) * R // a.groups
    _product(
        a.out + (M * start + first), M, offset(a.b, first), a.x + D * start, D, a.W + a.n_step * first, a.k_step,
        a.n_step, stop - start, min(PANEL, M - first), D, local, R * M >= STREAM_FROM and M % LANES == 0,
    )  # fmt: skip


@inline
def _weight_panel(a, first, local):
    """dW and db in up to PANEL columns."""
    R, D, M, columns = a.R, a.D, a.M, min(PANEL, a.M - first)
    width = ceil_div(columns, LANES)
    step, sums = width * LANES, local + PANEL * _K_BLOCK
    bias = sums + PANEL * _ROW_BLOCK
    clear(bias, width)
    for d in range(0, D, _ROW_BLOCK):
        rows = min(_ROW_BLOCK, D - d)
        clear(sums, rows * width)
        for k in range(0, R, _K_BLOCK):
            part = min(_K_BLOCK, R - k)
            if d == 0 or R > _K_BLOCK:
                pack(local, width, a.dout + (M * k + first), M, 1, part, columns)
            if d == 0:
                add_rows(bias, local, part, width, step)
            tiles(width, rows, sums, step, a.x + (D * k + d), 1, D, local, step, part)
        if a.m_step == 1:
            copy_block(a.dW + (a.d_step * d + first), a.d_step, sums, rows, width, columns)
        else:
            put_turned(a.dW + (a.m_step * first + d), a.m_step, sums, step, rows, columns)
    if a.db:
        copy_block(a.db + first, M, bias, 1, width, columns)


@kernel
def affine_backward_panel(worker: Int, task: Int, a: Backward) -> None:
    """One group of rows of one panel of dx, or one panel of columns of dW and db.

    Those of dx come first: they are the longer ones, and what comes last should not keep others waiting.
    """
    R, D, M, local = a.R, a.D, a.M, a.local + LOCAL * worker
    before = ceil_div(D, PANEL) * a.groups
    if task >= before:
        _weight_panel(a, PANEL * (task - before), local)
        return
    panel, part = task // a.groups, task % a.groups
    first, start, stop = PANEL * panel, part * R // a.groups, (part + 1) * R // a.groups
    _product(
        a.dx + (D * start + first), D, nothing(a.dx), a.dout + M * start, M, a.W + a.k_step * first, a.n_step,
        a.k_step, stop - start, min(PANEL, D - first), M, local, False,
    )  # fmt: skip


FORWARD, BACKWARD = Launch(Forward, affine_panel), Launch(Backward, affine_backward_panel)
