"""Compiled loops of recurrent layers, after the way back through time: gradients of weights and inputs.

dA has been left by panels (panels, T N, PANEL), see ``cpu_panels``: for a panel of columns of the weights it is a
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
from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector_memory import load
from fasts2s_kernels.ops.recurrent.cpu_panels import (
    first_unit,
    panels_in_all,
    part_of,
    units_of,
    vectors_in,
    width_of,
)

#: Rows of dxs that one product makes, before they are put where they belong.
X_BLOCK = 128


def local_floats(D: int, H: int) -> int:
    """Return how many floats of memory of its own a worker needs: sums of a panel, or a block of rows of dxs."""
    return PANEL * max(D + H + 2, X_BLOCK)


@inline
def _copy_gates(target, row, source, rows, step, gates, H, units):
    """Copy rows of the gates of a panel to where its first units are in rows of the weights, ``row`` apart."""
    for r in range(rows):
        for gate in range(gates):
            for v in range(vectors_in(gates)):
                u = LANES * v
                if u < units:
                    here = source + (step * r + units * gate + u)
                    store_first(target + (row * r + H * gate + u), load(here), units - u)


@inline
def _add_by_id(table, ids, block, rows, gates, H, G, units):
    """Add rows of dA to the rows of a table (V, G) that their ids name, in the order of the ids."""
    for k in range(rows):
        target = table + G * ids[k]
        for gate in range(gates):
            for v in range(vectors_in(gates)):
                u = LANES * v
                if u < units:
                    place, d = target + (H * gate + u), load(block + (PANEL * k + units * gate + u))
                    store_first(place, load_first(place, units - u) + d, units - u)


@inline
def _weight_panel(a, early, late, task, sums):
    """The columns of one panel in dWx, dWh and db: (x | h)^T dA over all rows, K_BLOCK of them at a time.

    h is zero in the rows before ``h_from``, which are left out. With a table the inputs were ids, and D is 0: rows of
    dA are added by id.
    """
    D, H, G, NT = a.D, a.H, (early + late) * a.H, a.N * a.T
    gates, first, panel = part_of(early, late, H, task)
    units = units_of(panel, gates, H)
    width, column, row = width_of(gates, units), H * first + first_unit(panel, gates), D + H
    step, left = width * LANES, a.late_time if first else a.xh_time
    sums_h, sums_b = sums + step * D, sums + step * row
    clear(sums, (row + 1) * width)
    if a.dtable:
        _copy_gates(a.dtable + column, G, sums_b, a.V, 0, gates, H, units)
    k = 0
    while k < NT:
        K = min(K_BLOCK, (a.h_from if k < a.h_from else NT) - k)
        block = a.dA + PANEL * (NT * task + k)
        if a.dtable:
            _add_by_id(a.dtable + column, a.ids + k, block, K, gates, H, G, units)
        elif a.db:
            add_rows(sums_b, block, K, width, PANEL)
        rows = row if k >= a.h_from else D
        if rows:
            tiles(width, rows, sums, step, left + row * k, 1, row, block, PANEL, K)
        k += K
    _copy_gates(a.dWx + column, G, sums, D, step, gates, H, units)
    _copy_gates(a.dWh + column, G, sums_h, H, step, gates, H, units)
    if a.db:
        _copy_gates(a.db + column, 0, sums_b, 1, 0, gates, H, units)


@inline
def _input_rows(a, early, late, start, stop, local):
    """Rows start to stop (time-major) of dxs = dA Wx^T."""
    D, H, N, T = a.D, a.H, a.N, a.T
    G = (early + late) * H
    for q in range(ceil_div(D, PANEL)):
        columns = min(PANEL, D - PANEL * q)
        width = ceil_div(columns, LANES)
        step, W = width * LANES, a.packed + PANEL * G * (ceil_div(H, PANEL) + q)
        for block in range(start, stop, X_BLOCK):
            rows = min(X_BLOCK, stop - block)
            clear(local, rows * width)
            for k in range(panels_in_all(early, late, H)):
                gates, first, panel = part_of(early, late, H, k)
                A, B = a.dA + PANEL * (N * T * k + block), W + step * (H * first + PANEL * panel)
                tiles(width, rows, local, step, A, PANEL, 1, B, step, gates * units_of(panel, gates, H))
            for r in range(rows):
                t, n = divmod(block + r, N)
                copy_block(a.dxs + (D * (T * n + t) + PANEL * q), D, local + step * r, 1, width, columns)


@inline
def gradients(worker, task, a, early, late):
    """One panel of columns of the gradients of the weights, or one group of rows of dxs."""
    local, panels = a.local + a.local_size * worker, panels_in_all(early, late, a.H)
    if task < panels:
        _weight_panel(a, early, late, task, local)
    else:
        rows = a.N * a.T
        group = ceil_div(rows, a.x_tasks)
        start = group * (task - panels)
        _input_rows(a, early, late, start, min(rows, start + group), local)
