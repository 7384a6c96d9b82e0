"""Compiled loops that draw a text: every step is turns of tasks, one for each LSTM, the scores, and the draw.

One word after the other, so there is a single row, and what takes the time is reading the weights: they are read
where they are. In a turn the tasks are parts of the units, or of the words: each core reads its part of the weights.
States are kept twice, those before the step and those after it; where h is read, nobody writes.
"""

from typing import NamedTuple

from fasts2s_kernels.cpu.gemm import copy_row, store_first
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import floats_at, nothing, offset
from fasts2s_kernels.cpu.record import C1, C2, Bools2, Doubles1, Ids2, Out2, OutIds2, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.ops.affine.cpu_loops import TURNED, columns_of, lone_row, lone_row_turned
from fasts2s_kernels.ops.decoding.cpu_loops import draw
from fasts2s_kernels.ops.lstm.cpu_loops import lstm_cell
from fasts2s_kernels.ops.recurrent.cpu_forward import lone_product, step_floats
from fasts2s_kernels.ops.recurrent.cpu_panels import share, vectors_of

#: Columns of the table of LSTMs: sizes, addresses, and where its states begin, with whole vectors and side by side.
INPUTS, UNITS, WX, WH, B, PLACE, FLAT = range(7)
COLUMNS = 7
#: Columns of ``now``: the word that is followed, whether the text has ended, the steps that were made.
WORD, HAS_ENDED, MADE = range(3)


@record
class Text(NamedTuple):
    """What a call works on."""

    L: Int  # LSTMs
    V: Int
    D: Int
    M: Int  # rows of W_out: units of the last LSTM
    K: Int  # units of all LSTMs
    parts: Int  # tasks of a turn
    table: Ids2  # (L, COLUMNS) or empty
    W: C2  # (V, D)
    W_out: C2  # (M, V), or (V, M) where turned
    turned: Int
    b_out: C1  # (V,) or empty
    h0: C1  # (K,)
    c0: C1  # (K,)
    uniforms: Doubles1  # (T,)
    banned: Bools2  # (1, V) or empty
    stop: Int
    hs: Out2  # (2, size): before and after a step, in turns; an LSTM's begin at a whole vector
    cs: Out2  # (2, size)
    size: Int
    scores: Out2  # (1, V in whole vectors)
    exponentials: Out2  # (1, V in whole vectors)
    now: OutIds2  # (1, 3)
    ids: OutIds2  # (1, T): -2 where no step was made
    h: Out2  # (2, K): before the last step, and after it
    c: Out2  # (2, K)
    local: Out2  # (workers, local_size)
    local_size: Int  # see local_floats


def local_floats(H: int) -> int:
    """Return how many floats of memory of its own a worker needs, for up to H units."""
    return 4 * LANES + max(step_floats(4, H, False), TURNED)


@inline
def _input(a, t, layer):
    """Return the place of what a layer reads in step t: the vector of the word, or the new h of the layer below."""
    if layer == 0:
        return a.W + a.D * a.now[WORD]
    return a.hs + (a.size * ((t + 1) % 2) + a.table[COLUMNS * (layer - 1) + PLACE])


@inline
def _pre_activations(s, here, first, units, room, x, h):
    """Pre-activations of some units of an LSTM; its gates are ``room`` floats apart, or H where it is all units."""
    D, H = here[INPUTS], here[UNITS]
    G = 4 * H
    Wx, Wh, b = floats_at(here[WX], D * G), floats_at(here[WH], H * G), floats_at(here[B], G)
    if units == H:
        lone_product(s, G, D, H, G, 0, D + H, Wx, Wh, b, nothing(b), x, h)
        return
    for gate in range(4):
        n = H * gate + first
        lone_product(s + room * gate, units, D, H, G, 0, D + H, Wx + n, Wh + n, b + n, nothing(b), x, h)


@inline
def _layer(a, t, layer, part, gates):
    """The new h and c of a part of the units of an LSTM."""
    here, s = a.table + COLUMNS * layer, gates + 4 * LANES
    H, now, later = here[UNITS], a.size * (t % 2) + here[PLACE], a.size * ((t + 1) % 2) + here[PLACE]
    begin, end = share(part, a.parts, vectors_of(H))
    first, room = LANES * begin, LANES * (end - begin)
    units = min(H, LANES * end) - first
    if begin < end:
        _pre_activations(s, here, first, units, room, _input(a, t, layer), a.hs + now)
    for j in range(begin, end):
        state = (a.cs + now, a.cs + later, LANES, gates, 0, 0)
        new = lstm_cell(a, s + LANES * (j - begin), H if units == H else room, 0, j, state)
        store_first(a.hs + (later + LANES * j), new, H - LANES * j)


@inline
def _scores(a, t, part, block):
    """The scores of a part of the words."""
    first, count = columns_of(part, a.parts, a.V)
    x, out, bias = _input(a, t, a.L), a.scores + first, offset(a.b_out, first)
    if a.turned:
        lone_row_turned(out, x, a.W_out + a.M * first, bias, count, a.M, block)
    else:
        lone_row(out, x, a.W_out + first, a.V, bias, count, a.M)


@inline
def _may_follow(a):
    """Whether a word that is not banned has a probability above 0."""
    k = 0
    while k < a.V and (a.banned[k] or a.exponentials[k] == 0):
        k += 1
    return k < a.V


@inline
def _draw(a, t):
    """Draw a word; it is the next one unless it is banned."""
    drawn = draw(a.scores, a.V, a.uniforms[t], a.exponentials, a.scores)
    a.ids[t] = drawn
    a.now[MADE] = t + 1
    if drawn >= 0 and a.banned and a.banned[drawn]:
        a.now[HAS_ENDED] = 0 if _may_follow(a) else 1
        return
    a.now[WORD] = drawn
    a.now[HAS_ENDED] = 1 if drawn < 0 or drawn == a.stop else 0


@kernel
def text_begin(worker: Int, task: Int, a: Text) -> None:
    """Put the states of one LSTM where the first step reads them."""
    here = a.table + COLUMNS * task
    copy_row(a.hs + here[PLACE], a.h0 + here[FLAT], here[UNITS])
    copy_row(a.cs + here[PLACE], a.c0 + here[FLAT], here[UNITS])


@kernel
def text_turn(worker: Int, task: Int, a: Text) -> None:
    """One part of one turn: of an LSTM, of the scores, or the draw, which one task makes."""
    turn, part = task // a.parts, task % a.parts
    t, layer = turn // (a.L + 2), turn % (a.L + 2)
    local = a.local + a.local_size * worker
    if a.now[HAS_ENDED] == 0:
        if layer < a.L:
            _layer(a, t, layer, part, local)
        elif layer == a.L:
            _scores(a, t, part, local)
        elif part == 0:
            _draw(a, t)


@kernel
def text_end(worker: Int, task: Int, a: Text) -> None:
    """Put the states of one LSTM before the last step, and after it, where the caller gets them."""
    here = a.table + COLUMNS * task
    for k in range(2):
        source = a.size * ((a.now[MADE] + 1 + k) % 2) + here[PLACE]
        copy_row(a.h + (a.K * k + here[FLAT]), a.hs + source, here[UNITS])
        copy_row(a.c + (a.K * k + here[FLAT]), a.cs + source, here[UNITS])


TEXT = Launch(Text, text_begin, text_turn, text_end)
