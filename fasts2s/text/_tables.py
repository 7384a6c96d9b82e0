"""Tables with a record per row: cells apart by tabs, or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from fasts2s._reading import Lines
from fasts2s.text._columns import Column, is_header, place_of
from fasts2s_kernels.checks.scalars import shown

Record = tuple[str, ...]
Row = Sequence[str]


class Table:
    """Yields the chosen cells of every row; an empty tuple for a blank row. `header` is there after the first one."""

    _separator = "a tab"

    def __init__(self, lines: Lines, columns: Sequence[Column]) -> None:
        self._lines, self._columns = lines, columns
        self.header: Record = ()

    def __iter__(self) -> Iterator[Record]:
        rows = iter(self._rows())
        first = next(rows, None)
        if first is None:
            return
        places = self._places(first)
        if not self.header:
            yield self._cells(first, places)
        take = itemgetter(*places) if len(places) > 1 else None
        for row in rows:
            try:
                yield take(row) if take is not None else (row[places[0]],)
            except IndexError:
                yield self._cells(row, places)

    def _rows(self) -> Iterable[Row]:
        raise NotImplementedError

    def _places(self, first: Row) -> list[int]:
        if not is_header(first, self._columns):
            return [column for column in self._columns if isinstance(column, int)]
        self.header = tuple(first)
        places = []
        for column in self._columns:
            place = place_of(column, first)
            if place is None:
                raise self._lines.wrong(
                    f"no column {column!r} in the header, expected one of {', '.join(map(shown, first[:20]))}, "
                    "or the number of a column, from 0"
                )
            places.append(place)
        return places

    def _cells(self, row: Row, places: Sequence[int]) -> Record:
        """Return the cells, or () for a row without text; raise ValueError where there are too few."""
        if len(row) > max(places):
            return tuple(row[place] for place in places)
        if not any(cell.strip() for cell in row):
            return ()
        count = f"{len(row)} column" + "s" * (len(row) != 1)
        raise self._lines.wrong(
            f"{count}, expected at least {max(places) + 1} apart by {self._separator}: {shown(row[0])} ...: "
            "complete or delete the row, or choose other columns or another format"
        )


class TabTable(Table):
    """Rows whose cells are apart by tabs, without quotes."""

    def _rows(self) -> Iterable[Row]:
        return (line.split("\t") for line in self._lines)


class CsvTable(Table):
    """Rows with commas (semicolons, if the first line has no comma), and quotes around cells that need them."""

    def _rows(self) -> Iterable[Row]:
        if self._lines.max_line > csv.field_size_limit():
            raise ValueError(
                f"max_line is {self._lines.max_line}, expected at most {csv.field_size_limit()} for CSV: "
                "choose less, or raise csv.field_size_limit first"
            )
        head = self._lines.head().split("\n", 1)[0]
        delimiter = ";" if "," not in head and ";" in head else ","
        self._separator = "a comma" if delimiter == "," else "a semicolon"
        reader = csv.reader((line + "\n" for line in self._lines), delimiter=delimiter, strict=True)
        while True:
            begins = self._lines.number + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._lines.wrong(
                    f"the row is no CSV ({error}), expected a closing quote for each opening one: "
                    'write "" for a quote in a quoted cell',
                    begins,
                ) from None
            yield row
