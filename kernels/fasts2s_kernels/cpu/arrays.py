"""What Python entries share: arrays brought into a form that compiled code accepts."""

import logging
from functools import cache
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.target import LANES

FLOAT32 = np.dtype(np.float32)

#: What stands for an argument that is None; kernels find nothing there.
NONE1, NONE2, NONE3, NONE4 = (np.empty((0,) * n, np.float32) for n in (1, 2, 3, 4))
NO_BOOLS = np.empty((0, 0), np.bool_)
NO_IDS = np.empty((0, 0), np.int64)


def is_compiled(a: Array, work: int) -> bool:
    """Whether compiled code is for arrays like a: float32, and with work to do. All else is for the reference."""
    if a.dtype == FLOAT32:
        return work != 0
    say_double()
    return False


@cache
def say_double() -> None:
    """Say, once per process, that float64 runs on the reference: nobody should wonder where the speed is."""
    logging.getLogger("fasts2s").warning(
        "float64 arrays run on the NumPy reference, right but slower: the kernels of numba are float32. For their "
        'speed make weights and inputs float32, with astype("f"); where float64 is meant, '
        'use_backend("numpy", dtype="float64") says so'
    )


def padded(n: int) -> int:
    """Return n rounded up to whole vectors."""
    return -(-n // LANES) * LANES


def c_order(a: Array) -> Array:
    """Return a, float32, as an aligned C-contiguous array, without a copy where it is one."""
    flags = a.flags
    return a if flags.c_contiguous and flags.aligned else np.array(a, order="C")


def row_order(a: Array) -> Array:
    """Return a, float32, with a contiguous last axis; other axes may be strided, also backwards."""
    if a.flags.c_contiguous:
        return c_order(a)
    whole = a.strides[-1] == 4 and a.flags.aligned and not any(s % 4 for s in a.strides)
    return a if whole else np.array(a, order="C")


def optional(a: Any, none: Array) -> Array:
    """Return a in C order, or the array that stands for None."""
    return none if a is None else c_order(a)


def writable(buffer: Any) -> Any:
    """Return a gradient buffer as it is where compiled code can fill it, else a fresh array; None stays None."""
    if buffer is None:
        return None
    flags = buffer.flags
    fits = buffer.dtype == FLOAT32 and flags.c_contiguous and flags.aligned
    return buffer if fits else empty(*buffer.shape)


def put_back(buffers: Any, fresh: Any) -> None:
    """Copy what :func:`writable` had to make afresh into the buffers it stands for."""
    for buffer, made in zip(buffers, fresh, strict=True):
        if made is not buffer:
            buffer[...] = made
