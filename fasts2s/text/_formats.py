"""The formats of files, and how one is told from its name and its beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from fasts2s._reading import Lines
from fasts2s.text._columns import Column
from fasts2s.text._dialogues import Dialogues, is_table
from fasts2s.text._json_records import JsonLines, Squad
from fasts2s.text._tables import CsvTable, TabTable

Record = tuple[str, ...]
Format: TypeAlias = Literal["auto", "tsv", "csv", "jsonl", "parallel", "squad", "dialogue"]
TextFormat: TypeAlias = Literal["auto", "lines", "tsv", "csv", "jsonl", "squad", "dialogue"]


class Records(Protocol):
    """What a reader of a format is: the records of a file, and its header once the first record was asked for."""

    header: Record

    def __iter__(self) -> Iterator[Record]:
        """Yield the chosen cells; an empty tuple for what holds no text."""
        ...


class WholeLines:
    """Yields every line as it is."""

    header: Record = ()

    def __init__(self, lines: Lines, columns: Sequence[Column]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Record]:
        return ((line,) for line in self._lines)


READERS: dict[str, Callable[[Lines, Sequence[Column]], Records]] = {
    "lines": WholeLines,
    "tsv": TabTable,
    "csv": CsvTable,
    "jsonl": JsonLines,
    "squad": Squad,
    "dialogue": Dialogues,
}
_OF_SUFFIX = {".tsv": "tsv", ".tab": "tsv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def recognised(path: Path, lines: Lines, columns: Sequence[Column]) -> str | None:
    """Return the format that name and beginning of a file point to; None: a text without columns.

    Who names columns of a table of dialogues wants these, not the dialogues.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = next((s for s in reversed(suffixes) if s != ".gz"), "")
    if suffix == ".csv":
        return "csv"
    head = lines.head()
    if is_table(head):
        return "dialogue" if list(columns) == list(range(len(columns))) else "tsv"
    if suffix == ".json":
        return _json(head)
    if suffix in _OF_SUFFIX:
        return _OF_SUFFIX[suffix]
    return _json(head) if head.lstrip().startswith("{") else None


def has_tabs(lines: Lines) -> bool:
    """Tell whether the first line that is not blank has a tab inside."""
    first = next((line for line in lines.head().split("\n") if line.strip()), "")
    return "\t" in first.strip()


def _json(head: str) -> str:
    return "squad" if '"data"' in head or '"paragraphs"' in head or '"version"' in head[:50] else "jsonl"
