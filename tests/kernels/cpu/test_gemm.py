"""Every register tile by itself gives the exact product, whatever K leaves over, and writes to nothing beside it."""

from typing import NamedTuple

import numpy as np
import pytest

from fasts2s_kernels.cpu.gemm import tiles_from
from fasts2s_kernels.cpu.jit import kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.record import C2, Out2, record
from fasts2s_kernels.cpu.target import LANES, TARGET


@record
class Product(NamedTuple):
    """What :func:`tiles_from` takes."""

    width: Int
    rows: Int
    C: Out2
    c_row: Int
    start: C2
    start_row: Int
    A: C2
    a_row: Int
    a_k: Int
    B: C2
    b_k: Int
    K: Int


@kernel
def one_product(worker: Int, task: Int, a: Product) -> None:
    tiles_from(a.width, a.rows, a.C, a.c_row, a.start, a.start_row, a.A, a.a_row, a.a_k, a.B, a.b_k, a.K)


LAUNCH = Launch(Product, one_product)


def _check(width: int, rows: int, K: int, turned: bool, start_row: int) -> None:
    rng = np.random.default_rng([width, rows, K, turned, start_row])
    columns = width * LANES

    def whole(*shape: int) -> np.ndarray:
        # Whole numbers so small that every sum is exact: fused or not, in any order.
        return rng.integers(-9, 10, shape).astype(np.float32)

    # Rows are longer than what is read of them, and what is not read is NaN.
    start, B = whole(rows, columns + 3), whole(K + 1, columns + 5)
    A = whole(K + 1, rows + 1) if turned else whole(rows + 1, K + 1)
    C = np.full((rows + 1, columns + 1), np.nan, np.float32)
    read = A[:K, :rows].T.copy() if turned else A[:rows, :K].copy()
    wanted = C.copy()
    wanted[:rows, :columns] = start[: rows if start_row else 1, :columns] + read @ B[:K, :columns]
    start[:, columns:], B[:, columns:], B[K] = np.nan, np.nan, np.nan
    if turned:
        A[K], A[:, rows] = np.nan, np.nan
    else:
        A[rows], A[:, K] = np.nan, np.nan
    a_row, a_k = (1, rows + 1) if turned else (K + 1, 1)
    fields = Product(
        width=width,
        rows=rows,
        C=C,
        c_row=columns + 1,
        start=start,
        start_row=start_row and columns + 3,
        A=A,
        a_row=a_row,
        a_k=a_k,
        B=B,
        b_k=columns + 5,
        K=K,
    )
    LAUNCH(1, fields, 1)
    np.testing.assert_array_equal(C, wanted)


@pytest.mark.parametrize("turned", [False, True], ids=["rows of A", "columns of A"])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_tile(width: int, turned: bool) -> None:
    # One row more than the highest tile has: two tiles, one below the other.
    for rows in range(1, max(TARGET.tile_rows) + 2):
        for K in (0, 1, 2, 3, 4, 5, 7, 8, 11):
            for start_row in (0, 1):
                _check(width, rows, K, turned, start_row)
