"""Vectors of random bits, to be said again after the last one: the copy task of Graves et al. 2014, section 4.1."""

import numpy as np
from numpy.typing import NDArray

BITS = 8
#: Bits of a vector, the mark that says that some follow, the mark that says that it is time to answer.
INPUTS = BITS + 2


def copy_batch(rng: np.random.Generator, count: int, length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is seen (N, 2 length + 2, INPUTS), and the bits (N, length, BITS) to be said at the end."""
    bits = rng.integers(0, 2, (count, length, BITS)).astype(np.float32)
    seen = np.zeros((count, 2 * length + 2, INPUTS), np.float32)
    seen[:, 0, BITS] = 1
    seen[:, 1 : length + 1, :BITS] = bits
    seen[:, length + 1, BITS + 1] = 1
    return seen, bits
