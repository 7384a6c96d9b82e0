"""Batches of one long text, which is read on from batch to batch. Source: the book's ``common/trainer.py``."""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.either import as_integers


def next_batch(trainer: Any, x: AnyArray, t: AnyArray, batch_size: int, time_size: int) -> tuple[Array, Array]:
    """Return the next xs, ts : (batch_size, time_size) int32; row i reads its own part of the text.

    ``trainer.time_idx`` says how many steps have been read. Raises ValueError if the text is shorter than batch_size
    or x, t are no integers (L,).
    """
    x, t = as_integers("x", x, "(L,)", 1), as_integers("t", t, "(L,)", 1)
    batch_size, time_size = integer("batch_size", batch_size, 1), integer("time_size", time_size, 1)
    if len(t) != len(x) or len(x) < batch_size:
        raise ValueError(f"x and t hold {len(x)} and {len(t)} ids, expected as many, at least {batch_size}")
    time_idx = trainer.time_idx or 0
    starts = (len(x) // batch_size) * np.arange(batch_size)[:, None]
    where = (starts + time_idx + np.arange(time_size)) % len(x)
    trainer.time_idx = time_idx + time_size
    return x[where].astype(np.int32), t[where].astype(np.int32)
