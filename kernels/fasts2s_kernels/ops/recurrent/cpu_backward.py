"""Compiled loops of recurrent layers, backward: three phases in one parallel region.

First the weights are packed transposed; then every group of rows goes back through time, which gives the gradients
of all pre-activations, dA; then each gradient of a weight is one product over all rows and steps. Its columns are
divided among tasks, so no two tasks add to one number and nothing depends on the number of threads.

dA is stored twice: by panels for the products at the end, and, of the last two steps, in rows of G (one panel after
another) for the product that brings the gradient of h.
"""

import numpy as np

from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, clear, load_first, pack, store_first, tiles_from
from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import LINE, load, prefetch, store
from fasts2s_kernels.ops.recurrent.cpu_panels import (
    first_unit,
    is_padding,
    panels_in_all,
    panels_of,
    part_of,
    share,
    units_of,
    vectors_in,
)

_ZERO = np.float32(0)
#: Floats of memory of its own a worker needs for the rows: products, and a row of zeros.
ROW_FLOATS = PANEL * (BLOCK + 1)


def gradient_row(G: int) -> int:
    """Return the distance of rows of dA_rows, in floats: a whole vector is stored where the last units are."""
    return G + LANES


@inline
def carry_at(a, n, j):
    """Return the place of the carry of one row and vector of units."""
    return a.carry + LANES * (ceil_div(a.H, LANES) * n + j)


@inline
def dc_at(a, n, j):
    """Return the place of the gradient of c of one row and vector of units."""
    return a.dc + LANES * (a.N * j + n)


@inline
def _begin(a, start, stop):
    """Put the gradients of the last c of the rows start to stop where the last step reads them."""
    if a.dc:
        for n in range(start, stop):
            for j in range(ceil_div(a.H, LANES)):
                u = LANES * j
                store(dc_at(a, n, j), load_first(a.dc_last + (a.H * n + u), a.H - u) if a.dc_last else splat(_ZERO))


@inline
def pack_transposed(task, a, early, late):
    """Pack PANEL rows of Wh, after these of Wx, as the columns of a panel of G rows, in the order of dA.

    Where units are divided, the first begins all rows.
    """
    if a.parts and task == 0:
        _begin(a, 0, a.N)
    H, G, h_panels = a.H, (early + late) * a.H, ceil_div(a.H, PANEL)
    if task < h_panels:
        W, size, start = a.Wh, H, PANEL * task
    else:
        W, size, start = a.Wx, a.D, PANEL * (task - h_panels)
    columns = min(PANEL, size - start)
    width = ceil_div(columns, LANES)
    target = a.packed + PANEL * G * task
    for k in range(panels_in_all(early, late, H)):
        gates, first, panel = part_of(early, late, H, k)
        u, units = first_unit(panel, gates), units_of(panel, gates, H)
        for gate in range(gates):
            place = target + LANES * width * (H * first + gates * u + units * gate)
            pack(place, width, W + (G * start + H * (first + gate) + u), 1, G, units, columns)


@inline
def arriving(a, n, t, j, product):
    """Return the gradient of one vector of h: what comes from outside, what was carried, and a product.

    ``product`` is the place of dA Wh^T of the step after it. After padding it is left out, not added as zero: zero
    times an infinite weight is NaN.
    """
    d, H, T, k = splat(_ZERO), a.H, a.T, LANES * j
    if a.dhs and t >= 0:
        d = load_first(a.dhs + (a.d_n * n + a.d_t * t + k), H - k)
    if a.dh_last and t == T - 1:
        d = d + load_first(a.dh_last + (H * n + k), H - k)
    if a.carry and t < T - 1:
        d = d + load(carry_at(a, n, j))
    if t < T - 1 and not is_padding(a, n, t + 1):
        d = d + load(product)
    return d


@inline
def _ask_for(a, start, stop, t, k):
    """Ask for PANEL columns of dhs from k on: every row is elsewhere, and they come while a product is made."""
    for n in range(start, stop):
        for line in range(0, PANEL, LINE):
            prefetch(a.dhs + (a.d_n * n + a.d_t * t + k + line))


@inline
def put(a, gates, first, gate, n, t, j, d):
    """Store the gradients of one gate of a part: of row n, step t, and the j-th vector of units.

    Where gates are a vector wide they are stored whole, and in order: behind one there is room for the next.
    """
    vectors = vectors_in(gates)
    panel, v = j // vectors, LANES * (j % vectors)
    units = units_of(panel, gates, a.H)
    here, count = a.N * (a.T * (panels_of(first, a.H) + panel) + t) + n, LANES if vectors == 1 else units - v
    by_row = a.dA_row * (a.N * (t & 1) + n) + a.H * first + PANEL * panel
    store_first(a.dA + (PANEL * here + units * gate + v), d, count)
    store_first(a.dA_rows + (by_row + units * gate + v), d, count)


@inline
def passes(a, early, late, n, t, j, d):
    """Return whether the gradient d of h goes on as it is: to the initial state, or through padding.

    ``early`` and ``late`` are the gates of the two parts.
    """
    if t < 0:
        here, left = a.H * n + LANES * j, a.H - LANES * j
        store_first(a.dh + here, d, left)
        if a.dc:
            store_first(a.dc0 + here, load(dc_at(a, n, j)), left)
        return True
    if is_padding(a, n, t):
        for gate in range(early):
            put(a, early, 0, gate, n, t, j, splat(_ZERO))
        for gate in range(late):
            put(a, late, early, gate, n, t, j, splat(_ZERO))
        store(carry_at(a, n, j), d)
        return True
    if a.carry and late == 0:
        store(carry_at(a, n, j), splat(_ZERO))
    return False


@inline
def with_products(a, panels, start, stop, t, s, step, G, first, gates, row):
    """Call ``row(a, n, t, j, product)`` for every row and vector of units; the place of products is in s.

    ``panels`` is a range of those that Wh has, transposed: of PANEL units each.

    They are those of the gradients of another step with Wh^T, in a part: ``gates`` from the ``first`` on. After the
    last step there are none.
    """
    H, zeros = a.H, s + PANEL * BLOCK
    A = a.dA_rows + (a.dA_row * a.N * (step & 1) + H * first)
    for q in range(panels[0], panels[1]):
        width = ceil_div(min(PANEL, H - PANEL * q), LANES)
        W, row_of_W = a.packed + (PANEL * G * q + width * LANES * H * first), width * LANES
        for block in range(start, stop, BLOCK):
            rows, here = min(BLOCK, stop - block), A + a.dA_row * block
            if a.dhs and t >= 0:
                _ask_for(a, block, block + rows, t, PANEL * q)
            if step < a.T:
                tiles_from(width, rows, s, row_of_W, zeros, 0, here, a.dA_row, 1, W, row_of_W, gates * H)
            for v in range(width):
                for n in range(block, block + rows):
                    row(a, n, t, PANEL // LANES * q + v, s + LANES * (width * (n - block) + v))


@inline
def _sums_over_time(a, early, late, start, stop):
    """The gradients of the biases of the rows start to stop."""
    H, G = a.H, (early + late) * a.H
    for k in range(panels_in_all(early, late, H)):
        gates, first, panel = part_of(early, late, H, k)
        u, units = first_unit(panel, gates), units_of(panel, gates, H)
        for n in range(start, stop):
            for gate in range(gates):
                for v in range(0, units, LANES):
                    here, total = a.dA + (PANEL * (a.N * a.T * k + n) + units * gate + v), splat(_ZERO)
                    for t in range(a.T):
                        total = total + load(here + PANEL * a.N * t)
                    store_first(a.drow_bias + (G * n + H * (first + gate) + u + v), total, units - v)


@inline
def _scratch(a, worker):
    """Return a worker's memory, with its row of zeros behind the products."""
    s = a.scratch + ROW_FLOATS * worker
    clear(s + PANEL * BLOCK, PANEL // LANES)
    return s


@inline
def backward_rows(worker, task, a, early, late, row, after):
    """Go back through all time steps of one group of rows; t = -1 is the initial state.

    ``row`` is called as by :func:`with_products`, with those of the early part. Then
    ``after(a, start, stop, t, s)`` may do what else a step needs.
    """
    T, start, stop, panels = a.T, task * a.group, min(a.N, (task + 1) * a.group), (0, ceil_div(a.H, PANEL))
    s = _scratch(a, worker)
    _begin(a, start, stop)
    for back in range(T + 1):
        t = T - 1 - back
        # What is written at this step must not overwrite what its products read: there are two of dA_rows.
        with_products(a, panels, start, stop, t, s, t + 1, (early + late) * a.H, 0, early, row)
        if t >= 0:
            after(a, start, stop, t, s)
    if a.drow_bias:
        _sums_over_time(a, early, late, start, stop)


@inline
def backward_units(worker, task, a, gates, row):
    """Go back one step in all rows, in a part of the units; ``row`` as for :func:`backward_rows`.

    After the step to the initial state a part has the sums over time of its share of the rows.
    """
    t, part = a.T - 1 - task // a.parts, task % a.parts
    begin, end = share(part, a.parts, ceil_div(a.H, PANEL))
    with_products(a, (begin, end), 0, a.group, t, _scratch(a, worker), t + 1, gates * a.H, 0, gates, row)
    if t < 0 and a.drow_bias:
        start, stop = share(part, a.parts, a.N)
        _sums_over_time(a, gates, 0, start, stop)


@inline
def nothing_more(a, start, stop, t, s):
    """Do nothing after the rows of a step."""
