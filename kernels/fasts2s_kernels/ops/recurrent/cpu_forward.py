"""What the forward passes of GRU and RNN share: packed weights, and the pre-activations of a panel of columns.

The columns of the weights are one or two parts, [0, split) and [split, G): those of the second part meet something
else than h (in a GRU r h), and only once the first part is done. Each part is divided into panels.
"""

import numpy as np

from fasts2s_kernels.cpu.calls import unpack_args
from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, clear, copy_row, load_first, pack, tiles
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import load, load_bool, store

_pack, _tiles, _copy_row = pack.external, tiles.external, copy_row.external
_ZERO = np.float32(0)
#: With fewer rows than this a step is bound by reading the weights once; packing them would read them twice.
PACK_FROM_ROWS = 4
#: From this many steps on packing pays all the same: rows of large weights lie far apart, those of a panel do not.
PACK_FROM_STEPS = 4


def read_in_place(N: int, T: int) -> bool:
    """Return whether weights are read where they are; the results are the same to the bit."""
    return N < PACK_FROM_ROWS and T < PACK_FROM_STEPS


@inline
def _packed_from(columns, in_place):
    """Return the first column of a part that is packed: where weights are read in place, that after whole vectors."""
    return columns - columns % LANES if in_place else 0


@inline
def packed_panels(columns, in_place):
    """Return how many panels of a part are packed."""
    return ceil_div(columns - _packed_from(columns, in_place), PANEL)


@inline
def _panel_place(packed, D, H, start, u):
    """Return the address of the packed panel of column u of the part that begins at ``start``."""
    return packed + FLOAT * (1 + D + H) * (ceil_div(start, LANES) * LANES + u)


@kernel(needs=(pack,))
def pack_columns(worker, task, args):
    """Pack one panel of the bias, Wx and Wh: 1 + D + H rows."""
    D, H, G, split, Wx, Wh, b, packed, in_place = unpack_args(args, 9)
    panels = packed_panels(split, in_place)
    start, end = (0, split) if task < panels else (split, G)
    u = _packed_from(end - start, in_place) + PANEL * (task if task < panels else task - panels)
    columns, first = min(PANEL, end - start - u), FLOAT * (start + u)
    width = ceil_div(columns, LANES)
    bias = _panel_place(packed, D, H, start, u)
    if b:
        _pack(bias, width, b + first, G, 1, 1, columns)
    else:
        clear(bias, width)
    _pack(bias + VECTOR * width, width, Wx + first, G, 1, D, columns)
    _pack(bias + VECTOR * width * (1 + D), width, Wh + first, G, 1, H, columns)


@inline
def panel_at(start, end, u, D, H, G, weights):
    """Return the panel that begins with column u of a part: its columns; bias, Wx, Wh; floats from row to row.

    ``weights`` are the addresses Wx, Wh, b, packed and whether weights are read in place as far as they are whole
    vectors. The address of the bias is 0 where there is none.
    """
    Wx, Wh, b, packed, in_place = weights
    whole, first = _packed_from(end - start, in_place), FLOAT * (start + u)
    if u < whole:
        return min(PANEL, whole - u), b + first if b else 0, Wx + first, Wh + first, G
    columns = min(PANEL, end - start - u)
    bias, row = _panel_place(packed, D, H, start, u), ceil_div(columns, LANES) * LANES
    return columns, bias, bias + FLOAT * row, bias + FLOAT * row * (1 + D), row


@inline
def preactivations(s, rows, panel, row_bias, x, h, D, H, G):
    """Fill s with ``x Wx + h Wh + b + row_bias`` in the columns of a panel, as whole vectors.

    Rows of x are D floats apart, those of h H, those of row_bias G; x and h are the addresses of the first row,
    ``row_bias`` is that of the panel's first column in it, or 0.
    """
    columns, bias, Wx, Wh, row = panel
    width = ceil_div(columns, LANES)
    for r in range(rows):
        for v in range(width):
            a = load(bias + VECTOR * v) if bias else splat(_ZERO)
            if row_bias:
                a = a + load_first(row_bias + FLOAT * (G * r + LANES * v), columns - LANES * v)
            store(s + VECTOR * (width * r + v), a)
    _tiles(width, rows, s, width * LANES, x, D, 1, Wx, row, D)
    _tiles(width, rows, s, width * LANES, h, H, 1, Wh, row, H)


@inline
def copy_inputs(x, xs, x_n, x_t, t, start, stop, D):
    """Copy step t of the rows start to stop of xs to x (N, D)."""
    for n in range(start, stop):
        _copy_row(x + FLOAT * D * n, xs + FLOAT * (x_n * n + x_t * t), D)


@inline
def finish_step(hs, h, h_next, mask, t, start, stop, T, H):
    """Let h pass through padding, and copy the new h to hs."""
    for n in range(start, stop):
        if mask and not load_bool(mask + T * n + t):
            _copy_row(h_next + FLOAT * H * n, h + FLOAT * H * n, H)
        _copy_row(hs + FLOAT * H * (T * n + t), h_next + FLOAT * H * n, H)
