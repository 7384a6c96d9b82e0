"""The report for the terminal: at most 100 columns, Latin-1."""

import textwrap
from collections.abc import Iterator, Sequence

from fasts2s.bench.report import scaling, story, view, words
from fasts2s.bench.report.units import clip, plain
from fasts2s.bench.report.view import Column, Section
from fasts2s.bench.results import GROUPS, Result

WIDTH = 100
#: The most columns that the name of a case and that of a contestant may take.
_CASE, _NAME, _GAP = 48, 24, 2


def text(result: Result) -> str:
    """Return the whole report: heading, tables, the story of the peeky model, failures, a caution if there is one."""
    parts = [_wrapped(words.title(result), words.machine(result), words.versions(result))]
    tables = [group_text(result, group) for group in GROUPS]
    parts.append(_wrapped(words.legend(result)))
    parts += [table for table in tables if table]
    parts += filter(None, [_story(result), _failures(result)])
    caution = words.caution(result)
    return "\n\n".join([*parts, _wrapped(caution)] if caution else parts)


def group_text(result: Result, group: str) -> str:
    """Return the tables of a group, with what follows from them; "" for a group without rows."""
    return "\n\n".join(section_text(result, section) for section in view.sections(result, group))


def section_text(result: Result, section: Section) -> str:
    """Return one table with its title and what follows from it."""
    shown = [c for c in view.columns(section) if c.kind != "share" or c.head.endswith(f"\n{section.base}")]
    blocks = ["\n".join(_block(columns)) for columns in _blocks([_plain(c) for c in shown])]
    below = [words.mean_line(section, view.means(section))]
    below += scaling.sentences(result, section.sweep, section.letter)
    return "\n".join([_underlined(section.title), "\n\n".join(blocks), *(_wrapped(line) for line in below if line)])


def _plain(column: Column) -> Column:
    most = _CASE if column.kind == "case" else _NAME
    head = "\n".join(clip(plain(line), _NAME) for line in column.head.split("\n"))
    return Column(head, tuple(clip(plain(cell), most) for cell in column.cells), column.kind)


def _width(column: Column) -> int:
    return max(map(len, [*column.head.split("\n"), *column.cells]))


def _blocks(columns: Sequence[Column]) -> Iterator[list[Column]]:
    """Yield the columns in blocks that fit; each begins with the first column, the names of the cases."""
    case, *rest = columns
    taken = [case]
    if sum(_width(c) + _GAP for c in columns) - _GAP > WIDTH:  # then ratios begin a block
        split = next((k for k, c in enumerate(rest) if c.kind == "ratio"), len(rest))
        parts = [rest[:split], rest[split:]]
    else:
        parts = [rest]
    for part in parts:
        for column in part:
            if sum(_width(c) + _GAP for c in [*taken, column]) - _GAP > WIDTH:
                yield taken
                taken = [case]
            taken.append(column)
        if len(taken) > 1:
            yield taken
            taken = [case]


def _block(columns: Sequence[Column]) -> Iterator[str]:
    """Yield the lines of a block: heads, a rule, cells; all but the first column to the right."""
    heads = [column.head.split("\n") for column in columns]
    depth, widths = max(map(len, heads)), [_width(column) for column in columns]
    lines = [[head[k] if k < len(head) else "" for head in heads] for k in range(depth)]
    cells = list(zip(*(column.cells for column in columns), strict=True))
    for k, line in enumerate([*lines, *cells]):
        if k == depth:
            yield "-" * (sum(widths) + _GAP * (len(widths) - 1))
        padded = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        yield (" " * _GAP).join([line[0].ljust(widths[0]), *padded]).rstrip()


def _underlined(title: str) -> str:
    lines = textwrap.wrap(plain(title), WIDTH)
    return "\n".join([*lines, "=" * max(map(len, lines), default=0)])


def _filled(line: str, begin: str = "") -> str:
    """Return a text in lines that fit, the first after ``begin``; a number stays with its %."""
    kept = plain(line).replace(" %", "\0%")
    filled = textwrap.fill(kept, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin))
    return filled.replace("\0", " ")


def _wrapped(*lines: str) -> str:
    return "\n".join(map(_filled, lines))


def _story(result: Result) -> str:
    head, lines = story.headline(result), story.sentences(result)
    if not lines:
        return ""
    listed = [_filled(line, "- ") for line in lines]
    return "\n".join(
        [_underlined("From the plain model to the peeky one"), *([_wrapped(head + ".")] * bool(head)), *listed]
    )


def _failures(result: Result) -> str:
    listed = [_filled(failure, "FAILED: ") for failure in result.failures]
    return "\n".join([_underlined("Failures"), *listed]) if listed else ""
