"""Products of any size, made of tiles; packing of the right-hand side into panels.

A panel is up to PANEL columns of a matrix, copied so that every row is ``width`` whole vectors (zeros beyond the last
column) and rows follow one another: what the tile reads is then one stream. All distances are in floats.

Every element of a product is summed over k from first to last, whatever the tile around it: results do not depend on
how rows are divided among tasks.
"""

import numpy as np

from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Floats, Int
from fasts2s_kernels.cpu.target import LANES, TARGET
from fasts2s_kernels.cpu.tile import any_tile
from fasts2s_kernels.cpu.vector import fma, splat
from fasts2s_kernels.cpu.vector_memory import load, load_part, store, store_part, stream, transpose_block

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
        store(place + LANES * k, splat(_ZERO))


@inline
def _most_rows(width):
    if width == 4:
        return _ROWS_4
    if width == 3:
        return _ROWS_3
    return _ROWS_2 if width == 2 else _ROWS_1


@kernel
def tiles_from(
    width: Int,
    rows: Int,
    C: Floats,
    c_row: Int,
    start: Floats,
    start_row: Int,
    A: Floats,
    a_row: Int,
    a_k: Int,
    B: Floats,
    b_k: Int,
    K: Int,
) -> None:
    """``C = start + A B`` for any number of rows, ``width`` (1 to 4) vectors of columns; see ``tile.any_tile``."""
    blocks = ceil_div(rows, _most_rows(width))
    parts = _TILES_OF_4 if width == 4 else 1
    done = 0
    for block in range(blocks):
        size = ceil_div(rows - done, blocks - block)  # as equal as can be: a tile of one row is slow
        here, first, a = C + done * c_row, start + done * start_row, A + done * a_row
        for part in range(parts):
            v = LANES * (width // parts) * part
            any_tile(
                width // parts, size, here + v, c_row, first + v, start_row, a, a_row, a_k, B + v, b_k, K
            )  # fmt: skip
        done += size


@kernel
def tiles(
    width: Int, rows: Int, C: Floats, c_row: Int, A: Floats, a_row: Int, a_k: Int, B: Floats, b_k: Int, K: Int
) -> None:
    """``C += A B``, as :func:`tiles_from` does it."""
    tiles_from(width, rows, C, c_row, C, c_row, A, a_row, a_k, B, b_k, K)


@inline
def _four(place):
    """Return four numbers, each in all lanes of a vector."""
    return splat(place[0]), splat(place[1]), splat(place[2]), splat(place[3])


@inline
def _add_four(total, a, place, row):
    """Return total plus four numbers, each times the vector of its row."""
    total = fma(a[0], load(place), total)
    total = fma(a[1], load(place + row), total)
    total = fma(a[2], load(place + 2 * row), total)
    return fma(a[3], load(place + 3 * row), total)


@kernel
def row_product(C: Floats, A: Floats, B: Floats, b_k: Int, columns: Int, K: Int) -> None:
    """``C += A B`` for one row of any number of columns, with B where it is, eight rows of it at a time.

    Every row of B is read as one stream: this is bound by memory, not by arithmetic. Sums are those of
    :func:`tiles`, bit by bit. C must have room for whole vectors.
    """
    whole, eights = columns - columns % LANES, K - K % 8
    for k in range(0, eights, 8):
        a, b, here = _four(A + k), _four(A + (k + 4)), B + b_k * k
        for n in range(0, whole, LANES):
            total = _add_four(load(C + n), a, here + n, b_k)
            store(C + n, _add_four(total, b, here + (4 * b_k + n), b_k))
    for k in range(eights, K):
        a_k, here = splat(A[k]), B + b_k * k
        for n in range(0, whole, LANES):
            store(C + n, fma(a_k, load(here + n), load(C + n)))
    if whole < columns:
        total = load(C + whole)
        for k in range(K):
            total = fma(splat(A[k]), load_part(B + (b_k * k + whole), columns - whole), total)
        store(C + whole, total)


@inline
def _pack_rows(target, width, source, k_step, K, columns):
    for k in range(K):
        for v in range(width):
            n = v * LANES
            store(target + LANES * (width * k + v), load_first(source + (k_step * k + n), columns - n))


@inline
def _pack_columns(target, width, source, n_step, K, columns):
    row = LANES * width
    whole_n, whole_k = columns - columns % LANES, K - K % LANES
    for n in range(0, whole_n, LANES):
        for k in range(0, whole_k, LANES):
            transpose_block(target + (row * k + n), row, source + (n_step * n + k), n_step)
    for n in range(columns):
        for k in range(whole_k if n < whole_n else 0, K):
            target[row * k + n] = source[n_step * n + k]
    for n in range(columns, row):
        for k in range(K):
            target[row * k + n] = _ZERO


@kernel
def pack(target: Floats, width: Int, source: Floats, k_step: Int, n_step: Int, K: Int, columns: Int) -> None:
    """Copy a K x columns block into a panel of K rows of width vectors. One of k_step, n_step must be 1."""
    if n_step == 1:
        _pack_rows(target, width, source, k_step, K, columns)
    else:
        _pack_columns(target, width, source, n_step, K, columns)


@inline
def add_rows(total, block, K, width, row):
    """Add the sum of K rows of a block, ``row`` floats apart, to a row."""
    for v in range(width):
        a = load(total + LANES * v)
        for k in range(K):
            a = a + load(block + (row * k + LANES * v))
        store(total + LANES * v, a)


@inline
def copy_block(target, row, source, rows, width, columns):
    """Copy rows of width vectors, of which ``columns`` numbers count, to rows that are ``row`` floats apart."""
    for r in range(rows):
        for v in range(width):
            n = LANES * v
            store_first(target + (row * r + n), load(source + LANES * (width * r + v)), columns - n)


@inline
def stream_block(target, row, source, rows, width):
    """As :func:`copy_block`, past the caches; whole vectors, and target and row must be multiples of one."""
    for r in range(rows):
        for v in range(width):
            stream(target + (row * r + LANES * v), load(source + LANES * (width * r + v)))


# By itself, for inside its caller it would take ten times as long to compile.
@kernel
def put_turned(target: Floats, target_step: Int, sums: Floats, step: Int, rows: Int, columns: Int) -> None:
    """Store rows, ``step`` floats apart, as columns, ``target_step`` floats apart."""
    for r in range(0, rows, LANES):
        for n in range(0, columns, LANES):
            here, there = sums + (step * r + n), target + (target_step * n + r)
            if rows - r >= LANES and columns - n >= LANES:
                transpose_block(there, target_step, here, step)
            else:
                for j in range(min(LANES, columns - n)):
                    for i in range(min(LANES, rows - r)):
                        there[target_step * j + i] = here[step * i + j]


# Also by itself: it is short, but wanted in many places.
@kernel
def copy_row(target: Floats, source: Floats, count: Int) -> None:
    """Copy count floats."""
    for k in range(0, count, LANES):
        store_first(target + k, load_first(source + k, count - k), count - k)
