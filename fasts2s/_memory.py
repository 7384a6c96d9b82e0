"""Parameters that are one memory: tied weights, such as ``embed_W`` and ``embed_W.T``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import is_cupy


def same_memory(a: Array, b: Array) -> bool:
    """Return whether two parameters, of any shapes, are one memory: tied weights."""
    if is_cupy(a) or is_cupy(b):
        return a is b or (is_cupy(a) and is_cupy(b) and a.data.ptr == b.data.ptr and a.nbytes == b.nbytes)
    return a is b or (isinstance(a, np.ndarray) and np.may_share_memory(a, b) and np.shares_memory(a, b))


def stored_once(params: Sequence[Any]) -> list[int]:
    """Return the positions of parameters whose memory no earlier one has: in files tied weights stand once."""
    kept: list[int] = []
    for i, p in enumerate(params):
        if not any(same_memory(p, params[k]) for k in kept):
            kept.append(i)
    return kept
