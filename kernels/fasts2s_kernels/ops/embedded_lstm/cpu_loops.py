"""Compiled loops of inference: a whole source is read in one call; what choosing answers shares with it.

A group of rows goes through all steps before the next one begins, so its states never leave the caches; nothing is
kept for a backward pass.
"""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.arrays import padded
from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, copy_row, load_first, store_first
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import offset
from fasts2s_kernels.cpu.record import C1, C2, Bools2, Ids1, Ids2, Out1, Out2, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import load, store
from fasts2s_kernels.ops.lstm.cpu_loops import lstm_step, pass_through
from fasts2s_kernels.ops.recurrent.cpu_forward import pack_weights, step_floats
from fasts2s_kernels.ops.recurrent.cpu_panels import vectors_of

_ZERO = np.float32(0)
#: Rows that go through all steps together.
GROUP = 96


@record
class Encode(NamedTuple):
    """Read sources. Inputs are rows of W, or of a table where D is 0; row n begins with h0[which[n]], or h0[n]."""

    N: Int
    T: Int
    D: Int
    H: Int
    group: Int  # rows of a task
    W: C2  # (V, D)
    table: C2  # (V, 4H) or empty
    ids: Ids2  # (N, T)
    mask: Bools2  # (N, T) or empty
    Wx: C2  # (D, 4H)
    Wh: C2  # (H, 4H)
    b: C1  # (4H,) or empty
    h0: C2  # (U, H) or empty: zero
    c0: C2  # (U, H) or empty
    which: Ids1  # (N,) or empty
    row_bias: C2  # (N, 4H) or empty
    out: Out2  # (N, H): the last h
    c_out: Out2  # (N, H): the last c, or empty
    packed: Out1
    local: Out2  # (workers, local_floats)
    local_size: Int


def local_floats(group: int, D: int, H: int, more: int) -> int:
    """Return how many floats of memory of its own a worker needs, see :func:`memory_of`."""
    return PANEL + group * 2 * (D + H + padded(H)) + more + step_floats(4, H, group > 1) + 4 * LANES


@inline
def memory_of(a, worker, more):
    """Return places of gates, two c, two x | h, ``more`` floats, and room for a time step in a worker's memory.

    The gates are of one row and panel: nobody reads them.
    """
    local = a.local + a.local_size * worker
    cells, states = LANES * ceil_div(a.H, LANES) * a.group, a.group * (a.D + a.H)
    c = local + PANEL
    xh = c + 2 * cells
    rest = xh + 2 * states
    return local, c, c + cells, xh, xh + states, rest, rest + more


@inline
def start_rows(a, first, rows, xh, c, which):
    """Copy the initial states of the rows from ``first`` on to the group; without one it is zero.

    ``which`` has the numbers of the states that rows begin with, or is nothing: each with its own.
    """
    D, H = a.D, a.H
    for r in range(rows):
        state = which[first + r] if which else first + r
        for k in range(0, H, LANES):
            place = H * state + k
            target, cell = xh + ((D + H) * r + D + k), c + LANES * (a.group * (k // LANES) + r)
            store_first(target, load_first(a.h0 + place, H - k) if a.h0 else splat(_ZERO), H - k)
            store(cell, load_first(a.c0 + place, H - k) if a.c0 else splat(_ZERO))


@kernel
def encode_pack(worker: Int, task: Int, a: Encode) -> None:
    """Pack the weights of one panel of units."""
    pack_weights(task, a, 4, 0)


@kernel
def encode_rows(worker: Int, task: Int, a: Encode) -> None:
    """Read the sources of one group of rows; the last h and c are the result."""
    T, D, H, group = a.T, a.D, a.H, a.group
    gates, c, c_next, xh, xh_next, _, s = memory_of(a, worker, 0)
    first, row, panel = task * group, D + H, LANES * group
    rows, extra = min(group, a.N - first), offset(a.row_bias, 4 * H * first)
    start_rows(a, first, rows, xh, c, a.which)
    for t in range(T):
        here = a.ids + (T * first + t)
        for r in range(rows):
            copy_row(xh + row * r, a.W + D * here[T * r], D)
        columns = (0, D if t == 0 and T > 1 and not a.h0 else row)  # as in forward
        lstm_step(
            a, (0, vectors_of(H)), 0, rows, columns, extra, here, T, xh, xh_next, (c, c_next, panel, gates, 0, 0), s
        )
        for r in range(rows):
            if a.mask and not a.mask[T * (first + r) + t]:
                copy_row(xh_next + (row * r + D), xh + (row * r + D), H)
                pass_through(r, (0, vectors_of(H)), c, c_next, panel)
        xh, xh_next, c, c_next = xh_next, xh, c_next, c
    for r in range(rows):
        copy_row(a.out + H * (first + r), xh + (row * r + D), H)
        for k in range(0, H if a.c_out else 0, LANES):
            cell = load(c + (panel * (k // LANES) + LANES * r))
            store_first(a.c_out + (H * (first + r) + k), cell, H - k)


ENCODE = Launch(Encode, encode_pack, encode_rows)
