"""Compiled loops of the LSTM, backward, after the way back through time: gradients of weights and inputs.

dA has been left by panels (panels, T N, PANEL), see ``_lstm_panels``: for a panel of columns of the weights it is a
right-hand side as it is.
"""

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
from fasts2s_kernels.cpu.pointer import Int
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector_memory import load
from fasts2s_kernels.ops.lstm.cpu_panels import units_of, width_of
from fasts2s_kernels.ops.lstm.cpu_records import Backward

#: Rows of dxs that one product makes, before they are put where they belong.
X_BLOCK = 128


def local_floats(D: int, H: int) -> int:
    """Return how many floats of memory of its own a worker needs: sums of a panel, or a block of rows of dxs."""
    return PANEL * max(D + H + 2, X_BLOCK)


@inline
def _copy_gates(target, row, source, rows, step, H, units):
    """Copy rows of the four gates of a panel to where the panel's first units are in rows of 4H, ``row`` apart."""
    for r in range(rows):
        for gate in range(4):
            store_first(target + (row * r + H * gate), load(source + (step * r + units * gate)), units)


@inline
def _add_by_id(table, ids, block, rows, H, units):
    """Add rows of dA to the rows of a table (V, 4H) that their ids name, in the order of the ids."""
    for k in range(rows):
        target = table + 4 * H * ids[k]
        for gate in range(4):
            place, d = target + H * gate, load(block + (PANEL * k + units * gate))
            store_first(place, load_first(place, units) + d, units)


@inline
def _clear_gates(table, rows, H, units, zeros):
    """Set the columns of a panel in a table (V, 4H) to zero."""
    for r in range(rows):
        _copy_gates(table + 4 * H * r, 0, zeros, 1, 0, H, units)


@inline
def _weight_panel(a, panel, sums):
    """The columns of one panel in dWx, dWh and db: (x | h)^T dA over all rows, K_BLOCK of them at a time.

    h is zero in the rows before ``h_from``, which are left out. With a table the inputs were ids, and D is 0: rows of
    dA are added by id.
    """
    D, H, NT = a.D, a.H, a.N * a.T
    units = units_of(panel, H)
    width, first, row = width_of(units), LANES * panel, D + H
    step = width * LANES
    sums_h, sums_b = sums + step * D, sums + step * row
    clear(sums, (row + 1) * width)
    if a.dtable:
        _clear_gates(a.dtable + first, a.V, H, units, sums_b)
    k = 0
    while k < NT:
        K = min(K_BLOCK, (a.h_from if k < a.h_from else NT) - k)
        block = a.dA + PANEL * (NT * panel + k)
        if a.dtable:
            _add_by_id(a.dtable + first, a.ids + k, block, K, H, units)
        elif a.db:
            add_rows(sums_b, block, K, width, PANEL)
        rows = row if k >= a.h_from else D
        if rows:
            tiles(width, rows, sums, step, a.xh_time + row * k, 1, row, block, PANEL, K)
        k += K
    _copy_gates(a.dWx + first, 4 * H, sums, D, step, H, units)
    _copy_gates(a.dWh + first, 4 * H, sums_h, H, step, H, units)
    if a.db:
        _copy_gates(a.db + first, 0, sums_b, 1, 0, H, units)


@inline
def _input_rows(a, start, stop, local):
    """Rows start to stop (time-major) of dxs = dA Wx^T."""
    D, H, N, T = a.D, a.H, a.N, a.T
    for q in range(ceil_div(D, PANEL)):
        columns = min(PANEL, D - PANEL * q)
        width = ceil_div(columns, LANES)
        step, W = width * LANES, a.packed + PANEL * 4 * H * (ceil_div(H, PANEL) + q)
        for first in range(start, stop, X_BLOCK):
            rows = min(X_BLOCK, stop - first)
            clear(local, rows * width)
            for panel in range(ceil_div(H, LANES)):
                A, B = a.dA + PANEL * (N * T * panel + first), W + step * PANEL * panel
                tiles(width, rows, local, step, A, PANEL, 1, B, step, 4 * units_of(panel, H))
            for r in range(rows):
                t, n = divmod(first + r, N)
                copy_block(a.dxs + (D * (T * n + t) + PANEL * q), D, local + step * r, 1, width, columns)


@kernel
def lstm_gradients(worker: Int, task: Int, a: Backward) -> None:
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    local = a.local + a.local_size * worker
    panels = ceil_div(a.H, LANES)
    if task < panels:
        _weight_panel(a, task, local)
    else:
        rows = a.N * a.T
        group = ceil_div(rows, a.x_tasks)
        start = group * (task - panels)
        _input_rows(a, start, min(rows, start + group), local)
