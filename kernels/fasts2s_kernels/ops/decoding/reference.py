"""Choosing the next id from scores."""

from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array
from fasts2s_kernels.quiet import quiet


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
