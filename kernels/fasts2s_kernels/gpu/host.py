"""Moving arrays between host and device."""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import is_cupy
from fasts2s_kernels.gpu import errors
from fasts2s_kernels.gpu.device import xp


def asarray(a: Any) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.asarray`."""
    if is_cupy(a):
        return a
    host = np.asarray(a)
    return xp.asarray(host if host.dtype.isnative else host.astype(host.dtype.newbyteorder("=")))


def to_numpy(a: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.to_numpy`.

    Implementation: waits for the device. Raises IndexError if an id out of range had been met there.
    """
    return errors.fetch(a) if is_cupy(a) else np.asarray(a)
