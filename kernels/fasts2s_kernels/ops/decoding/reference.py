"""Choosing the next id from scores."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.quiet import quiet

#: So many ids of a row are found one after the other, more by sorting.
FEW = 16


def checked_scores(scores: Any) -> Array:
    """Return scores (R, V) with V >= 1, or raise ValueError."""
    scores = checks.floating("scores", scores, "(R, V)", 2)
    if scores.shape[1] == 0:
        raise ValueError(f"scores has shape {scores.shape}, expected (R, V) with V >= 1: nothing to choose from")
    return scores


@quiet
def argmax(scores: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.argmax`."""
    return checked_scores(scores).argmax(axis=1).astype(np.int64, copy=False)


@quiet
def best(scores: Array, k: int, *, mask: Array | None = None) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.best`."""
    scores, k, mask = checked_best(scores, k, mask)
    return best_of_rows(scores, k, mask, first_best)


def checked_best(scores: Any, k: Any, mask: Any) -> tuple[Array, int, Array | None]:
    """Return the arguments of :func:`best`, or raise ValueError."""
    scores, k = checked_scores(scores), checks.integer("k", k, 1)
    if k > scores.shape[1]:
        raise ValueError(f"k is {k}, expected at most V = {scores.shape[1]}, as there are ids")
    return scores, k, None if mask is None else checks.as_mask("mask", mask, scores.shape, "(R, V)")


#: (scores (R, V), k) -> the largest scores of every row and their ids, both (R, k).
Choose: TypeAlias = Callable[[Array, int], tuple[Array, Array]]


def best_of_rows(scores: Array, k: int, mask: Any, choose: Choose) -> tuple[Array, Array]:
    """See :func:`best`, of checked arguments."""
    lowest = scores.dtype.type(-np.inf)
    top = scores.max(axis=1, keepdims=True)
    total = np.exp(scores - top).sum(axis=1, keepdims=True)
    values, ids = choose(scores if mask is None else np.where(mask, scores, lowest), k)
    logs = (values - top) - np.log(total)
    logs = np.where(np.isfinite(total), logs, scores.dtype.type(np.nan))
    return logs, np.where(logs > lowest, ids, -1).astype(np.int64, copy=False)


def first_best(scores: Array, k: int) -> tuple[Array, Array]:
    """Return the largest scores and their ids, the first of equals first; a few are found one after the other."""
    if k > FEW:
        return sorted_best(scores, k, kind="stable")
    R, left = len(scores), scores.copy()
    values, ids, rows = np.empty((R, k), scores.dtype), np.empty((R, k), np.int64), np.arange(R)
    for j in range(k):
        ids[:, j] = left.argmax(axis=1)
        values[:, j] = left[rows, ids[:, j]]
        left[rows, ids[:, j]] = -np.inf
    return values, ids


def sorted_best(scores: Array, k: int, **how: Any) -> tuple[Array, Array]:
    """As :func:`first_best`, by sorting all; how : of ``argsort``, which CuPy has stable only."""
    ids = np.argsort(-scores, axis=1, **how)[:, :k]
    return np.take_along_axis(scores, ids, axis=1), ids


@quiet
def sample(scores: Array, uniforms: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.sample`."""
    return sample_rows(checked_scores(scores), uniforms)


def checked_uniforms(uniforms: Any, R: int, letters: str = "(R,)") -> Array:
    """Return uniforms (R,) in float64, or raise ValueError."""
    uniforms = checks.as_float("uniforms", uniforms, np.dtype(np.float64), (R,), letters)
    if not ((uniforms >= 0) & (uniforms < 1)).all():
        raise ValueError(f"uniforms run from {uniforms.min()} to {uniforms.max()}, expected numbers in [0, 1)")
    return uniforms


def no_probabilities(row: Any) -> ValueError:
    """Return the error of a row of scores that gives no probabilities."""
    return ValueError(
        f"scores row {row} gives no probabilities (NaN, +inf, or every id banned), expected at least one finite score"
    )


def sample_rows(scores: Array, uniforms: Any) -> Array:
    """Draw one id per row of checked scores; see :func:`sample`."""
    uniforms = checked_uniforms(uniforms, scores.shape[0])
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    # Probabilities in the dtype of the scores, sums in float64: the arithmetic of numpy.random.choice.
    cdf = p.astype(np.float64).cumsum(axis=1)
    cdf /= cdf[:, -1:]
    if not np.isfinite(cdf).all():
        raise no_probabilities(np.argwhere(~np.isfinite(cdf))[0, 0])
    return (cdf <= uniforms[:, None]).sum(axis=1).astype(np.int64, copy=False)
