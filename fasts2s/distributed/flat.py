"""All gradients in one buffer, so that one sum over the ranks is enough."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array


def size_of(grads: Sequence[Array]) -> tuple[int, Any]:
    """Return how many numbers arrays have together, and a dtype for all of them: of several the widest."""
    dtype = np.result_type(*{g.dtype for g in grads}) if grads else np.dtype(np.float32)
    return sum(int(g.size) for g in grads), dtype


class Flat:
    """A buffer for arrays of given shapes and, behind them, a few numbers.

    Parameters
    ----------
    grads : list of arrays
        Of the shapes that are to be held.
    buffer : (K,) array
        Where their sizes and dtype are those of :func:`size_of`, K is larger by the count of the numbers.

    Attributes
    ----------
    buffer : (K,) array
    arrays : list of arrays
        Views of the buffer.
    numbers : array
        The same.
    """

    def __init__(self, grads: Sequence[Array], buffer: Any) -> None:
        self._like = [(g.shape, g.dtype) for g in grads]
        ends = np.cumsum([0, *(int(g.size) for g in grads)], dtype=np.int64).tolist()
        self.buffer = buffer
        self.arrays = [
            buffer[first:end].reshape(g.shape) for g, (first, end) in zip(grads, pairwise(ends), strict=True)
        ]
        self.numbers = buffer[ends[-1] :]

    def fill(self, grads: Sequence[Array], weight: float) -> None:
        """Put in arrays times a weight; 0: zeros, whatever the arrays hold."""
        if weight == 0:
            self.buffer[...] = 0
            return
        for place, grad in zip(self.arrays, grads, strict=True):
            np.multiply(grad, place.dtype.type(weight), out=place)

    def read(self) -> list[Array]:
        """Return the arrays in their own dtypes; views where that is the buffer's."""
        return [a.astype(dtype, copy=False) for a, (_, dtype) in zip(self.arrays, self._like, strict=True)]
