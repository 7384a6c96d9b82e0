"""Rows of like lengths together: an order of rows, and where it is cut into batches."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Buckets:
    """Divides n rows among batches, so that there is little padding.

    Rows are put into buckets by their source, and inside a bucket in order of their target, up and down by turns: so
    neighbours are alike on both sides. Buckets are about twice the root of the number of batches. With more of them a
    batch would reach over several, with fewer the sources in one would differ more.

    Parameters
    ----------
    widths : (2, n) int64, ids of source and target of each row, marks included; n >= 1
    tokens : most ids of a batch on either side, padding included
    max_rows : most rows of a batch
    """

    def __init__(self, widths: Numbers, tokens: int, max_rows: int) -> None:
        self._widths = widths
        wanted = max(len(widths[0]) / max_rows, widths.max(axis=0).sum() / tokens)
        self._bucket = _bucket_of(widths, max(1, round(2 * math.sqrt(wanted))))
        self._key = np.where(self._bucket % 2 == 0, widths[1], -widths[1])
        # Rows of one bucket and one target length change places from epoch to epoch. So that the cuts can stay, they
        # are made as if every source were as long as the longest in its bucket.
        longest = np.zeros(self._bucket.max() + 1, np.int64)
        np.maximum.at(longest, self._bucket, widths[0])
        order = np.lexsort((self._key, self._bucket))
        self._cuts = _cuts(np.maximum(longest[self._bucket], widths[1])[order], tokens, max_rows)

    def __len__(self) -> int:
        return len(self._cuts) - 1

    def padding(self, rng: np.random.Generator) -> float:
        """Return the share of padding in the batches of an epoch."""
        padded = sum(len(rows) * int(self._widths[:, rows].max(axis=1).sum()) for rows in self.shuffled(rng))
        return 1 - int(self._widths.sum()) / padded

    def shuffled(self, rng: np.random.Generator) -> Iterator[Numbers]:
        """Yield the rows of every batch."""
        rows = rng.permutation(len(self._key))
        order = rows[np.lexsort((self._key[rows], self._bucket[rows]))]  # stable: equal ones stay shuffled
        for k in rng.permutation(len(self)):
            yield order[self._cuts[k] : self._cuts[k + 1]]


def _bucket_of(widths: Numbers, count: int) -> Numbers:
    """Return a bucket for each row, from 0, none of them empty; each has about as many ids as another."""
    ids_of_width = np.bincount(widths[0], weights=widths.sum(axis=0))
    share = np.cumsum(ids_of_width) / ids_of_width.sum()
    bucket = np.minimum(share * count, count - 1).astype(np.int64)[widths[0]]
    return np.unique(bucket, return_inverse=True)[1].astype(np.int64)


def _cuts(widths: Numbers, tokens: int, max_rows: int) -> list[int]:
    """Return where batches begin, and the end: rows times the widest is `tokens` at most."""
    cuts, widest = [0], 0
    for row, width in enumerate(widths.tolist()):
        widest = max(widest, width)
        rows = row - cuts[-1]
        if rows and ((rows + 1) * widest > tokens or rows == max_rows):
            cuts.append(row)
            widest = width
    return [*cuts, len(widths)]
