"""When which trick pays, for an embedding and the LSTM on it: decided here, and nowhere else.

A table. ``x_t Wx + b`` has no more than V different values. Where that is far fewer than the ids of a batch, they are
computed once, and the LSTM reads rows of them.

Shared beginnings. Until two sources differ, an LSTM that starts from zero is in the same state for both: it need not
compute it twice. Dates read backwards begin with padding and the digits of a year; 128 of them have 2 different
beginnings of two characters and 54 of sixteen. A batch is read in phases, each with one row for every different
beginning; the rows of the next phase go on from those.
"""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.arrays import Array

#: Ids of a batch for every word of the vocabulary from which on a table pays. Not measured: with fewer, half of the
#: table would not be read, and what is saved is less than what the gathering of rows costs.
_USES_OF_A_WORD = 2
#: Steps that an answer is expected to have, at least.
STEPS = 8
#: What a phase costs beside its arithmetic (calls, packing of weights, copies, sums of gradients), in multiply-adds
#: of a training step: 0.45 ms of two cores of a Zen 4, measured on 2026-11-24 by training steps with one phase more
#: or less. Half or twice as much makes no difference there.
_PHASE_COST = 40e6
#: Steps of shared beginnings, in those of every row for itself, from which on nothing is shared: what may be won is
#: less than what an estimate may be wrong by.
_WORTH = 0.9
#: Words whose ids fit into the two bytes that they are compared by.
_MOST_WORDS = 1 << 16
#: The most places where phases may meet: looking for the best takes time that grows with their square.
_MOST_PLACES = 32


def table_pays(V: int, uses: int) -> bool:
    """Return whether the products of all V words are to be computed once, for so many uses of words."""
    return uses >= _USES_OF_A_WORD * V


def table_pays_in_steps(V: int, rows: int) -> bool:
    """Return whether it pays for answers whose steps have so many rows; how many will come, nobody knows yet."""
    return table_pays(V, STEPS * rows)


def shared_steps(N: int, T: int, V: int) -> int:
    """Return after how many steps, less than T, rows that began alike go separate ways: V**steps <= N / 2.

    For reading alone, where all beginnings that there can be are counted, and not those that there are.
    """
    steps = 0
    while steps + 1 < T and 2 * V ** (steps + 1) <= N and V > 1:
        steps += 1
    return steps


class Phase(NamedTuple):
    """Steps ``start`` to ``stop`` of a batch, read for R different beginnings ``ids[:, :stop]``.

    Attributes
    ----------
    rows : (R,) for each of them a row of the batch that begins so.
    parents : (R,) rows of the phase before that they go on from; of the first phase (0,).
    groups : (N,) for each row of the batch which of the R it is.
    """

    start: int
    stop: int
    rows: Array
    parents: Array
    groups: Array


def phases(ids: Array, V: int, hidden_size: int) -> list[Phase]:
    """Return the phases in which a batch ids (N, T), 0 to V - 1, is read soonest; [] if sharing does not pay."""
    N, T = ids.shape
    fixed = _PHASE_COST / max(12 * hidden_size**2, 1)  # in steps of a row, there and back
    if 4 * fixed > N * T or V > _MOST_WORDS:
        return []
    keys = np.ascontiguousarray(ids.astype(">u2")).view(f"S{2 * T}").ravel()
    order = keys.argsort(kind="stable")
    unlike = ids[order[1:]] != ids[order[:-1]]
    # Where each differs from the one before it, in sorted order: those that begin alike are neighbours.
    first = np.where(unlike.any(axis=1), unlike.argmax(axis=1), T)
    counts = (1 + np.cumsum(np.bincount(first, minlength=T + 1))[:T]).tolist()  # of beginnings of 1, 2, ... T ids
    enough = _WORTH * (N * T + fixed)
    # One phase has all rows that differ in the end; several can do no better than each step with those that differ.
    if min(counts[-1] * T + fixed, sum(counts) + 2 * fixed) > enough:
        return []
    stops, steps = _best_stops(counts, fixed)
    return [] if steps > enough else _phases(order, first, stops)


def _best_stops(counts: list[int], fixed: float) -> tuple[list[int], float]:
    """Return where phases end so that the steps of all their rows, and what they cost beside, are fewest."""
    T = len(counts)
    places = sorted({round(k * T / min(T, _MOST_PLACES)) for k in range(min(T, _MOST_PLACES) + 1)})
    best: dict[int, tuple[float, int]] = {T: (0.0, T)}
    for k in range(len(places) - 2, -1, -1):
        start = places[k]
        steps, following = np.inf, T
        for stop in places[k + 1 :]:
            here = fixed + counts[stop - 1] * (stop - start) + best[stop][0]
            if here < steps:
                steps, following = here, stop
        best[start] = steps, following
    stops, place = [], 0
    while place < T:
        place = best[place][1]
        stops.append(place)
    return stops, best[0][0]


def _phases(order: Array, first: Array, stops: list[int]) -> list[Phase]:
    found: list[Phase] = []
    for stop in stops:
        begins = np.concatenate([[True], first < stop])
        groups = np.empty_like(order)
        groups[order] = np.cumsum(begins) - 1
        rows = order[begins]
        parents = found[-1].groups[rows] if found else rows[:0]
        found.append(Phase(found[-1].stop if found else 0, stop, rows, parents, groups))
    return found
