"""Rows of different length as one rectangular batch, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ids = NDArray[np.int64]
Row = Sequence[int] | NDArray[np.integer]

_SIDES = ("right", "left")


def pad_batch(rows: Iterable[Row], pad_id: int, side: str = "right", length: int | None = None) -> Ids:
    """Put rows of ids into one array, filled up with `pad_id`.

    Parameters
    ----------
    rows : N one-dimensional rows of integers; rows may be empty, and so may `rows`
    pad_id : written where a row has ended; also -1, the `ignore_label` of the loss
    side : 'right' pads after a row, 'left' before it
    length : T; the longest row if None

    Returns
    -------
    (N, T) int64, own memory.

    Raises
    ------
    ValueError : unknown `side`; a row that is not one-dimensional or holds no integers; `length` below the
        longest row.

    Notes
    -----
    Source: the book, section 7.2.3.
    """
    _check_side(side)
    checked = [_ids_of_row(row, f"rows[{i}]") for i, row in enumerate(rows)]
    longest = max((len(row) for row in checked), default=0)
    if length is None:
        length = longest
    elif length < longest:
        raise ValueError(f"length is {length}, expected at least {longest}, the length of the longest row")
    batch = np.full((len(checked), length), pad_id, dtype=np.int64)
    for out, row in zip(batch, checked, strict=True):
        start = 0 if side == "right" else length - len(row)
        out[start : start + len(row)] = row
    return batch


def unpad(batch: ArrayLike, pad_id: int, side: str = "right") -> list[list[int]]:
    """Take the padding off again: the inverse of `pad_batch` for rows without `pad_id` at the padded edge.

    Parameters
    ----------
    batch : (N, T) integers
    pad_id, side : as given to `pad_batch`; `pad_id` inside a row stays

    Returns
    -------
    list of N lists of int.

    Raises
    ------
    ValueError : unknown `side`; `batch` is not (N, T) or holds no integers.
    """
    _check_side(side)
    ids = _ids_of_batch(batch)
    step = 1 if side == "left" else -1
    rows = []
    for row in ids:
        kept = np.flatnonzero(row[::step] != pad_id)
        first = kept[0] if kept.size else len(row)
        rows.append([int(i) for i in row[::step][first:][::step]])
    return rows


def valid_mask(batch: ArrayLike, pad_id: int) -> NDArray[np.bool_]:
    """Tell which places of a batch are not padding.

    Parameters
    ----------
    batch : (N, T) integers
    pad_id : an id that occurs as padding only: it counts as padding inside a row too

    Returns
    -------
    (N, T) bool, False on padding.

    Raises
    ------
    ValueError : `batch` is not (N, T) or holds no integers.
    """
    return np.asarray(_ids_of_batch(batch) != pad_id)


def _check_side(side: str) -> None:
    if side not in _SIDES:
        raise ValueError(f"side is {side!r}, expected {' or '.join(repr(known) for known in _SIDES)}")


def _ids_of_row(row: ArrayLike, name: str) -> Ids:
    try:
        ids = np.asarray(row)
    except ValueError:  # NumPy on ragged nesting
        raise ValueError(f"{name} holds rows of its own, expected one-dimensional rows of integers") from None
    if ids.ndim != 1:
        raise ValueError(f"{name} has shape {ids.shape}, expected one dimension (T,)")
    return _as_int64(ids, name)


def _ids_of_batch(batch: ArrayLike) -> Ids:
    try:
        ids = np.asarray(batch)
    except ValueError:
        raise ValueError("batch has rows of different length, expected (N, T): use pad_batch first") from None
    if ids.ndim != 2:
        raise ValueError(f"batch has shape {ids.shape}, expected (N, T)")
    return _as_int64(ids, "batch")


def _as_int64(ids: NDArray[np.generic], name: str) -> Ids:
    # An empty list is float64 to NumPy; bool would pass as 0 and 1 and hide a mask given by mistake.
    if ids.size and ids.dtype.kind not in "iu":
        raise ValueError(f"{name} holds {ids.dtype}, expected integers")
    return ids.astype(np.int64)
