"""Texts as ids, in flat arrays: a list of a million lists would take gigabytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fasts2s.text.pairs import Pairs, texts_of
from fasts2s.text.ragged import Ragged
from fasts2s.text.tokenizer import Tokenizer
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import one_of
from fasts2s_kernels.checks.scalars import shown

TooLong: TypeAlias = Literal["leave out", "cut"]


@dataclass(frozen=True, eq=False)
class EncodedPairs:
    """N pairs as ids, without marks.

    Attributes
    ----------
    source, target : N rows each
    rows : (N,) int64, which of the pairs each row is
    left_out : pairs that were too long, and are not here
    cut : rows of which the end is not here
    """

    source: Ragged
    target: Ragged
    rows: NDArray[np.int64]
    left_out: int = 0
    cut: int = 0

    def __len__(self) -> int:
        return len(self.source)


def encode_texts(texts: Iterable[str], tokenizer: Tokenizer) -> Ragged:
    """Turn N texts into N rows of ids, without marks. ValueError: no tokenizer, or something that is no text."""
    return _tokenizer("tokenizer", tokenizer).encode_all(texts_of("texts", texts))


def encode_pairs(
    pairs: Pairs,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    *,
    max_source: int | None = None,
    max_target: int | None = None,
    too_long: TooLong = "leave out",
) -> EncodedPairs:
    """Turn pairs into ids.

    Parameters
    ----------
    pairs : N pairs
    source_tokenizer, target_tokenizer : of each side; may be one and the same
    max_source, max_target : most ids of a row, marks not counted; None: no limit
    too_long : 'leave out' pairs of which one side is longer, or 'cut' its end off; either is counted

    Returns
    -------
    EncodedPairs, two or four bytes for an id

    Raises
    ------
    ValueError : an argument out of its range; no row is short enough.
    """
    if not isinstance(pairs, Pairs):
        raise ValueError(f"pairs is {shown(pairs)}, expected Pairs, as read_pairs returns them")
    limits = [
        None if limit is None else integer(name, limit, 1)
        for name, limit in (("max_source", max_source), ("max_target", max_target))
    ]
    too_long = one_of("too_long", too_long, get_args(TooLong))
    source = _tokenizer("source_tokenizer", source_tokenizer).encode_all(pairs.sources)
    target = _tokenizer("target_tokenizer", target_tokenizer).encode_all(pairs.targets)
    is_long = _longer(source, limits[0]) | _longer(target, limits[1])
    if too_long == "cut":
        source, target = cut(source, limits[0]), cut(target, limits[1])
        return EncodedPairs(source, target, np.arange(len(pairs)), cut=int(is_long.sum()))
    rows = np.flatnonzero(~is_long)
    if len(pairs) and not len(rows):
        raise ValueError(
            f"max_source is {max_source}, max_target is {max_target}: all {len(pairs)} pairs are longer, "
            "expected limits that some pairs keep, or too_long='cut'"
        )
    if len(rows) < len(pairs):
        source, target = _kept(source, ~is_long), _kept(target, ~is_long)
    return EncodedPairs(source, target, rows, left_out=len(pairs) - len(rows))


def _tokenizer(name: str, value: Tokenizer) -> Tokenizer:
    if not isinstance(value, Tokenizer):
        raise ValueError(f"{name} is {shown(value)}, expected a tokenizer, such as tokenizer_for returns")
    return value


def _longer(rows: Ragged, limit: int | None) -> NDArray[np.bool_]:
    return np.zeros(len(rows), bool) if limit is None else rows.lengths > limit


def _kept(rows: Ragged, keep: NDArray[np.bool_]) -> Ragged:
    return Ragged.of(rows.ids[np.repeat(keep, rows.lengths)], rows.lengths[keep])


def cut(rows: Ragged, limit: int | None) -> Ragged:
    """Return rows of at most so many ids each; None: as they are."""
    if limit is None or not (rows.lengths > limit).any():
        return rows
    lengths = np.minimum(rows.lengths, limit)
    keep = np.ones(len(rows.ids), bool)
    for row in np.flatnonzero(rows.lengths > limit):
        keep[rows.offsets[row] + limit : rows.offsets[row + 1]] = False
    return Ragged.of(rows.ids[keep], lengths)
