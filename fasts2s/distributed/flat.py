"""All gradients in one buffer, so that one sum over the ranks is enough."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasts2s_kernels.contract import Array


class Flat:
    """A buffer for arrays of given shapes and, behind them, a few numbers.

    Parameters
    ----------
    grads : list of arrays
        Of the shapes, and on the side, host or device, that is to be held. Of several dtypes the widest is taken.
    numbers : int
        How many.

    Attributes
    ----------
    buffer : (K,) array
    arrays : list of arrays
        Views of the buffer.
    numbers : (numbers,) array
        The same.
    """

    def __init__(self, grads: Sequence[Array], numbers: int) -> None:
        self._like = [(g.shape, g.dtype) for g in grads]
        sizes = [int(g.size) for g in grads]
        ends = np.cumsum(sizes, dtype=np.int64).tolist() if grads else []
        total = ends[-1] if ends else 0
        dtype = np.result_type(*{g.dtype for g in grads}) if grads else np.dtype(np.float32)
        # By the array's own library, so that it lies where the gradients lie.
        shape = (total + numbers,)
        self.buffer: Any = np.empty_like(grads[0], dtype=dtype, shape=shape) if grads else np.empty(shape, dtype)
        self.arrays = [
            self.buffer[end - size : end].reshape(g.shape) for g, size, end in zip(grads, sizes, ends, strict=True)
        ]
        self.numbers = self.buffer[total:]

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
