"""Sides of pictures and of maps."""

import numpy as np

from fasts2s_kernels.arrays import Array


def pooled(maps: Array, pool: int) -> Array:
    """Return the means of pool x pool positions of maps (N, M, h, w); what is left at the rims is left out."""
    if pool == 1:
        return maps
    N, M, rows, columns = maps.shape
    rows, columns = rows // pool, columns // pool
    if not rows or not columns:
        raise ValueError(f"pool is {pool}, expected at most the sides of the map, {maps.shape[2]} x {maps.shape[3]}")
    whole = maps[:, :, : rows * pool, : columns * pool]
    return whole.reshape(N, M, rows, pool, columns, pool).mean(axis=(3, 5))


def resized(pictures: Array, height: int, width: int) -> Array:
    """Return pictures (N, C, H, W) with other sides, by straight lines between the middles of pixels."""
    for axis, wanted in ((2, height), (3, width)):
        have = pictures.shape[axis]
        if have == wanted:
            continue
        places = np.clip((np.arange(wanted) + 0.5) * have / wanted - 0.5, 0, have - 1)
        low = np.minimum(places.astype(int), max(have - 2, 0))
        high = np.minimum(low + 1, have - 1)
        share = (places - low).astype(pictures.dtype)
        share = share.reshape((-1, 1) if axis == 2 else (-1,))
        pictures = np.take(pictures, low, axis) * (1 - share) + np.take(pictures, high, axis) * share
    return pictures
