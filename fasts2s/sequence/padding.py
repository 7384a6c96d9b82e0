"""Rows of different length as one rectangular batch, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import as_host_array, listed, one_of

Ids = NDArray[np.int64]
Row = Sequence[int] | NDArray[np.integer]

Side: TypeAlias = Literal["right", "left"]
_SIDES: tuple[Side, ...] = ("right", "left")


def pad_batch(rows: Iterable[Row], pad_id: int, side: Side = "right", length: int | None = None) -> Ids:
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
    side, pad_id = one_of("side", side, _SIDES), _pad_id(pad_id)
    checked = [_ids_of_row(row, f"rows[{i}]") for i, row in enumerate(listed("rows", rows, "rows of ids"))]
    longest = max((len(row) for row in checked), default=0)
    if length is None:
        length = longest
    elif (length := integer("length", length)) < longest:
        raise ValueError(f"length is {length}, expected at least {longest}, the length of the longest row")
    batch = np.full((len(checked), length), pad_id, dtype=np.int64)
    for out, row in zip(batch, checked, strict=True):
        start = 0 if side == "right" else length - len(row)
        out[start : start + len(row)] = row
    return batch


def unpad(batch: ArrayLike, pad_id: int, side: Side = "right") -> list[list[int]]:
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
    side, pad_id, ids = one_of("side", side, _SIDES), _pad_id(pad_id), _ids_of_batch(batch)
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
    return np.asarray(_ids_of_batch(batch) != _pad_id(pad_id))


def _pad_id(value: int) -> int:
    pad_id = integer("pad_id", value)
    if not -(2**63) <= pad_id < 2**63:
        raise ValueError(f"pad_id is an integer of {pad_id.bit_length()} bits, expected one that int64 can hold")
    return pad_id


def _ids_of_row(row: ArrayLike, name: str) -> Ids:
    ids = as_host_array(name, row, "a row of integers")
    if ids.ndim != 1:
        raise ValueError(f"{name} has shape {ids.shape}, expected one dimension (T,)")
    return _as_int64(ids, name)


def _ids_of_batch(batch: ArrayLike) -> Ids:
    ids = as_host_array("batch", batch, "(N, T), rows of one length (use pad_batch first)")
    if ids.ndim != 2:
        raise ValueError(f"batch has shape {ids.shape}, expected (N, T)")
    return _as_int64(ids, "batch")


def _as_int64(ids: NDArray[np.generic], name: str) -> Ids:
    # An empty list is float64 to NumPy; bool would pass as 0 and 1 and hide a mask given by mistake.
    if ids.size and ids.dtype.kind not in "iu":
        raise ValueError(f"{name} holds {ids.dtype}, expected integers")
    return ids.astype(np.int64)
