"""Rows of ids of different lengths, one after the other in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fasts2s_kernels.checks import integer

Flat = NDArray[np.int32]
Stored = NDArray[np.integer]  # uint16 or int32


@dataclass(frozen=True, eq=False)
class Ragged:
    """N rows.

    Attributes
    ----------
    ids : (L,) uint16 or int32, all rows, one after the other
    offsets : (N + 1,) int64; row i is ids[offsets[i] : offsets[i + 1]]
    """

    ids: Stored
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, ids: Stored, lengths: NDArray[np.integer] | Sequence[int]) -> Ragged:
        """Make rows of their ids and their N lengths."""
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(ids, offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) int64."""
        return np.diff(self.offsets)

    def joined(self, end: int) -> Flat:
        """Return all rows as one, (L + N,) int32, `end` after each: what a language model reads."""
        return np.insert(self.ids.astype(np.int32), self.offsets[1:], integer("end", end, 0))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Flat:
        """Return the ids of a row, int32, own memory. IndexError: there is no such row."""
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} is not there, expected 0 to {len(self) - 1}")
        row %= len(self)
        return self.ids[self.offsets[row] : self.offsets[row + 1]].astype(np.int32)
