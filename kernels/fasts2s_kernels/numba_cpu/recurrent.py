"""What backward passes of LSTM, GRU and RNN share: weights packed transposed, gradients of weights and inputs.

All take the same arguments, beginning with D, H, G (the columns of the weights: 4H, 3H or H), Wx, Wh, packed.
"""

import numpy as np

from fasts2s_kernels.numba_cpu._calls import unpack_args
from fasts2s_kernels.numba_cpu._jit import inline, kernel
from fasts2s_kernels.numba_cpu._simd import FLOAT
from fasts2s_kernels.numba_cpu._target import LANES
from fasts2s_kernels.numba_cpu.gemm import K_BLOCK, PANEL, add_rows, ceil_div, clear, copy_block, pack, tiles

_pack, _tiles = pack.external, tiles.external
_ZERO = np.float32(0)

#: Rows of dxs that one product makes, before they are put where they belong.
X_BLOCK = 128


def local_floats(D: int, H: int) -> int:
    """Return how many floats of memory of its own a worker of :func:`weight_gradients` needs."""
    return PANEL * (K_BLOCK + D + H + 1)


@kernel(needs=(pack,))
def pack_transposed(worker, task, args):
    """Pack PANEL rows of Wh, after these of Wx, as the columns of a panel of G rows."""
    D, H, G, Wx, Wh, packed = unpack_args(args, 6)
    h_panels = ceil_div(H, PANEL)
    if task < h_panels:
        W, size, first = Wh, H, PANEL * task
    else:
        W, size, first = Wx, D, PANEL * (task - h_panels)
    columns = min(PANEL, size - first)
    _pack(packed + FLOAT * PANEL * G * task, ceil_div(columns, LANES), W + FLOAT * G * first, 1, G, G, columns)


@inline
def _weight_columns(first, width, columns, D, H, G, NT, dA, x_time, h_time, dWx, dWh, db, local):
    """dWx, dWh and db in up to PANEL columns: x^T dA and h^T dA over all rows, K_BLOCK of them at a time."""
    step, sums = width * LANES, local + FLOAT * PANEL * K_BLOCK
    clear(sums, (D + H + 1) * width)
    sums_h, sums_b = sums + FLOAT * step * D, sums + FLOAT * step * (D + H)
    for k in range(0, NT, K_BLOCK):
        K = min(K_BLOCK, NT - k)
        _pack(local, width, dA + FLOAT * (G * k + first), G, 1, K, columns)
        _tiles(width, D, sums, step, x_time + FLOAT * D * k, 1, D, local, step, LANES, K)
        _tiles(width, H, sums_h, step, h_time + FLOAT * H * k, 1, H, local, step, LANES, K)
        add_rows(sums_b, local, K, width)
    copy_block(dWx + FLOAT * first, G, sums, D, width, columns)
    copy_block(dWh + FLOAT * first, G, sums_h, H, width, columns)
    if db:
        copy_block(db + FLOAT * first, G, sums_b, 1, width, columns)


@inline
def _input_rows(start, stop, D, H, G, N, T, dA, packed, dxs, local):
    """Rows start to stop (time-major) of dxs = dA Wx^T."""
    for q in range(ceil_div(D, PANEL)):
        columns = min(PANEL, D - PANEL * q)
        width = ceil_div(columns, LANES)
        step, W = width * LANES, packed + FLOAT * PANEL * G * (ceil_div(H, PANEL) + q)
        for first in range(start, stop, X_BLOCK):
            rows = min(X_BLOCK, stop - first)
            clear(local, rows * width)
            _tiles(width, rows, local, step, dA + FLOAT * G * first, G, 1, W, step, LANES, G)
            for r in range(rows):
                t, n = divmod(first + r, N)
                target = dxs + FLOAT * (D * (T * n + t) + PANEL * q)
                copy_block(target, D, local + FLOAT * step * r, 1, width, columns)


@kernel(needs=(pack, tiles))
def weight_gradients(worker, task, args):
    """One panel of columns of dWx, dWh and db, or one group of rows of dxs."""
    (
        D, H, G, _, _, packed, N, T, _, dA, x_time, h_time, dWx, dWh, db, dxs, x_tasks, local, local_size,
    ) = unpack_args(args, 19)  # fmt: skip
    local += FLOAT * local_size * worker
    panels = ceil_div(G, PANEL)
    if task < panels:
        columns = min(PANEL, G - PANEL * task)
        width = ceil_div(columns, LANES)
        _weight_columns(PANEL * task, width, columns, D, H, G, N * T, dA, x_time, h_time, dWx, dWh, db, local)
    else:
        group = ceil_div(N * T, x_tasks)
        start = group * (task - panels)
        _input_rows(start, min(N * T, start + group), D, H, G, N, T, dA, packed, dxs, local)
