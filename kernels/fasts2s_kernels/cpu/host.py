"""Moving arrays between host and backend: nothing to move here."""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array


def asarray(a: Any) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.asarray`."""
    return np.asarray(a)


def to_numpy(a: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.to_numpy`."""
    return np.asarray(a)
