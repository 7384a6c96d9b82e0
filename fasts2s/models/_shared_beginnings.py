"""Sources that begin alike are read once, in training too.

Until two sources differ, an LSTM that starts from zero is in the same state for both: it need not compute it twice.
Dates read backwards begin with padding and the digits of a year; 128 of them have 2 different beginnings of two
characters and 54 of sixteen. A batch is read in phases, each with one row for every different beginning; the rows of
the next phase go on from those. Backwards, the gradient of a shared state is the sum over those that share it.
"""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.contract import Array, Kernels

#: What a phase costs beside its arithmetic (calls, packing of weights, copies, sums of gradients), in multiply-adds:
#: 0.45 ms of two cores of a Zen 4, measured. Half or twice as much makes no difference there.
_PHASE_COST = 40e6
#: The most places where phases may meet: looking for the best takes time that grows with their square.
_MOST_PLACES = 32


class Phase(NamedTuple):
    """Steps ``start`` to ``stop`` of a batch, read for R different beginnings ``xs[:, :stop]``.

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


def plan(xs: Array, hidden_size: int) -> list[Phase]:
    """Return the phases in which a batch xs (N, T) of ids is read soonest; [] if sharing does not pay."""
    N, T = xs.shape
    fixed = _PHASE_COST / (12 * hidden_size**2)  # in steps of one row, forward and backward
    if 4 * fixed > N * T or xs.min() < 0 or xs.max() > np.iinfo(np.uint16).max:
        return []
    keys = np.ascontiguousarray(xs.astype(">u2")).view(f"S{2 * T}").ravel()
    order = keys.argsort(kind="stable")
    unlike = xs[order[1:]] != xs[order[:-1]]
    # Where each differs from the one before it, in sorted order: those that begin alike are neighbours.
    first = np.where(unlike.any(axis=1), unlike.argmax(axis=1), T)
    counts = 1 + np.cumsum(np.bincount(first, minlength=T + 1))[:T]  # of beginnings of 1, 2, ... T ids
    stops, steps = _best_stops(counts.tolist(), fixed)
    if steps > 0.9 * (N * T + fixed):
        return []
    return _phases(order, first, stops)


def _best_stops(counts: list[int], fixed: float) -> tuple[list[int], float]:
    """Return where phases end so that the steps of all their rows, and what they cost beside, are fewest."""
    T = len(counts)
    places = sorted({round(k * T / min(T, _MOST_PLACES)) for k in range(min(T, _MOST_PLACES) + 1)})
    best: dict[int, tuple[float, int]] = {T: (0.0, T)}
    for start in reversed(places[:-1]):
        best[start] = min(
            (fixed + counts[stop - 1] * (stop - start) + best[stop][0], stop) for stop in places if stop > start
        )
    stops, place = [], 0
    while place < T:
        place = best[place][1]
        stops.append(place)
    return stops, best[0][0]


def _phases(order: Array, first: Array, stops: list[int]) -> list[Phase]:
    phases: list[Phase] = []
    for stop in stops:
        begins = np.concatenate([[True], first < stop])
        groups = np.empty_like(order)
        groups[order] = np.cumsum(begins) - 1
        rows = order[begins]
        parents = phases[-1].groups[rows] if phases else rows[:0]
        phases.append(Phase(phases[-1].stop if phases else 0, stop, rows, parents, groups))
    return phases


def forward(
    kernels: Kernels, phases: list[Phase], table: Array, xs: Array, Wh: Array
) -> tuple[Array, Array, Array, Any]:
    """As ``lstm_ids_forward`` of the kernels, from a state of zeros: hs (N, T, H), last h and c (N, H), a cache."""
    hs = np.empty_like(Wh, shape=(*xs.shape, Wh.shape[0]))
    caches: list[Any] = []
    h = c = np.empty_like(hs[:, 0])
    for phase in phases:
        state = {"h0": h[phase.parents], "c0": c[phase.parents]} if phase.start else {}
        ids = xs[phase.rows, phase.start : phase.stop]
        part, h, c, cache = kernels.lstm_ids_forward(table, ids, Wh, **state)
        hs[:, phase.start : phase.stop] = part[phase.groups]
        caches.append(cache)
    last = phases[-1].groups
    return hs, h[last], c[last], caches


def backward(
    kernels: Kernels, phases: list[Phase], caches: Any, dhs: Array | None, Wh: Array, *, dh_last: Array | None,
    dtable: Array, dWh: Array,
) -> None:  # fmt: skip
    """As ``lstm_ids_backward`` of the kernels; the gradient of the initial state, which is none, is not computed."""
    dh = None if dh_last is None else _summed(kernels, dh_last, phases[-1])
    dc: Array | None = None
    dtable[...], dWh[...] = 0, 0
    own = {"dtable": np.empty_like(dtable), "dWh": np.empty_like(dWh)}
    for k in reversed(range(len(phases))):
        phase = phases[k]
        part = None if dhs is None else _summed(kernels, dhs[:, phase.start : phase.stop], phase)
        dh, dc, _ = kernels.lstm_ids_backward(part, Wh, caches[k], dh_last=dh, dc_last=dc, **own)
        dtable += own["dtable"]
        dWh += own["dWh"]
        if k:
            into = phases[k - 1]._replace(groups=phase.parents)
            dh, dc = _summed(kernels, dh, into), _summed(kernels, dc, into)


def _summed(kernels: Kernels, rows: Array, phase: Phase) -> Array:
    """Return rows (N, ...) summed by the group that each belongs to: (R, ...)."""
    out = np.empty_like(rows, shape=(len(phase.rows), *rows.shape[1:]))
    kernels.embedding_backward(rows.reshape(len(rows), -1), phase.groups, dW=out.reshape(len(out), -1))
    return out
