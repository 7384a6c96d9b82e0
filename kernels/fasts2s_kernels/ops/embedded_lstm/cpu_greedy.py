"""Compiled loops that choose whole answers, in one call: the best id of every step is the next input."""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.arrays import padded
from fasts2s_kernels.cpu.gemm import PANEL, ceil_div, copy_row, load_first, pack, tiles
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import nothing, offset
from fasts2s_kernels.cpu.record import C1, C2, Bools2, Ids1, Out1, Out2, OutIds2, Rows3, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import store
from fasts2s_kernels.ops.attention.cpu_query import attend
from fasts2s_kernels.ops.embedded_lstm.cpu_loops import memory_of, start_rows
from fasts2s_kernels.ops.lstm.cpu_loops import lstm_step
from fasts2s_kernels.ops.recurrent.cpu_forward import pack_weights
from fasts2s_kernels.ops.recurrent.cpu_panels import vectors_of

_ZERO = np.float32(0)


@record
class Greedy(NamedTuple):
    """Choose answers. Inputs are rows of W, or rows of a table where D is 0."""

    N: Int
    T: Int
    D: Int
    H: Int
    V: Int
    group: Int  # rows of a task
    W: C2  # (V, D)
    table: C2  # (V, 4H) or empty
    ids: Ids1  # (N,): what answers begin after
    Wx: C2  # (D, 4H)
    Wh: C2  # (H, 4H)
    b: C1  # (4H,) or empty
    K: Int  # rows of W_out: H, with attention 2H
    W_out: C2  # (K, V)
    b_out: C1  # (V,) or empty
    h0: C2  # (N, H)
    c0: C2  # (N, H) or empty: zero
    row_bias: C2  # (N, 4H) or empty
    score_bias: C2  # (N, V) or empty
    out: OutIds2  # (N, T): the best ids, -1 where the best score is not finite
    tops: Out2  # (N, T): their scores
    packed: Out1
    packed_out: Out1
    local: Out2  # (workers, local_size)
    local_size: Int  # local_floats(..., room)
    room: Int  # see room_floats
    S: Int = 0  # steps of the encoder
    enc: Rows3 = arr.NONE3  # (N, S, H) or empty: no attention
    enc_n: Int = 0  # its strides, in elements
    enc_s: Int = 0
    mask: Bools2 = arr.NO_BOOLS  # (N, S) or empty


def room_floats(group: int, H: int, V: int, S: int) -> int:
    """Return how many floats the scores take; with attention also the contexts, and the weights of a row."""
    return group * (padded(V) + (padded(H) if S else 0)) + padded(S)


@inline
def _best(scores, V):
    """Return the place of the largest number, of the first NaN if there is one, and that number."""
    best, top = 0, scores[0]
    for k in range(1, V):
        score = scores[k]
        if score > top or (score != score and top == top):  # noqa: PLR0124 - NaN alone differs from itself
            best, top = k, score
    return best, top


@inline
def _contexts(a, rows, first, h, contexts, weights):
    """What each row of a group attends to; rows of contexts are whole vectors."""
    HP = ceil_div(a.H, LANES) * LANES
    for r in range(rows):
        enc, mask = a.enc + a.enc_n * (first + r), offset(a.mask, a.S * (first + r))
        attend(contexts + HP * r, h + (a.D + a.H) * r, enc, a.enc_s, mask, a.S, a.H, weights)


@inline
def _scores(a, rows, first, h, contexts, scores):
    """Scores of a group: ``(context, h) W_out + biases``, with W_out in panels; without attention no context."""
    H, V, HP = a.H, a.V, ceil_div(a.H, LANES) * LANES
    VP = ceil_div(V, LANES) * LANES
    for q in range(ceil_div(V, PANEL)):
        v = PANEL * q
        width = ceil_div(min(PANEL, V - v), LANES)
        for r in range(rows):
            for k in range(v, min(v + PANEL, V), LANES):
                score = load_first(a.b_out + k, V - k) if a.b_out else splat(_ZERO)
                if a.score_bias:
                    score = score + load_first(a.score_bias + (V * (first + r) + k), V - k)
                store(scores + (VP * r + k), score)
        panel, row = a.packed_out + PANEL * a.K * q, width * LANES
        if a.enc:
            tiles(width, rows, scores + v, VP, contexts, HP, 1, panel, row, H)
        tiles(width, rows, scores + v, VP, h, a.D + H, 1, panel + row * (a.K - H), row, H)


@kernel
def greedy_pack(worker: Int, task: Int, a: Greedy) -> None:
    """Pack the weights of one panel of units."""
    pack_weights(task, a, 4, 0)


@kernel
def greedy_rows(worker: Int, task: Int, a: Greedy) -> None:
    """Choose the whole answers of one group of rows."""
    T, D, H, V, group = a.T, a.D, a.H, a.V, a.group
    gates, c, c_next, xh, xh_next, scores, s = memory_of(a, worker, a.room)
    first, row, panel = task * group, D + H, LANES * group
    rows, VP = min(group, a.N - first), ceil_div(V, LANES) * LANES
    contexts, extra = scores + VP * group, offset(a.row_bias, 4 * H * first)
    start_rows(a, first, rows, xh, c, nothing(a.ids))
    for t in range(T):
        last, step = (a.out + (T * first + t - 1), T) if t > 0 else (a.ids + first, 1)
        for r in range(rows):
            copy_row(xh + row * r, a.W + D * last[step * r], D)
        state = (c, c_next, panel, gates, 0, 0)
        lstm_step(a, (0, vectors_of(H)), 0, rows, (0, row), extra, last, step, xh, xh_next, state, s)
        xh, xh_next, c, c_next = xh_next, xh, c_next, c
        if a.enc:
            _contexts(a, rows, first, xh + D, contexts, contexts + LANES * vectors_of(H) * group)
        _scores(a, rows, first, xh + D, contexts, scores)
        for r in range(rows):
            best, top = _best(scores + VP * r, V)
            a.out[T * (first + r) + t] = best
            a.tops[T * (first + r) + t] = top
    for k in range(T * first, T * (first + rows)):
        if a.tops[k] - a.tops[k] != _ZERO:
            a.out[k] = -1  # only now, for every id is an input too


@kernel
def pack_scores(worker: Int, task: Int, a: Greedy) -> None:
    """Pack one panel of the output weights."""
    first = PANEL * task
    columns = min(PANEL, a.V - first)
    pack(a.packed_out + a.K * first, ceil_div(columns, LANES), a.W_out + first, a.V, 1, a.K, columns)


GREEDY = Launch(Greedy, greedy_pack, pack_scores, greedy_rows)
