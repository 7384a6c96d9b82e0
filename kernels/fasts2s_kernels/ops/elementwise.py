"""Small functions that several cells share."""

import numpy as np

from fasts2s_kernels.arrays import Array


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``; exp overflows to infinity for x below -88 in float32, and the result is then 0."""
    return 1 / (1 + np.exp(-x))


def select(mask: Array | None, t: int, new: Array, old: Array) -> Array:
    """Where step t is padding keep the old rows (N, .), else take the new ones."""
    return new if mask is None else np.where(mask[:, t, None], new, old)
