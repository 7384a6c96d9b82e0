"""What backward passes of GRU and RNN share: weights packed transposed, gradients of weights and inputs.

Both take the same arguments, beginning with D, H, G (the columns of the weights: 3H or H), Wx, Wh, packed.

The columns of dWh from ``split`` on have a left-hand side of their own, ``late_time``: in a GRU the candidate sees
r h where the gates see h. Elsewhere ``split`` is G and ``late_time`` 0.
"""

from fasts2s_kernels.cpu.calls import unpack_args
from fasts2s_kernels.cpu.gemm import K_BLOCK, PANEL, add_rows, ceil_div, clear, copy_block, load_first, pack, tiles
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import FLOAT
from fasts2s_kernels.cpu.vector_memory import load, load_bool

_pack, _tiles = pack.external, tiles.external

#: Rows of dxs that one product makes, before they are put where they belong.
X_BLOCK = 128


def local_floats(D: int, H: int) -> int:
    """Return how many floats of memory of its own a worker of :func:`weight_gradients` needs."""
    return PANEL * (K_BLOCK + D + H + 1)


@inline
def weight_panels(split, G):
    """Return how many panels of columns the weights have; none reaches across ``split``."""
    return ceil_div(split, PANEL) + ceil_div(G - split, PANEL)


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
def product_place(place, n, t, T, mask):
    """Return ``place``, that of a product with the gradients of step t + 1, or 0 where row n has none of that step.

    After padding the product is left out, not added as zero: zero times an infinite weight is NaN.
    """
    none = t == T - 1 or (mask and not load_bool(mask + T * n + t + 1))
    return 0 if none else place


@inline
def arriving(carry, product, dhs, columns):
    """Return the gradient of one vector of h: what was carried, plus a product, plus the gradient of the output.

    All are addresses; the last two may be 0; ``columns`` are left in dhs. The product comes as a whole, because a sum
    that began with the carry would be rounded at the size of the carry in every term.
    """
    d = load(carry)
    if product:
        d = d + load(product)
    if dhs:
        d = d + load_first(dhs, columns)
    return d


@inline
def weight_columns(first, width, columns, D, H, G, NT, dA, x_time, h_time, dWx, dWh, db, local):
    """dWx, dWh and db in up to PANEL columns: x^T dA and h^T dA over all rows, K_BLOCK of them at a time."""
    step, sums = width * LANES, local + FLOAT * PANEL * K_BLOCK
    clear(sums, (D + H + 1) * width)
    sums_h, sums_b = sums + FLOAT * step * D, sums + FLOAT * step * (D + H)
    for k in range(0, NT, K_BLOCK):
        K = min(K_BLOCK, NT - k)
        _pack(local, width, dA + FLOAT * (G * k + first), G, 1, K, columns)
        _tiles(width, D, sums, step, x_time + FLOAT * D * k, 1, D, local, step, K)
        _tiles(width, H, sums_h, step, h_time + FLOAT * H * k, 1, H, local, step, K)
        add_rows(sums_b, local, K, width, step)
    copy_block(dWx + FLOAT * first, G, sums, D, width, columns)
    copy_block(dWh + FLOAT * first, G, sums_h, H, width, columns)
    if db:
        copy_block(db + FLOAT * first, G, sums_b, 1, width, columns)


@inline
def input_rows(start, stop, D, H, G, N, T, dA, packed, dxs, local):
    """Rows start to stop (time-major) of dxs = dA Wx^T."""
    for q in range(ceil_div(D, PANEL)):
        columns = min(PANEL, D - PANEL * q)
        width = ceil_div(columns, LANES)
        step, W = width * LANES, packed + FLOAT * PANEL * G * (ceil_div(H, PANEL) + q)
        for first in range(start, stop, X_BLOCK):
            rows = min(X_BLOCK, stop - first)
            clear(local, rows * width)
            _tiles(width, rows, local, step, dA + FLOAT * G * first, G, 1, W, step, G)
            for r in range(rows):
                t, n = divmod(first + r, N)
                target = dxs + FLOAT * (D * (T * n + t) + PANEL * q)
                copy_block(target, D, local + FLOAT * step * r, 1, width, columns)


@kernel(needs=(pack, tiles))
def weight_gradients(worker, task, args):
    """One panel of columns of dWx, dWh and db, or one group of rows of dxs."""
    (
        D, H, G, _, _, packed, N, T, _, dA, x_time, h_time, dWx, dWh, db, dxs, x_tasks, local, local_size,
        split, late_time,
    ) = unpack_args(args, 21)  # fmt: skip
    local += FLOAT * local_size * worker
    panels, early = weight_panels(split, G), ceil_div(split, PANEL)
    if task < panels:
        late = task >= early
        first, end = (split + PANEL * (task - early), G) if late else (PANEL * task, split)
        columns = min(PANEL, end - first)
        width = ceil_div(columns, LANES)
        h = late_time if late else h_time
        weight_columns(first, width, columns, D, H, G, N * T, dA, x_time, h, dWx, dWh, db, local)
    else:
        group = ceil_div(N * T, x_tasks)
        start = group * (task - panels)
        input_rows(start, min(N * T, start + group), D, H, G, N, T, dA, packed, dxs, local)
