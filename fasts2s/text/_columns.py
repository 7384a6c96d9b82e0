"""Which columns of a table, or keys of JSON lines, hold the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.scalars import shown

Column = int | str

# Names that a first row has where it is a header. A pair of texts that are both among them is not to be expected.
_NAMES = """
source target src tgt trg input output question answer questions answers q a query response reply prompt completion
instruction text summary title abstract document context label sentence translation
en ko ja fr de es zh ru english korean japanese french german spanish chinese russian
"""
_CUSTOMARY = frozenset(_NAMES.split())


def checked_column(name: str, value: Any) -> Column:
    """Return a number of a column from 0, or its name."""
    if isinstance(value, str) and value:
        return value
    try:
        return integer(name, value, 0)
    except ValueError:
        raise ValueError(f"{name} is {shown(value)}, expected the number of a column, from 0, or its name") from None


def is_header(row: Sequence[str], columns: Sequence[Column]) -> bool:
    """Tell whether a first row holds names: one was asked for, or all cells asked for are customary names."""
    if any(isinstance(column, str) for column in columns):
        return True
    cells = [row[column] for column in columns if isinstance(column, int) and column < len(row)]
    return len(cells) == len(columns) and all(cell.strip().lower() in _CUSTOMARY for cell in cells)


def place_of(column: Column, header: Sequence[str]) -> int | None:
    """Return the number of a column; None: the header has no such name."""
    if isinstance(column, int):
        return column
    names = [cell.strip() for cell in header]
    return names.index(column) if column in names else None
