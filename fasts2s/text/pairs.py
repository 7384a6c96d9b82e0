"""What is read from a file: pairs of texts, or single texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from fasts2s_kernels.checks import integer, integers
from fasts2s_kernels.checks.arguments import listed
from fasts2s_kernels.checks.scalars import shown


@dataclass(frozen=True, eq=False)
class Pairs(Sequence[tuple[str, str]]):
    """N pairs of texts; `pairs[i]` is (source, target), `pairs[2:5]` are Pairs again.

    Attributes
    ----------
    sources, targets : N texts each
    origin : the file, or the files, that they are from
    format : of the file, see `read_pairs`
    header : the cells of the first row that were taken for names of columns, empty if there was none
    duplicates : pairs that occurred before, and were left out
    empty : rows with an empty source or target, or without one, which were passed over
    """

    sources: list[str]
    targets: list[str]
    origin: str = ""
    format: str = ""
    header: tuple[str, ...] = ()
    duplicates: int = 0
    empty: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", texts_of("sources", self.sources))
        object.__setattr__(self, "targets", texts_of("targets", self.targets))
        if len(self.sources) != len(self.targets):
            raise ValueError(f"{len(self.sources)} sources and {len(self.targets)} targets, expected as many of both")

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(self.sources, self.targets, strict=True)

    @overload
    def __getitem__(self, where: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, where: slice) -> Pairs: ...
    def __getitem__(self, where: int | slice) -> tuple[str, str] | Pairs:
        if isinstance(where, slice):
            return self.select(range(len(self))[where])
        return self.sources[where], self.targets[where]

    def select(self, rows: Iterable[int]) -> Pairs:
        """Return some of the pairs, by their numbers. IndexError: there is no such row."""
        kept = rows_of(rows, len(self))
        sources, targets = [self.sources[i] for i in kept], [self.targets[i] for i in kept]
        return replace(self, sources=sources, targets=targets, duplicates=0, empty=0)


@dataclass(frozen=True, eq=False)
class Texts(Sequence[str]):
    """N single texts, for a language model; `texts[i]` is a str, `texts[2:5]` are Texts again.

    Attributes
    ----------
    texts : N texts
    origin, format, header, duplicates, empty : see `Pairs`; duplicates are left out only where that was asked for
    """

    texts: list[str]
    origin: str = ""
    format: str = ""
    header: tuple[str, ...] = ()
    duplicates: int = 0
    empty: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", texts_of("texts", self.texts))

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    @overload
    def __getitem__(self, where: int) -> str: ...
    @overload
    def __getitem__(self, where: slice) -> Texts: ...
    def __getitem__(self, where: int | slice) -> str | Texts:
        if isinstance(where, slice):
            return self.select(range(len(self))[where])
        return self.texts[where]

    def select(self, rows: Iterable[int]) -> Texts:
        """Return some of the texts, by their numbers. IndexError: there is no such row."""
        return replace(self, texts=[self.texts[i] for i in rows_of(rows, len(self))], duplicates=0, empty=0)


def texts_of(name: str, value: Any) -> list[str]:
    """Return a list of texts from an iterable of them, or raise ValueError."""
    found = value if type(value) is list else listed(name, value, "texts")
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise ValueError(f"{name}[{i}] is {shown(text)}, expected a text")
    return found


def rows_of(rows: Iterable[int], count: int) -> Iterable[int]:
    """Return numbers of rows, each from 0 to count - 1, or raise IndexError."""
    kept = rows if isinstance(rows, range) else integers("rows", rows)
    for i in kept:
        if not 0 <= i < count:
            raise IndexError(f"row {integer('row', i)} is not there, expected 0 to {count - 1}")
    return kept
