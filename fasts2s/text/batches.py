"""Padded batches of rows of like lengths, prepared beside the training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fasts2s.text._ahead import ahead
from fasts2s.text._buckets import Buckets
from fasts2s.text.encoding import EncodedPairs
from fasts2s.text.marks import BOS, EOS, PAD
from fasts2s.text.ragged import Ragged
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.scalars import shown


@dataclass(frozen=True, eq=False)
class Batch:
    """N rows of like lengths.

    Attributes
    ----------
    xs : (N, S) int32, sources, ending in `</s>`, then `<pad>`, which is 0
    ts : (N, T) int32, targets between `<s>` and `</s>`, then `<pad>`
    rows : (N,) int64, which rows of the encoded pairs they are
    """

    xs: NDArray[np.int32]
    ts: NDArray[np.int32]
    rows: NDArray[np.int64]


class Batches:
    """All batches of an epoch, in an order that depends on `seed` and the number of the epoch alone.

    Rows of like lengths are together. Which of those with the same lengths are in one batch, and the order of the
    batches, change from epoch to epoch; the number of batches does not.

    Parameters
    ----------
    encoded : of `encode_pairs`
    tokens : a batch has at most so many ids on either side, padding and marks included: N S and N T at most
    max_rows : and at most so many rows; None: no limit
    seed : of the order
    prepared : batches that a thread makes in advance; 0: no thread

    Attributes
    ----------
    left_out : rows that alone have more ids than `tokens`, and are in no batch

    Raises
    ------
    ValueError : an argument out of its range; no row fits.
    """

    def __init__(
        self,
        encoded: EncodedPairs,
        tokens: int = 4096,
        *,
        max_rows: int | None = None,
        seed: int = 0,
        prepared: int = 4,
    ) -> None:
        if not isinstance(encoded, EncodedPairs):
            raise ValueError(f"encoded is {shown(encoded)}, expected what encode_pairs returns")
        self._encoded, self._seed = encoded, integer("seed", seed, 0)
        tokens, self._prepared = min(integer("tokens", tokens, 1), 1 << 40), integer("prepared", prepared, 0)
        most = len(encoded) if max_rows is None else integer("max_rows", max_rows, 1)
        widths = np.stack([encoded.source.lengths + 1, encoded.target.lengths + 2])
        fits = np.flatnonzero(widths.max(axis=0, initial=0) <= tokens)
        self.left_out = len(encoded) - len(fits)
        if not len(fits):
            raise ValueError(
                f"tokens is {tokens}, expected enough for a row: {len(encoded)} rows, the shortest of "
                f"{widths.max(axis=0).min(initial=2**31)} ids: take more, or other pairs"
            )
        self._rows, self._buckets = fits, Buckets(widths[:, fits], tokens, most)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self._buckets)

    @property
    def padding(self) -> float:
        """Share of padding among all ids of epoch 0, both sides together."""
        return self._buckets.padding(self._rng(0))

    def epoch(self, number: int) -> Iterator[Batch]:
        """Return the batches of an epoch; every row that fits is in one of them.

        Leaving the loop early ends the thread that makes them. The iterator is for one thread.

        Parameters
        ----------
        number : of the epoch, from 0
        """
        parts = self._buckets.shuffled(self._rng(integer("number", number, 0)))
        batches = (self._batch(self._rows[part]) for part in parts)
        return ahead(batches, self._prepared) if self._prepared else batches

    def _rng(self, epoch: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, epoch])

    def _batch(self, rows: NDArray[np.int64]) -> Batch:
        xs, ts = padded(self._encoded.source, rows, 0), padded(self._encoded.target, rows, 1)
        ts[:, 0] = BOS
        return Batch(xs, ts, rows)


def padded(ragged: Ragged, rows: NDArray[np.int64], before: int) -> NDArray[np.int32]:
    """Return rows (N,) of ragged ones as (N, T) int32, with `before` free places in front, and EOS and PAD after."""
    begins, lengths = ragged.offsets[rows], ragged.offsets[rows + 1] - ragged.offsets[rows]
    places = np.arange(lengths.max())
    inside = places < lengths[:, None]
    out = np.full((len(rows), before + len(places) + 1), PAD, np.int32)
    out[:, before : before + len(places)][inside] = ragged.ids[(begins[:, None] + places)[inside]]
    out[np.arange(len(rows)), before + lengths] = EOS
    return out
