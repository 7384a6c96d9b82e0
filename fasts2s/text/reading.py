"""Read pairs of texts, or single texts, from a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import get_args

from fasts2s._reading import MAX_LINE, Lines
from fasts2s.text._columns import Column, checked_column
from fasts2s.text._formats import READERS, Format, Record, TextFormat, has_tabs, recognised
from fasts2s.text.pairs import Pairs, Texts
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.arguments import as_path, as_text, one_of
from fasts2s_kernels.checks.scalars import shown

_WITHOUT_COLUMNS = ("lines", "dialogue", "parallel")


def read_pairs(
    path: str | os.PathLike[str],
    *,
    format: Format = "auto",  # noqa: A002 - the word for it
    source_column: Column = 0,
    target_column: Column = 1,
    encoding: str = "utf-8",
    max_line: int = MAX_LINE,
    target_path: str | os.PathLike[str] | None = None,
) -> Pairs:
    r"""Read pairs (source, target) from a file, plain or gzip.

    Blanks at both ends of a text are taken off. Pairs that occurred before are left out, rows with an empty source
    or target passed over; both are counted.

    Parameters
    ----------
    path : the file; with `target_path` that of the sources
    format :
        'tsv', cells apart by tabs, no quotes;
        'csv', cells apart by commas (by semicolons, if the first line has no comma), quotes around a cell that needs
        them;
        'jsonl', an object or an array per line;
        'parallel', two files, whose lines belong together;
        'squad', JSON of SQuAD: the columns are 'question', 'answer' (the first one), 'context', 'title', or several
        of them, such as 'question+context'; by default question and answer;
        'dialogue', every turn with the one that follows: a turn per line and an empty line after a dialogue, or a
        dialogue per line as JSON, or a table of conversation, turn from 0, text (or topic before them);
        'auto', told from the name and the beginning of the file
    source_column, target_column : a number, from 0, or a name: of the header, of a key of the JSON objects, also such
        as 'translation.en'. A number counts the keys of the first object. The first row of a table is its header if
        a column is given by name, or if both its cells are customary names, such as question and answer
    encoding : of Python, such as 'utf-8', 'cp949', 'shift_jis', 'euc-kr', 'utf-16'
    max_line : most characters of a line; SQuAD has no limit
    target_path : file with the targets, of format 'parallel'

    Returns
    -------
    Pairs, at least one

    Raises
    ------
    FileNotFoundError, IsADirectoryError, OSError : a file is missing, a folder, or cannot be read.
    ValueError : with file and line: bytes that are not of the encoding, damaged gzip data, a zero byte, a line that
        is too long, a row with too few columns, JSON or CSV that is none, two files of different length, a file
        without any pair; and arguments out of their range.
    """
    file, chosen = as_path("path", path), one_of("format", format, get_args(Format))
    columns = checked_column("source_column", source_column), checked_column("target_column", target_column)
    encoding, limit = as_text("encoding", encoding), integer("max_line", max_line, 1)
    if chosen == "parallel" or target_path is not None:
        _checked_for("parallel", columns)
        return _parallel(file, chosen, encoding, limit, target_path)
    with Lines(file, encoding, limit) as lines:
        kind = _format_of_pairs(file, lines, columns) if chosen == "auto" else chosen
        records = READERS[kind](lines, _checked_for(kind, columns))
        return replace(_pairs(records, str(file), kind), header=records.header)


def read_texts(
    path: str | os.PathLike[str],
    *,
    format: TextFormat = "auto",  # noqa: A002
    column: Column = 0,
    encoding: str = "utf-8",
    max_line: int = MAX_LINE,
    keep_empty: bool = False,
    unique: bool = False,
) -> Texts:
    """Read single texts from a file, for a language model. Blanks at both ends of a text are kept.

    Parameters
    ----------
    path : the file, plain or gzip
    format : 'lines', every line is a text; else see `read_pairs`. 'auto' goes by the name and the beginning of the
        file, and takes what is none of the other formats as 'lines'
    column : of a table, see `read_pairs`; for SQuAD 0 is 'question'; every turn of a dialogue is a text
    encoding, max_line : see `read_pairs`
    keep_empty : keep blank lines as texts; else they are passed over and counted
    unique : leave out texts that occurred before, and count them; SQuAD has the same context for several questions

    Returns
    -------
    Texts, at least one that is not blank

    Raises
    ------
    as `read_pairs`
    """
    file, chosen = as_path("path", path), one_of("format", format, get_args(TextFormat))
    columns, keep, once = (checked_column("column", column),), flag("keep_empty", keep_empty), flag("unique", unique)
    encoding, limit = as_text("encoding", encoding), integer("max_line", max_line, 1)
    with Lines(file, encoding, limit) as lines:
        kind = (recognised(file, lines, columns) or "lines") if chosen == "auto" else chosen
        records = READERS[kind](lines, _checked_for(kind, columns))
        found = [record[0] if record else "" for record in records]
    texts = [text for text in found if text and not text.isspace()]
    blanks = len(found) - len(texts)
    if not texts:
        raise ValueError(f"{file} has no text, expected at least one ({blanks} are empty)")
    texts = found if keep else texts
    kept = list(dict.fromkeys(texts)) if once else texts
    return Texts(kept, str(file), kind, records.header, len(texts) - len(kept), 0 if keep else blanks)


def _checked_for(kind: str, columns: Sequence[Column]) -> Sequence[Column]:
    """Return the columns, or raise ValueError where the format has none to choose from."""
    if kind in _WITHOUT_COLUMNS and list(columns) != list(range(len(columns))):
        raise ValueError(
            f"column is {', '.join(map(shown, columns))} with format {kind!r}, which has none: leave it out, "
            "or choose another format"
        )
    return columns


def _format_of_pairs(path: Path, lines: Lines, columns: Sequence[Column]) -> str:
    found = recognised(path, lines, columns)
    if found is None and has_tabs(lines):
        return "tsv"
    if found is None and lines.head().strip():
        raise ValueError(
            f"{path}, line 1: no tab between two columns, expected source, tab, target in every line: choose "
            "format='csv' or 'dialogue', or name the file with the targets as target_path"
        )
    return found or "tsv"


def _parallel(
    path: Path, chosen: str, encoding: str, max_line: int, target_path: str | os.PathLike[str] | None
) -> Pairs:
    if chosen not in ("parallel", "auto"):
        raise ValueError(f"format is {chosen!r} with a target_path, expected 'parallel', or no target_path")
    if target_path is None:
        raise ValueError("target_path is None, expected the file of the targets for format 'parallel'")
    other = as_path("target_path", target_path)
    with ExitStack() as stack:
        left = stack.enter_context(Lines(path, encoding, max_line))
        right = stack.enter_context(Lines(other, encoding, max_line))
        return _pairs(_side_by_side(left, right), f"{path}, {other}", "parallel")


def _side_by_side(left: Lines, right: Lines) -> Iterator[Record]:
    sources, targets = iter(left), iter(right)
    for source in sources:
        target = next(targets, None)
        if target is None:
            raise _unequal(left, sources, right)
        yield source, target
    if next(targets, None) is not None:
        raise _unequal(right, targets, left)


def _unequal(longer: Lines, rest: Iterator[str], shorter: Lines) -> ValueError:
    for _ in rest:
        pass
    return longer.wrong(
        f"{shorter.path} has no such line; it has {shorter.number} lines, {longer.path} {longer.number}, expected as "
        "many in both: line 1 belongs to line 1 and so on",
        shorter.number + 1,
    )


def _pairs(records: Iterable[Record], origin: str, kind: str) -> Pairs:
    seen: dict[tuple[str, str], None] = {}
    rows = empty = 0
    for record in records:
        if not record:
            empty += 1
            continue
        source, target = record
        pair = source.strip(), target.strip()
        if pair[0] and pair[1]:
            seen[pair] = None
            rows += 1
        else:
            empty += 1
    if not seen:
        raise ValueError(
            f"{origin} has no pair, expected at least one source with a target ({empty} rows have an empty one)"
        )
    sources, targets = [source for source, _ in seen], [target for _, target in seen]
    return Pairs(sources, targets, origin, kind, duplicates=rows - len(seen), empty=empty)
