"""Numbers that tell what is in pairs or texts, before a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fasts2s.text.encoding import encode_texts
from fasts2s.text.marks import UNK
from fasts2s.text.pairs import Pairs, Texts
from fasts2s.text.tokenizer import Tokenizer
from fasts2s_kernels.checks.scalars import shown

_TITLES = ("", "distinct", "unit", "shortest", "median", "mean", "95 %", "longest", "vocabulary", "unknown")


@dataclass(frozen=True)
class Side:
    """One side of the pairs.

    Attributes
    ----------
    name : 'source', 'target' or 'text'
    distinct : different texts
    unit : what lengths count: 'char', 'word' or 'subword'
    shortest, median, mean, longest : lengths
    most : length that 95 % of the texts do not exceed
    vocabulary : symbols of the tokenizer, marks included; without one different characters
    unknown : share of `<unk>` among all ids
    """

    name: str
    distinct: int
    unit: str
    shortest: int
    median: float
    mean: float
    most: float
    longest: int
    vocabulary: int
    unknown: float

    def cells(self) -> tuple[str, ...]:
        """Return what stands in a row of the table."""
        lengths = (
            f"{self.shortest:,}",
            f"{self.median:,.0f}",
            f"{self.mean:,.1f}",
            f"{self.most:,.0f}",
            f"{self.longest:,}",
        )
        return (self.name, f"{self.distinct:,}", self.unit, *lengths, f"{self.vocabulary:,}", f"{self.unknown:.2%}")


@dataclass(frozen=True)
class Statistics:
    """What `statistics` found; str() is a table.

    Attributes
    ----------
    rows : pairs or texts
    duplicates, empty : rows of the file that are not among them
    sides : source and target, or the texts
    origin : where they are from
    """

    rows: int
    duplicates: int
    empty: int
    sides: tuple[Side, ...]
    origin: str = ""

    def __str__(self) -> str:
        what = "texts" if len(self.sides) == 1 else "pairs"
        first = f"{self.rows:,} {what}" + (f" from {self.origin}" if self.origin else "")
        notes = [(self.duplicates, "duplicates left out"), (self.empty, "without text passed over")]
        first += "".join(f", {count:,} {note}" for count, note in notes if count)
        rows = [_TITLES, *(side.cells() for side in self.sides)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.rjust, row, widths)).rstrip() for row in rows]
        return "\n".join([first, *lines])


def statistics(
    rows: Pairs | Texts, source_tokenizer: Tokenizer | None = None, target_tokenizer: Tokenizer | None = None
) -> Statistics:
    """Count rows, lengths, symbols and unknown ones.

    Parameters
    ----------
    rows : Pairs, or Texts
    source_tokenizer, target_tokenizer : of each side; of Texts the first one. None: characters are counted

    Returns
    -------
    Statistics; print it for a table

    Raises
    ------
    ValueError : something else, or no row.
    """
    if not isinstance(rows, Pairs | Texts) or not len(rows):
        raise ValueError(f"rows is {shown(rows)}, expected Pairs or Texts with at least one row")
    if isinstance(rows, Texts):
        return Statistics(
            len(rows), rows.duplicates, rows.empty, (_side("text", rows.texts, source_tokenizer),), rows.origin
        )
    sides = _side("source", rows.sources, source_tokenizer), _side("target", rows.targets, target_tokenizer)
    return Statistics(len(rows), rows.duplicates, rows.empty, sides, rows.origin)


def _side(name: str, texts: Sequence[str], tokenizer: Tokenizer | None) -> Side:
    if tokenizer is None:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        unit, vocabulary, unknown = "char", len(set().union(*texts)), 0.0
    else:
        encoded = encode_texts(texts, tokenizer)
        lengths, unit, vocabulary = encoded.lengths, tokenizer.kind, len(tokenizer)
        unknown = float((encoded.ids == UNK).mean()) if len(encoded.ids) else 0.0
    quarter = np.percentile(lengths, [50, 95])
    return Side(
        name, len(set(texts)), unit, int(lengths.min()), float(quarter[0]), float(lengths.mean()), float(quarter[1]),
        int(lengths.max()), vocabulary, unknown,
    )  # fmt: skip
