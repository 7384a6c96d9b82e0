"""Candidates for the next word of every row: the best ones, or one that is drawn."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.generation._constraints import Constraints
from fasts2s.generation._options import GenerationOptions
from fasts2s.generation._stepwise import uniform_numbers
from fasts2s_kernels.arrays import Array, Kernels
from fasts2s_kernels.checks.either import beside
from fasts2s_kernels.quiet import quiet

#: Words that are looked at first where a share of the probability is wanted, and how many times as many then.
FIRST, MORE = 32, 4
#: Below it a temperature would divide by 0 in float32; what is drawn is the best word long before.
COLDEST = 1e-30


class Candidates(NamedTuple):
    """K words for every row, (R, K) each, on the host.

    Minus infinity where there is none, NaN where scores are not finite.

    Attributes
    ----------
    ranks : float64
        Logs of probabilities with the penalty on repeated words: what is compared.
    logs : float64
        The model's own.
    words : int64
    """

    ranks: Array
    logs: Array
    words: Array


#: (scores (R, V), step, group of every row (R,), history (R, t)) -> candidates.
Choice = Callable[[Array, int, Array, Array], Candidates]


def choice_of(
    options: GenerationOptions, constraints: Constraints, kernels_of: Callable[[Array], Kernels], groups: int
) -> Choice:
    """Return how words are chosen."""
    if not options.temperature:
        return Best(options.beam, constraints, kernels_of)
    return Drawn(options, constraints, kernels_of, groups)


class Best:
    """The most probable words of every row."""

    def __init__(self, count: int, constraints: Constraints, kernels_of: Callable[[Array], Kernels]) -> None:
        self._count, self._constraints, self._kernels_of = count, constraints, kernels_of

    def __call__(self, scores: Array, t: int, groups: Array, history: Array) -> Candidates:
        """See :data:`Choice`."""
        kernels, mask = self._kernels_of(scores), self._constraints.mask(t, groups, history, scores)
        penalised = self._constraints.penalised(scores, history)
        found, ids = kernels.best(penalised, min(self._count, scores.shape[1]), mask=mask)
        words = to_cpu(ids)
        ranks = to_cpu(found).astype(np.float64)
        if penalised is scores:
            return Candidates(ranks, ranks, words)
        return Candidates(ranks, np.where(words < 0, ranks, log_probabilities(kernels, scores, words)), words)


class Drawn:
    """One word for every row, drawn."""

    def __init__(
        self,
        options: GenerationOptions,
        constraints: Constraints,
        kernels_of: Callable[[Array], Kernels],
        groups: int,
    ) -> None:
        self._options, self._constraints, self._kernels_of = options, constraints, kernels_of
        self._uniforms, self._groups = uniform_numbers(options.rng), groups

    def __call__(self, scores: Array, t: int, groups: Array, history: Array) -> Candidates:
        """See :data:`Choice`."""
        kernels, mask = self._kernels_of(scores), self._constraints.mask(t, groups, history, scores)
        penalised = self._constraints.penalised(scores, history)
        uniforms = self._uniforms(self._groups)[groups]  # a row gets the same ones, whoever has left
        left = heated(penalised, mask, self._options.temperature)
        words = self._draw(kernels, left, uniforms)[:, None]
        logs = log_probabilities(kernels, scores, words)
        ranks = logs if penalised is scores else log_probabilities(kernels, penalised, words)
        none = (words < 0) & ~np.isnan(logs)  # scores that are NaN stay so
        return Candidates(np.where(none, -np.inf, ranks), np.where(none, -np.inf, logs), words)

    def _draw(self, kernels: Kernels, scores: Array, uniforms: Array) -> Array:
        """Return a word of every row (R,); -1 where none may come."""
        top_k, top_p = self._options.top_k, self._options.top_p
        V = scores.shape[1]
        if top_k is not None and top_k < V:
            p, words = probabilities(kernels, scores, top_k)
            return inverted(p / p.sum(axis=1, keepdims=True), words, 1.0 if top_p is None else top_p, uniforms)
        if top_p is None or top_p == 1:
            nothing = ~np.isfinite(scores.max(axis=1))
            whole = np.where(nothing[:, None], scores.dtype.type(0), scores)  # the kernel would refuse them
            drawn = kernels.sample(whole, beside(scores, uniforms))
            return to_cpu(np.where(nothing, -1, drawn))
        p, words = most_probable(kernels, scores, top_p)
        return inverted(p, words, top_p, uniforms)


@quiet
def heated(scores: Array, mask: Array | None, temperature: float) -> Array:
    """Return scores over the temperature, from the maximum down, minus infinity where mask is False."""
    left = scores if mask is None else np.where(mask, scores, scores.dtype.type(-np.inf))
    if temperature == 1:
        return left
    return (left - left.max(axis=1, keepdims=True)) / scores.dtype.type(max(temperature, COLDEST))


def log_probabilities(kernels: Kernels, scores: Array, words: Array) -> Array:
    """Return the logs of the probabilities of words (R, K), of the host; of -1 it is anything."""
    top, best = kernels.best(scores, 1)
    rows, ids = beside(scores, np.arange(len(words))[:, None]), beside(scores, np.maximum(words, 0))
    found = scores[rows, ids] - scores[rows, np.maximum(best, 0)]
    return (to_cpu(found).astype(np.float64)) + to_cpu(top)


def probabilities(kernels: Kernels, scores: Array, k: int) -> tuple[Array, Array]:
    """Return the probabilities of the k best words of every row, and the words, (R, k) each on the host."""
    logs, words = kernels.best(scores, k)
    return np.exp(to_cpu(logs).astype(np.float64)), to_cpu(words)


def most_probable(kernels: Kernels, scores: Array, share: float) -> tuple[Array, Array]:
    """Return :func:`probabilities` of as many words as have a share of all probability in every row."""
    k = min(FIRST, scores.shape[1])
    while True:
        p, words = probabilities(kernels, scores, k)
        if k == scores.shape[1] or (p.sum(axis=1) >= share).all():
            return p, words
        k = min(MORE * k, scores.shape[1])


def inverted(p: Array, words: Array, share: float, uniforms: Array) -> Array:
    """Draw a word of every row (R, k) from the first ones that have this share together; -1 where p is not finite."""
    p = np.where(p.cumsum(axis=1) - p < share, p, 0.0)
    sums = p.cumsum(axis=1)
    # The last sum may be rounded to what no number is below: never more than the words that count.
    places = np.minimum((sums <= uniforms[:, None] * sums[:, -1:]).sum(axis=1), (p > 0).sum(axis=1) - 1)
    rows: Any = np.arange(len(words))
    return np.asarray(np.where(np.isfinite(sums[:, -1]), words[rows, np.maximum(places, 0)], -1))
