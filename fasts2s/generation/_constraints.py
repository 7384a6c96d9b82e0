"""Which words may follow: banned ones, prefixes, repeated n-grams, and how long an answer has to be."""

from typing import Any

import numpy as np

from fasts2s.generation._options import GenerationOptions
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import as_ids
from fasts2s_kernels.checks.either import beside


class Constraints:
    """What options forbid, as arrays over all rows at once.

    Parameters
    ----------
    options : GenerationOptions
    prefixes : (G, P) ids
        What the answers of every group begin with, -1 behind it.
    """

    def __init__(self, options: GenerationOptions, prefixes: Array) -> None:
        self.options, self._prefixes = options, prefixes
        self._allowed: Array | None = None

    @property
    def wants_history(self) -> bool:
        """Whether it matters what the answers hold already."""
        return self.options.no_repeat_ngram is not None or self.options.repetition_penalty != 1

    def mask(self, t: int, groups: Array, history: Array, scores: Array) -> Array | None:
        """Return which words may come at step t, (R, V) bools beside the scores (R, V); None: all may.

        groups : (R,), that of every row; history : (R, t) ids.
        """
        R, V = scores.shape
        words = self._words(V, t < self.options.min_length)
        rows, banned = self._repeated(history)
        forced = self._prefixes[groups, t] if t < self._prefixes.shape[1] else np.full(0, -1)
        if not rows.size and (forced < 0).all():
            return None if words.all() else np.broadcast_to(beside(scores, words), (R, V))
        mask = np.tile(words, (R, 1))
        mask[rows, banned] = False
        bound = np.flatnonzero(forced >= 0)
        mask[bound] = False
        mask[bound, as_ids("prefix", forced[bound], V, "(N, P)")] = True
        return beside(scores, mask)

    def _words(self, V: int, must_go_on: bool) -> Array:
        """Return which words may ever come, (V,) bools. Raises IndexError, ValueError."""
        if self._allowed is None:
            allowed, banned = np.ones(V, bool), np.array(self.options.banned, np.int64)
            allowed[as_ids("banned", banned, V, "(K,)")] = False
            if not allowed.any():
                raise ValueError(f"banned holds all {V} ids, expected at least one that may be chosen")
            if self.options.stop_id is not None and self.options.stop_id >= V:
                raise IndexError(f"stop_id is {self.options.stop_id}, expected an id below V = {V}")
            self._allowed = allowed
        if must_go_on and self.options.stop_id is not None:
            words = self._allowed.copy()
            words[self.options.stop_id] = False
            return words
        return self._allowed

    def _repeated(self, history: Array) -> tuple[Array, Array]:
        """Return rows and words (M,) that would make an n-gram of history (R, t) once more."""
        n, t = self.options.no_repeat_ngram, history.shape[1]
        if n is None or t < n:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        same = np.ones((len(history), t - n + 1), bool)
        for j in range(n - 1):  # the j-th of the last n - 1 words beside the j-th of every n-gram
            same &= history[:, j : t - n + 1 + j] == history[:, t - n + 1 + j, None]
        rows, places = np.nonzero(same)
        return rows, history[rows, places + n - 1]

    def penalised(self, scores: Array, history: Array) -> Array:
        """Return scores (R, V) with the penalty on what stands in history (R, t); the scores where there is none."""
        penalty: Any = scores.dtype.type(self.options.repetition_penalty)
        if penalty == 1 or not history.size:
            return scores
        rows, words = beside(scores, np.arange(len(history))[:, None]), beside(scores, history)
        had = scores[rows, words]
        made = scores.copy()
        made[rows, words] = np.where(had > 0, had / penalty, had * penalty)
        return made
