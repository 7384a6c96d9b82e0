"""Products of any size, made of tiles; packing of the right-hand side into panels.

A panel is up to PANEL columns of a matrix, copied so that every row is ``width`` whole vectors (zeros beyond the last
column) and rows follow one another: what the tile reads is then one stream. All distances are in floats.

Every element of a product is summed over k from first to last, whatever the tile around it: results do not depend on
how rows are divided among tasks.
"""

import numpy as np

from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES, TARGET
from fasts2s_kernels.cpu.tile import any_tile
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, fma, splat
from fasts2s_kernels.cpu.vector_memory import (
    load,
    load_float,
    load_part,
    store,
    store_float,
    store_part,
    stream,
    transpose_block,
)

#: Columns of the widest panel.
PANEL = 4 * LANES
#: Rows whose results stay in the first-level cache between the product and what is done with them.
BLOCK = 24
#: Rows of a right-hand side that are packed at a time where it is too long for the second-level cache.
K_BLOCK = 256

#: Tiles side by side in a panel of four vectors, and the most rows of tiles that are 1, 2, 3, 4 vectors wide.
_TILES_OF_4 = 1 if len(TARGET.tile_rows) == 4 else 2
_ROWS_1, _ROWS_2, _ROWS_3, _ROWS_4 = (*TARGET.tile_rows[:3], TARGET.tile_rows[4 // _TILES_OF_4 - 1])
_ZERO = np.float32(0)


@inline
def ceil_div(a, b):
    """Return a / b rounded up, for a >= 0 and b > 0."""
    return (a + b - 1) // b


@inline
def load_first(place, count):
    """Return min(count, LANES) numbers at an address, zeros behind them."""
    return load(place) if count >= LANES else load_part(place, count)


@inline
def store_first(place, a, count):
    """Store the first min(count, LANES) numbers of a."""
    if count >= LANES:
        store(place, a)
    else:
        store_part(place, a, count)


@inline
def clear(place, vectors):
    """Store zeros."""
    for k in range(vectors):
        store(place + VECTOR * k, splat(_ZERO))


@inline
def _most_rows(width):
    if width == 4:
        return _ROWS_4
    if width == 3:
        return _ROWS_3
    return _ROWS_2 if width == 2 else _ROWS_1


@kernel(types.void(*[types.int64] * 12))
def tiles_from(width, rows, C, c_row, start, start_row, A, a_row, a_k, B, b_k, K):
    """``C = start + A B`` for any number of rows, ``width`` (1 to 4) vectors of columns; see ``_tile.any_tile``."""
    blocks = ceil_div(rows, _most_rows(width))
    parts = _TILES_OF_4 if width == 4 else 1
    done = 0
    for block in range(blocks):
        size = ceil_div(rows - done, blocks - block)  # as equal as can be: a tile of one row is slow
        row = FLOAT * done
        here, first = C + row * c_row, start + row * start_row
        for part in range(parts):
            v = VECTOR * (width // parts) * part
            any_tile(
                width // parts, size, here + v, c_row, first + v, start_row, A + row * a_row, a_row, a_k,
                B + v, b_k, K,
            )  # fmt: skip
        done += size


_tiles_from = tiles_from.external


@kernel(types.void(*[types.int64] * 10), needs=(tiles_from,))
def tiles(width, rows, C, c_row, A, a_row, a_k, B, b_k, K):
    """``C += A B``, as :func:`tiles_from` does it."""
    _tiles_from(width, rows, C, c_row, C, c_row, A, a_row, a_k, B, b_k, K)


@inline
def _four(place):
    """Return four numbers, each in all lanes of a vector."""
    return (
        splat(load_float(place)),
        splat(load_float(place + FLOAT)),
        splat(load_float(place + 2 * FLOAT)),
        splat(load_float(place + 3 * FLOAT)),
    )


@inline
def _add_four(total, a, place, row):
    """Return total plus four numbers, each times the vector of its row."""
    total = fma(a[0], load(place), total)
    total = fma(a[1], load(place + row), total)
    total = fma(a[2], load(place + 2 * row), total)
    return fma(a[3], load(place + 3 * row), total)


@kernel(types.void(*[types.int64] * 6))
def row_product(C, A, B, b_k, columns, K):
    """``C += A B`` for one row of any number of columns, with B where it is, eight rows of it at a time.

    Every row of B is read as one stream: this is bound by memory, not by arithmetic. Sums are those of
    :func:`tiles`, bit by bit. C must have room for whole vectors.
    """
    row, whole, eights = FLOAT * b_k, columns - columns % LANES, K - K % 8
    for k in range(0, eights, 8):
        a, b, here = _four(A + FLOAT * k), _four(A + FLOAT * (k + 4)), B + row * k
        for n in range(0, FLOAT * whole, VECTOR):
            total = _add_four(load(C + n), a, here + n, row)
            store(C + n, _add_four(total, b, here + 4 * row + n, row))
    for k in range(eights, K):
        a = splat(load_float(A + FLOAT * k))
        for n in range(0, FLOAT * whole, VECTOR):
            store(C + n, fma(a, load(B + row * k + n), load(C + n)))
    if whole < columns:
        rest = FLOAT * whole
        total = load(C + rest)
        for k in range(K):
            total = fma(splat(load_float(A + FLOAT * k)), load_part(B + row * k + rest, columns - whole), total)
        store(C + rest, total)


@inline
def _pack_rows(target, width, source, k_step, K, columns):
    for k in range(K):
        for v in range(width):
            n = v * LANES
            store(target + VECTOR * (width * k + v), load_first(source + FLOAT * (k_step * k + n), columns - n))


@inline
def _pack_columns(target, width, source, n_step, K, columns):
    row = VECTOR * width
    whole_n, whole_k = columns - columns % LANES, K - K % LANES
    for n in range(0, whole_n, LANES):
        for k in range(0, whole_k, LANES):
            transpose_block(target + row * k + FLOAT * n, row, source + FLOAT * (n_step * n + k), FLOAT * n_step)
    for n in range(columns):
        for k in range(whole_k if n < whole_n else 0, K):
            store_float(target + row * k + FLOAT * n, load_float(source + FLOAT * (n_step * n + k)))
    for n in range(columns, width * LANES):
        for k in range(K):
            store_float(target + row * k + FLOAT * n, _ZERO)


@kernel(types.void(*[types.int64] * 7))
def pack(target, width, source, k_step, n_step, K, columns):
    """Copy a K x columns block into a panel of K rows of width vectors. One of k_step, n_step must be 1."""
    if n_step == 1:
        _pack_rows(target, width, source, k_step, K, columns)
    else:
        _pack_columns(target, width, source, n_step, K, columns)


@inline
def add_rows(total, block, K, width, row):
    """Add the sum of K rows of a block, ``row`` floats apart, to a row."""
    for v in range(width):
        a = load(total + VECTOR * v)
        for k in range(K):
            a = a + load(block + FLOAT * row * k + VECTOR * v)
        store(total + VECTOR * v, a)


@inline
def copy_block(target, row, source, rows, width, columns):
    """Copy rows of width vectors, of which ``columns`` numbers count, to rows that are ``row`` floats apart."""
    for r in range(rows):
        for v in range(width):
            n = LANES * v
            store_first(target + FLOAT * (row * r + n), load(source + VECTOR * (width * r + v)), columns - n)


@inline
def stream_block(target, row, source, rows, width):
    """As :func:`copy_block`, past the caches; whole vectors, and target and row must be multiples of one."""
    for r in range(rows):
        for v in range(width):
            stream(target + FLOAT * (row * r + LANES * v), load(source + VECTOR * (width * r + v)))


# By itself, for inside its caller it would take ten times as long to compile.
@kernel(types.void(*[types.int64] * 6))
def put_turned(target, target_step, sums, step, rows, columns):
    """Store rows, ``step`` floats apart, as columns, ``target_step`` floats apart."""
    for r in range(0, rows, LANES):
        for n in range(0, columns, LANES):
            here, there = sums + FLOAT * (step * r + n), target + FLOAT * (target_step * n + r)
            if rows - r >= LANES and columns - n >= LANES:
                transpose_block(there, FLOAT * target_step, here, FLOAT * step)
            else:
                for j in range(min(LANES, columns - n)):
                    for i in range(min(LANES, rows - r)):
                        store_float(there + FLOAT * (target_step * j + i), load_float(here + FLOAT * (step * i + j)))


# Also by itself: it is short, but wanted in many places.
@kernel(types.void(*[types.int64] * 3))
def copy_row(target, source, count):
    """Copy count floats."""
    for k in range(0, count, LANES):
        store_first(target + FLOAT * k, load_first(source + FLOAT * k, count - k), count - k)
