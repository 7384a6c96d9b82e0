"""What backward passes of GRU and RNN share: weights packed transposed, gradients of weights and inputs.

Columns of the weights are G: 3H or H. The columns of dWh from ``split`` on have a left-hand side of their own,
``late``: in a GRU the candidate sees r h where the gates see h. Elsewhere ``split`` is G.
"""

from fasts2s_kernels.cpu.gemm import K_BLOCK, PANEL, add_rows, ceil_div, clear, copy_block, load_first, pack, tiles
from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector_memory import load

#: Rows of dxs that one product makes, before they are put where they belong.
X_BLOCK = 128


def local_floats(D: int, H: int) -> int:
    """Return how many floats of memory of its own a worker of :func:`weight_gradients` needs."""
    return PANEL * (K_BLOCK + D + H + 1)


@inline
def weight_panels(split, G):
    """Return how many panels of columns the weights have; none reaches across ``split``."""
    return ceil_div(split, PANEL) + ceil_div(G - split, PANEL)


@inline
def pack_transposed(task, a):
    """Pack PANEL rows of Wh, after these of Wx, as the columns of a panel of G rows."""
    h_panels = ceil_div(a.H, PANEL)
    if task < h_panels:
        W, size, first = a.Wh, a.H, PANEL * task
    else:
        W, size, first = a.Wx, a.D, PANEL * (task - h_panels)
    columns = min(PANEL, size - first)
    pack(a.packed + PANEL * a.G * task, ceil_div(columns, LANES), W + a.G * first, 1, a.G, a.G, columns)


@inline
def is_padding(a, n, t):
    """Return whether step t of row n is padding."""
    return bool(a.mask) and not a.mask[a.T * n + t]


@inline
def arriving(a, n, t, k, kept, product):
    """Return the gradient of one vector of h: what was carried, plus a product, plus the gradient of the output.

    The product comes as a whole, because a sum that began with the carry would be rounded at the size of the carry in
    every term. After padding it is left out, not added as zero: zero times an infinite weight is NaN.
    """
    d = load(kept)
    if t < a.T - 1 and not is_padding(a, n, t + 1):
        d = d + load(product)
    if a.dhs and t >= 0:
        d = d + load_first(a.dhs + (a.d_n * n + a.d_t * t + k), a.H - k)
    return d


@inline
def _weight_columns(a, first, width, columns, h_time, local):
    """dWx, dWh and db in up to PANEL columns: x^T dA and h^T dA over all rows, K_BLOCK of them at a time."""
    D, H, G, NT = a.D, a.H, a.G, a.N * a.T
    step, sums = width * LANES, local + PANEL * K_BLOCK
    clear(sums, (D + H + 1) * width)
    sums_h, sums_b = sums + step * D, sums + step * (D + H)
    for k in range(0, NT, K_BLOCK):
        K = min(K_BLOCK, NT - k)
        pack(local, width, a.dA + (G * k + first), G, 1, K, columns)
        tiles(width, D, sums, step, a.x_time + D * k, 1, D, local, step, K)
        tiles(width, H, sums_h, step, h_time + H * k, 1, H, local, step, K)
        add_rows(sums_b, local, K, width, step)
    copy_block(a.dWx + first, G, sums, D, width, columns)
    copy_block(a.dWh + first, G, sums_h, H, width, columns)
    if a.db:
        copy_block(a.db + first, G, sums_b, 1, width, columns)


@inline
def _input_rows(a, start, stop, local):
    """Rows start to stop (time-major) of dxs = dA Wx^T."""
    D, G = a.D, a.G
    for q in range(ceil_div(D, PANEL)):
        columns = min(PANEL, D - PANEL * q)
        width = ceil_div(columns, LANES)
        step, W = width * LANES, a.packed + PANEL * G * (ceil_div(a.H, PANEL) + q)
        for first in range(start, stop, X_BLOCK):
            rows = min(X_BLOCK, stop - first)
            clear(local, rows * width)
            tiles(width, rows, local, step, a.dA + G * first, G, 1, W, step, G)
            for r in range(rows):
                t, n = divmod(first + r, a.N)
                copy_block(a.dxs + (D * (a.T * n + t) + PANEL * q), D, local + step * r, 1, width, columns)


@inline
def weight_gradients(worker, task, a, split, late):
    """One panel of columns of dWx, dWh and db, or one group of rows of dxs."""
    local = a.local + a.local_size * worker
    panels, early, NT = weight_panels(split, a.G), ceil_div(split, PANEL), a.N * a.T
    if task < panels:
        is_late = task >= early
        first, end = (split + PANEL * (task - early), a.G) if is_late else (PANEL * task, split)
        columns = min(PANEL, end - first)
        _weight_columns(a, first, ceil_div(columns, LANES), columns, late if is_late else a.h_time, local)
    else:
        group = ceil_div(NT, a.x_tasks)
        start = group * (task - panels)
        _input_rows(a, start, min(NT, start + group), local)
