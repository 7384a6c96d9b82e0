"""Compiled loops of the GRU, backward: three phases in one parallel region, as those of the LSTM.

First the weights are packed transposed; then every group of rows goes back through time, which gives the gradients of
all pre-activations, dA (T, N, 3H); then each gradient of a weight is one product over all rows and steps.

A step back is two passes over the units: dz and dn, which need the whole gradient of h; then dr, which needs the
gradient of r h, ``dn Wh_n^T``. What reaches the h before is in part a product (``dz, dr`` with Wh, made at the step
before) and in part not: ``carry`` holds the second part.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import BLOCK, PANEL, ceil_div, clear, load_first, store_first, tiles
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, splat
from fasts2s_kernels.cpu.vector_memory import load, load_bool, store
from fasts2s_kernels.ops.recurrent.cpu import (
    arriving,
    pack_transposed,
    product_place,
    weight_gradients,
    weight_panels,
)

_tiles, _launch = tiles.external, launch.external
_ZERO, _ONE = np.float32(0), np.float32(1)


@inline
def _update_cell(d, gates, h, dA, carry, H, k):
    """Store dz and dn of one vector of units, and what of the gradient d of h passes by the candidate."""
    z, new = load_first(gates, H - k), load_first(gates + FLOAT * 2 * H, H - k)
    one = splat(_ONE)
    store_first(dA, d * (new - load_first(h, H - k)) * (z * (one - z)), H - k)
    store_first(dA + FLOAT * 2 * H, d * z * (one - new * new), H - k)
    store(carry, d * (one - z))


@inline
def _reset_cell(drh, gates, h, dA, carry, H, k):
    """Store dr of one vector of units, and add the part of the gradient of h that goes through r h."""
    r = load_first(gates + FLOAT * H, H - k)
    store_first(dA + FLOAT * H, drh * load_first(h, H - k) * (r * (splat(_ONE) - r)), H - k)
    store(carry, load(carry) + r * drh)


@inline
def _updates(t, start, stop, N, T, H, packed, dA, dhs, d_n, d_t, mask, h_time, gates, carry, dh, s):
    """dz and dn of step t; at t = -1 the gradient of the initial state, dh. ``dA`` to ``gates`` are whole arrays."""
    G, HV = 3 * H, VECTOR * ceil_div(H, LANES)
    for q in range(ceil_div(H, PANEL)):
        u = PANEL * q
        width = ceil_div(min(PANEL, H - u), LANES)
        step = width * LANES
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            if t < T - 1:
                clear(s, rows * width)
                A, W = dA + FLOAT * G * (N * (t + 1) + first), packed + FLOAT * PANEL * G * q
                _tiles(width, rows, s, step, A, G, 1, W, step, 2 * H)
            for r in range(rows):
                n, row = first + r, N * t + first + r
                product = product_place(s + VECTOR * width * r, n, t, T, mask)
                for v in range(width):
                    k = u + LANES * v
                    target, kept = dA + FLOAT * (G * row + k), carry + HV * n + FLOAT * k
                    out = dhs + FLOAT * (d_n * n + d_t * t + k) if dhs and t >= 0 else 0
                    d = arriving(kept, product + VECTOR * v if product else 0, out, H - k)
                    if t < 0:
                        store_first(dh + FLOAT * (H * n + k), d, H - k)
                        continue
                    if mask and not load_bool(mask + T * n + t):
                        for gate in range(3):
                            store_first(target + FLOAT * H * gate, splat(_ZERO), H - k)
                        store(kept, d)
                        continue
                    here = h_time + FLOAT * (H * row + k)
                    _update_cell(d, gates + FLOAT * (G * row + k), here, target, kept, H, k)


@inline
def _resets(t, start, stop, N, T, H, packed, dA, mask, h_time, gates, carry, s):
    """The dr of step t, from its dn."""
    G, HV = 3 * H, VECTOR * ceil_div(H, LANES)
    for q in range(ceil_div(H, PANEL)):
        u = PANEL * q
        width = ceil_div(min(PANEL, H - u), LANES)
        step = width * LANES
        for first in range(start, stop, BLOCK):
            rows = min(BLOCK, stop - first)
            clear(s, rows * width)
            A, W = dA + FLOAT * (G * (N * t + first) + 2 * H), packed + FLOAT * (PANEL * G * q + step * 2 * H)
            _tiles(width, rows, s, step, A, G, 1, W, step, H)
            for r in range(rows):
                n = first + r
                if mask and not load_bool(mask + T * n + t):
                    continue
                for v in range(width):
                    k, row = u + LANES * v, N * t + n
                    gate, target = gates + FLOAT * (G * row + k), dA + FLOAT * (G * row + k)
                    kept, here = carry + HV * n + FLOAT * k, h_time + FLOAT * (H * row + k)
                    _reset_cell(load(s + VECTOR * (width * r + v)), gate, here, target, kept, H, k)


@kernel(needs=(tiles,))
def gru_rows_backward(worker, task, args):
    """Go back through all time steps of one group of rows; t = -1 is the initial state."""
    (
        _, H, _, _, _, packed, N, T, group, dA, _, h_time, _, _, _, _, _, _, _, _, _, scratch,
        dhs, d_n, d_t, mask, gates, carry, dh,
    ) = unpack_args(args, 29)  # fmt: skip
    start, stop = task * group, min(N, (task + 1) * group)
    s = scratch + FLOAT * PANEL * BLOCK * worker
    for back in range(T + 1):
        t = T - 1 - back
        _updates(t, start, stop, N, T, H, packed, dA, dhs, d_n, d_t, mask, h_time, gates, carry, dh, s)
        if t >= 0:
            _resets(t, start, stop, N, T, H, packed, dA, mask, h_time, gates, carry, s)


@entry(
    types.void(
        arr.int_, arr.rows3, arr.c2, arr.c2, arr.bools2, arr.c3, arr.c3, arr.c3, arr.c3, arr.int_, arr.int_,
        arr.out3, arr.out2, arr.out2, arr.out2, arr.out2, arr.out1, arr.out3, arr.out1, arr.out1, arr.out2,
    ),
    needs=(pack_transposed, gru_rows_backward, weight_gradients, launch),
)  # fmt: skip
def backward(
    team, dhs, Wx, Wh, mask, x_time, h_time, rh_time, gates, group, x_tasks,
    dA, carry, dh, dWx, dWh, db, dxs, packed, scratch, local,
):  # fmt: skip
    """Fill dA (T, N, 3H), dh (N, H), the gradients of the weights and dxs (N, T, D).

    carry (N, H in whole vectors) comes with the gradient of the last h and is used up. ``x_tasks`` is the number of
    tasks for dxs, ``local`` (workers, .) their memory.
    """
    T, N, D = x_time.shape
    H, G = Wh.shape
    args = pack_args((
        D, H, G, address(Wx), address(Wh), address(packed), N, T, group, address(dA), address(x_time),
        address(h_time), address(dWx), address(dWh), address(db), address(dxs), x_tasks, address(local),
        local.shape[1], 2 * H, address(rh_time), address(scratch),
        address(dhs), dhs.strides[0] // FLOAT, dhs.strides[1] // FLOAT, address(mask), address(gates),
        address(carry), address(dh),
    ))  # fmt: skip
    _launch(
        team, kernel_address("pack_transposed"), ceil_div(H, PANEL) + ceil_div(D, PANEL),
        kernel_address("gru_rows_backward"), ceil_div(N, group),
        kernel_address("weight_gradients"), weight_panels(2 * H, G) + x_tasks, args,
    )  # fmt: skip
