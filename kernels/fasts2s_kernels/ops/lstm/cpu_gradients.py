"""Compiled loops of the LSTM, backward, after the way back through time: gradients of weights and inputs.

dA has been left by panels (panels, T N, PANEL), see ``_lstm_panels``: for a panel of columns of the weights it is a
right-hand side as it is.
"""

from fasts2s_kernels.cpu.calls import unpack_args
from fasts2s_kernels.cpu.gemm import (
    K_BLOCK,
    PANEL,
    add_rows,
    ceil_div,
    clear,
    copy_block,
    load_first,
    store_first,
    tiles,
)
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR
from fasts2s_kernels.cpu.vector_memory import load, load_int
from fasts2s_kernels.ops.lstm.cpu_panels import units_of, width_of
from fasts2s_kernels.ops.recurrent.cpu import X_BLOCK

_tiles = tiles.external


def local_floats(D: int, H: int) -> int:
    """Return how many floats of memory of its own a worker needs: sums of a panel, or a block of rows of dxs."""
    return PANEL * max(D + H + 2, X_BLOCK)


@inline
def _copy_gates(target, row, source, rows, step, H, units):
    """Copy rows of the four gates of a panel to where the panel's first units are in rows of 4H, ``row`` apart."""
    for r in range(rows):
        for gate in range(4):
            a = load(source + FLOAT * (step * r + units * gate))
            store_first(target + FLOAT * (row * r + H * gate), a, units)


@inline
def _add_by_id(table, ids, block, rows, H, units):
    """Add rows of dA to the rows of a table (V, 4H) that their ids name, in the order of the ids."""
    for k in range(rows):
        target = table + FLOAT * 4 * H * load_int(ids + 8 * k)
        for gate in range(4):
            place, a = target + FLOAT * H * gate, load(block + FLOAT * (PANEL * k + units * gate))
            store_first(place, load_first(place, units) + a, units)


@inline
def _clear_gates(table, rows, H, units, zeros):
    """Set the columns of a panel in a table (V, 4H) to zero."""
    for r in range(rows):
        _copy_gates(table + FLOAT * 4 * H * r, 0, zeros, 1, 0, H, units)


@inline
def _weight_panel(panel, D, H, NT, h_from, dA, xh, dWx, dWh, db, dtable, V, ids, sums):
    """The columns of one panel in dWx, dWh and db: (x | h)^T dA over all rows, K_BLOCK of them at a time.

    h is zero in the rows before ``h_from``, which are left out. With ``dtable`` (V, 4H) the inputs were ids
    (time-major) and D is 0: rows of dA are added by id.
    """
    units = units_of(panel, H)
    width, first, row = width_of(units), FLOAT * LANES * panel, D + H
    step = width * LANES
    sums_h, sums_b = sums + FLOAT * step * D, sums + FLOAT * step * row
    clear(sums, (row + 1) * width)
    if dtable:
        _clear_gates(dtable + first, V, H, units, sums_b)
    k = 0
    while k < NT:
        K = min(K_BLOCK, (h_from if k < h_from else NT) - k)
        block = dA + FLOAT * PANEL * (NT * panel + k)
        if dtable:
            _add_by_id(dtable + first, ids + 8 * k, block, K, H, units)
        elif db:
            add_rows(sums_b, block, K, width, PANEL)
        rows = row if k >= h_from else D
        if rows:
            _tiles(width, rows, sums, step, xh + FLOAT * row * k, 1, row, block, PANEL, K)
        k += K
    _copy_gates(dWx + first, 4 * H, sums, D, step, H, units)
    _copy_gates(dWh + first, 4 * H, sums_h, H, step, H, units)
    if db:
        _copy_gates(db + first, 0, sums_b, 1, 0, H, units)


@inline
def _input_rows(start, stop, D, H, N, T, dA, packed, dxs, local):
    """Rows start to stop (time-major) of dxs = dA Wx^T."""
    for q in range(ceil_div(D, PANEL)):
        columns = min(PANEL, D - PANEL * q)
        width = ceil_div(columns, LANES)
        step, W = width * LANES, packed + FLOAT * PANEL * 4 * H * (ceil_div(H, PANEL) + q)
        for first in range(start, stop, X_BLOCK):
            rows = min(X_BLOCK, stop - first)
            clear(local, rows * width)
            for panel in range(ceil_div(H, LANES)):
                A, B = dA + FLOAT * PANEL * (N * T * panel + first), W + FLOAT * step * PANEL * panel
                _tiles(width, rows, local, step, A, PANEL, 1, B, step, 4 * units_of(panel, H))
            for r in range(rows):
                t, n = divmod(first + r, N)
                target = dxs + FLOAT * (D * (T * n + t) + PANEL * q)
                copy_block(target, D, local + VECTOR * width * r, 1, width, columns)


@kernel(needs=(tiles,))
def lstm_gradients(worker, task, args):
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    (
        D, H, _, _, packed, N, T, _, dA, _, _, _, _, _, _, _, _, _, _, _, _, _, _,
        h_from, xh, dWx, dWh, db, dxs, x_tasks, dtable, V, ids, local, local_size,
    ) = unpack_args(args, 35)  # fmt: skip
    local += FLOAT * local_size * worker
    panels = ceil_div(H, LANES)
    if task < panels:
        _weight_panel(task, D, H, N * T, h_from, dA, xh, dWx, dWh, db, dtable, V, ids, local)
    else:
        group = ceil_div(N * T, x_tasks)
        start = group * (task - panels)
        _input_rows(start, min(N * T, start + group), D, H, N, T, dA, packed, dxs, local)
