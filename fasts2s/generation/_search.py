"""The search: groups of slots, a word a step, until nothing better can come. Beams and drawn answers alike."""

from typing import Any

import numpy as np

from fasts2s.generation._answers import Answer, Found, Trace
from fasts2s.generation._choices import Choice
from fasts2s.generation._constraints import Constraints
from fasts2s.generation._options import GenerationOptions
from fasts2s.generation._states import Rows
from fasts2s.generation._stepwise import not_finite
from fasts2s_kernels.arrays import Array

#: Groups that are done leave the batch when they are so large a share of it: leaving copies the states of the others.
LEAVING = 0.1


class Search:
    """A search of one batch.

    Every step takes the ``beam`` best continuations of each group. Those with the end mark are answers, the others
    are the slots of the next step; there are no more slots than some group needs. A slot that nothing may follow is
    an answer as it stands.

    Parameters
    ----------
    rows : Rows
        Of one slot per group.
    choice : Choice
    constraints : Constraints
    options : GenerationOptions
    ids : (G,) int64
        Where every group starts.
    """

    def __init__(
        self, rows: Rows, choice: Choice, constraints: Constraints, options: GenerationOptions, ids: Array
    ) -> None:
        self._rows, self._choice, self._options = rows, choice, options
        self._follows = constraints.wants_history
        G = rows.groups
        count = 1 if options.temperature else options.nbest
        self.trace, self.found = Trace(G), Found.none(G, count)
        self._active, self._ids = np.arange(G), ids
        self._totals = np.zeros((G, 1))  # what is compared: of a slot that is nobody's, minus infinity
        self._history = np.zeros((G, 1, 0), np.int64)
        self._coverage: Any = None  # (A, W, S): the attention that every source word has got
        self._mask = rows.mask() if options.coverage_penalty else None

    def run(self) -> list[list[Answer]]:
        """Search; return the answers of every group, the best first."""
        t = 0
        while self._active.size:
            self._step(t)
            t += 1
        return self.found.answers(self.trace)

    def _step(self, t: int) -> None:
        A, W = self._totals.shape
        scores = self._rows.step(self._ids)
        candidates = self._choice(scores, t, self._active.repeat(W), self._history.reshape(A * W, -1))
        ranks, logs, words = (a.reshape(A, W, -1) for a in candidates)
        self._require_scores(ranks, t)
        stuck = (self._totals > -np.inf) & (ranks[:, :, 0] == -np.inf)
        if stuck.any():
            self._complete(t - 1, stuck, self._totals, False)
        weights = self._watch()
        self._close(t, weights, *self._chosen(ranks, logs, words))

    def _watch(self) -> Array | None:
        """Add up the attention where it is wanted; return that of this step where it is to be kept."""
        beta, kept = self._options.coverage_penalty, self._options.attention
        weights = self._rows.weights() if beta or kept else None
        if beta:
            if weights is None:
                raise ValueError(
                    f"coverage_penalty is {beta}, but there is no attention, expected a model that has it"
                )
            self._coverage = weights.astype(np.float64) + (0.0 if self._coverage is None else self._coverage)
        return weights if kept else None

    def _require_scores(self, ranks: Array, t: int) -> None:
        bad = np.isnan(ranks[:, :, 0]) & (self._totals > -np.inf)
        if bad.any():
            n = self._active[bad.any(axis=1).argmax()]
            raise not_finite(f"row {n}, step {t}", self._rows.owner)

    def _chosen(self, ranks: Array, logs: Array, words: Array) -> tuple[Array, ...]:
        """Return totals, parents, words and logs (A, B) of the best continuations, those that do not end first."""
        A, W, K = ranks.shape
        open_slots = self._totals[:, :, None] > -np.inf
        totals = np.where(open_slots, self._totals[:, :, None] + ranks, -np.inf).reshape(A, W * K)
        order = np.argsort(-totals, axis=1, kind="stable")[:, : self._options.beam]
        totals = np.take_along_axis(totals, order, axis=1)
        words = np.take_along_axis(words.reshape(A, W * K), order, axis=1)
        last = (totals == -np.inf) | (words == self._stop())
        place = np.argsort(last, axis=1, kind="stable")
        order = np.take_along_axis(order, place, axis=1)
        totals, words = (np.take_along_axis(a, place, axis=1) for a in (totals, words))
        return totals, order // K, words, np.take_along_axis(logs.reshape(A, W * K), order, axis=1)

    def _stop(self) -> int:
        return -2 if self._options.stop_id is None else self._options.stop_id

    def _close(self, t: int, weights: Array | None, totals: Array, parents: Array, words: Array, logs: Array) -> None:
        """Put the continuations (A, B) of step t among the answers, or into the slots of the next step."""
        self.trace.add(self._active, words, parents, logs, weights)
        there = totals > -np.inf
        ends = there & (words == self._stop())
        if self._coverage is not None:
            self._coverage = np.take_along_axis(self._coverage, parents[:, :, None], axis=1)
        if ends.any():
            self._complete(t, ends, totals, True)
        goes_on = there & ~ends
        if t + 1 == self._options.max_length:
            self._complete(t, goes_on, totals, False)
            goes_on[:] = False
        else:
            goes_on &= ~self._is_done(totals)[:, None]
        self._advance(np.where(goes_on, totals, -np.inf), parents, words)

    def _advance(self, totals: Array, parents: Array, words: Array) -> None:
        """Go on with the continuations whose totals (A, B) are finite, which are the first of every group."""
        counts = (totals > -np.inf).sum(axis=1)
        W = max(int(counts.max(initial=0)), 1)
        parents, words, self._totals = parents[:, :W], words[:, :W], totals[:, :W]
        if self._follows:
            before = np.take_along_axis(self._history, parents[:, :, None], axis=1)
            self._history = np.concatenate((before, words[:, :, None]), axis=2)
        else:
            self._history = np.zeros((len(words), W, 0), np.int64)
        if self._coverage is not None:
            self._coverage = self._coverage[:, :W]
        keep = np.flatnonzero(counts)
        if not keep.size:
            self._active = keep
            return
        self._rows.move(parents)
        if len(counts) - len(keep) >= LEAVING * len(counts):
            keep = _in_place(keep)
            self._leave(keep)
            words = words[keep]
        self._ids = np.maximum(words, 0).ravel()

    def _leave(self, keep: Array) -> None:
        self._rows.keep(keep)
        self._active, self._totals, self._history = self._active[keep], self._totals[keep], self._history[keep]
        if self._coverage is not None:
            self._coverage = self._coverage[keep]

    def _is_done(self, totals: Array) -> Array:
        """Return which groups (A,) have answers that nothing that goes on can beat: totals (A, B) only fall."""
        best = totals[:, 0] / self._length_norm(self._options.max_length)
        return np.asarray(self.found.normalised[self._active, -1] >= best)

    def _length_norm(self, length: int) -> float:
        return float(((5 + length) / 6) ** self._options.length_penalty)

    def _complete(self, t: int, which: Array, totals: Array, ended: bool) -> None:
        """Take answers whose last word is that of step t: which (A, M) of the slots with these totals (A, M)."""
        values = totals / self._length_norm(t + 1)
        if self._coverage is not None:
            values = values + self._options.coverage_penalty * self._covered()
        slots = np.arange(totals.shape[1])[None].repeat(len(totals), axis=0)
        self.found.add(self._active, np.where(which, values, -np.inf), t, slots, ended)

    def _covered(self) -> Array:
        """Return the sum of log(min(coverage, 1)) over the words of the sources, (A, M)."""
        logs = np.log(np.clip(self._coverage, np.finfo(np.float64).tiny, 1))
        if self._mask is None:
            return np.asarray(logs.sum(axis=2))
        return np.asarray(np.where(self._mask[self._active][:, None], logs, 0.0).sum(axis=2))


def _in_place(keep: Array) -> Array:
    """Return ascending places in such an order that most are where they were: the last take the free ones."""
    k = len(keep)
    order, low = np.arange(k), keep[keep < k]
    order[np.setdiff1d(order, low, assume_unique=True)] = keep[len(low) :]
    return order
