"""What the forward passes of GRU and RNN share: packed weights, and the pre-activations of a panel of columns.

The columns of the weights are one or two parts, [0, split) and [split, G): those of the second part meet something
else than h (in a GRU r h), and only once the first part is done. Each part is divided into panels.
"""

import numpy as np

from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, clear, copy_row, load_first, pack, tiles
from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.pointer import offset
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load, store

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
def _panel_place(a, start, u):
    """Return the place of the packed panel of column u of the part that begins at ``start``."""
    return a.packed + (1 + a.D + a.H) * (ceil_div(start, LANES) * LANES + u)


@inline
def pack_columns(task, a):
    """Pack one panel of the bias, Wx and Wh: 1 + D + H rows."""
    D, H, G = a.D, a.H, a.G
    panels = packed_panels(a.split, a.in_place)
    start, end = (0, a.split) if task < panels else (a.split, G)
    u = _packed_from(end - start, a.in_place) + PANEL * (task if task < panels else task - panels)
    columns, first = min(PANEL, end - start - u), start + u
    width = ceil_div(columns, LANES)
    bias, row = _panel_place(a, start, u), LANES * width
    if a.b:
        pack(bias, width, a.b + first, G, 1, 1, columns)
    else:
        clear(bias, width)
    pack(bias + row, width, a.Wx + first, G, 1, D, columns)
    pack(bias + row * (1 + D), width, a.Wh + first, G, 1, H, columns)


@inline
def panel_at(a, start, end, u):
    """Return the panel that begins with column u of a part: its columns; bias, Wx, Wh; floats from row to row.

    The bias is nothing where there is none. With ``a.in_place`` weights are read where they are as far as they are
    whole vectors.
    """
    whole, first = _packed_from(end - start, a.in_place), start + u
    if u < whole:
        return min(PANEL, whole - u), offset(a.b, first), a.Wx + first, a.Wh + first, a.G
    columns = min(PANEL, end - start - u)
    bias, row = _panel_place(a, start, u), ceil_div(columns, LANES) * LANES
    return columns, bias, bias + row, bias + row * (1 + a.D), row


@inline
def preactivations(a, s, rows, panel, row_bias, x, h):
    """Fill s with ``x Wx + h Wh + b + row_bias`` in the columns of a panel, as whole vectors.

    Rows of x are D floats apart, those of h H, those of row_bias G; x and h are the places of the first row,
    ``row_bias`` is that of the panel's first column in it, or nothing.
    """
    columns, bias, Wx, Wh, row = panel
    width = ceil_div(columns, LANES)
    for r in range(rows):
        for v in range(width):
            total = load(bias + LANES * v) if bias else splat(_ZERO)
            if row_bias:
                total = total + load_first(row_bias + (a.G * r + LANES * v), columns - LANES * v)
            store(s + LANES * (width * r + v), total)
    tiles(width, rows, s, width * LANES, x, a.D, 1, Wx, row, a.D)
    tiles(width, rows, s, width * LANES, h, a.H, 1, Wh, row, a.H)


@inline
def copy_inputs(a, x, t, start, stop):
    """Copy step t of the rows start to stop of xs to x (N, D)."""
    for n in range(start, stop):
        copy_row(x + a.D * n, a.xs + (a.x_n * n + a.x_t * t), a.D)


@inline
def finish_step(a, h, h_next, t, start, stop):
    """Let h pass through padding, and copy the new h to hs."""
    for n in range(start, stop):
        if a.mask and not a.mask[a.T * n + t]:
            copy_row(h_next + a.H * n, h + a.H * n, a.H)
        copy_row(a.hs + a.H * (a.T * n + t), h_next + a.H * n, a.H)
