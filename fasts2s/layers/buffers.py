"""The arrays that gradients of weights are written to."""

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import as_array


def gradient_buffers(**weights: Array) -> list[Array]:
    """Return zeros for every weight, by its name. Raises ValueError for what is no array; shapes meet in forward."""
    return [np.zeros_like(as_array(name, w, "a float array")) for name, w in weights.items()]
