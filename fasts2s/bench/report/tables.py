"""The report for the terminal: at most 100 columns, Latin-1."""

import textwrap
from collections.abc import Iterator, Sequence

from fasts2s.bench import machine
from fasts2s.bench.report import document
from fasts2s.bench.report.document import Part, Table
from fasts2s.bench.report.units import clip, plain
from fasts2s.bench.report.view import Column
from fasts2s.bench.results import GROUPS, Result

WIDTH = 100
#: The most columns that the name of a case and that of a contestant may take.
_CASE, _NAME, _GAP = 48, 28, 2
#: What stands in the method of a run and must be said beside its tables.
_TOLD = ("left out", "host too slow")


def text(result: Result) -> str:
    """Return the whole report: heading, tables, the story of the peeky model, failures, a caution if there is one."""
    about = (document.title(result), machine.line(result.machine), document.versions(result))
    blocks = [wrapped(*about), wrapped(document.legend(result))]
    found = {part.key: part for part in document.parts(result)}
    blocks += [_part(found[key]) for key in (*GROUPS, "goals", "story") if key in found]
    blocks += [wrapped(f"{key}: {result.method[key]}") for key in _TOLD if key in result.method]
    if "failures" in found:
        lines = [_filled(line, "FAILED: ") for line in found["failures"].lines]
        blocks.append("\n".join([_underlined("Failures"), *lines]))
    caution = document.caution(result)
    return "\n\n".join([*blocks, wrapped(caution)] if caution else blocks)


def group_text(result: Result, group: str) -> str:
    """Return the tables of a group, with what follows from them; "" for a group without rows."""
    return next((_part(part) for part in document.parts(result) if part.key == group), "")


def _part(part: Part) -> str:
    if part.tables:
        return "\n\n".join(_titled(part, one) for one in part.tables)
    lines = [_filled(line, "- ") for line in part.lines]
    return "\n".join([_underlined(part.title), *([wrapped(part.lead)] if part.lead else []), *lines])


def _titled(part: Part, one: Table) -> str:
    base = one.section.base if one.section else ""
    shown = [c for c in one.columns if c.kind != "share" or c.head.endswith(f"\n{base}")]
    return "\n".join([_underlined(one.title or part.title), table(shown), *map(wrapped, one.below)])


def table(columns: Sequence[Column]) -> str:
    """Return columns as lines; where they do not fit, they go on below, with the first one again."""
    return "\n\n".join("\n".join(_block(some)) for some in _blocks([_plain(column) for column in columns]))


def _plain(column: Column) -> Column:
    most = _CASE if column.kind == "case" else _NAME
    head = "\n".join(clip(plain(line), _NAME) for line in column.head.split("\n"))
    return Column(head, tuple(clip(plain(cell), most) for cell in column.cells), column.kind)


def _width(column: Column) -> int:
    return max(map(len, [*column.head.split("\n"), *column.cells]))


def _blocks(columns: Sequence[Column]) -> Iterator[list[Column]]:
    """Yield the columns in blocks that fit; each begins with the first column, the names of the cases."""
    case, *rest = columns
    taken, fits = [case], sum(_width(c) + _GAP for c in columns) - _GAP <= WIDTH
    ratios = next((k for k, c in enumerate(rest) if c.kind == "ratio"), len(rest))
    for k, column in enumerate(rest):
        wide = sum(_width(c) + _GAP for c in [*taken, column]) - _GAP > WIDTH
        if len(taken) > 1 and (wide or (k == ratios and not fits)):  # then ratios begin a block
            yield taken
            taken = [case]
        taken.append(column)
    yield taken


def _block(columns: Sequence[Column]) -> Iterator[str]:
    """Yield the lines of a block: heads, a rule, cells; names to the left, all others to the right."""
    heads = [column.head.split("\n") for column in columns]
    depth, widths = max(map(len, heads)), [_width(column) for column in columns]
    lines = [[head[k] if k < len(head) else "" for head in heads] for k in range(depth)]
    cells = list(zip(*(column.cells for column in columns), strict=True))
    for k, line in enumerate([*lines, *cells]):
        if k == depth:
            yield "-" * (sum(widths) + _GAP * (len(widths) - 1))
        pairs = zip(line, widths, columns, strict=True)
        padded = [cell.ljust(width) if c.kind == "case" else cell.rjust(width) for cell, width, c in pairs]
        yield (" " * _GAP).join(padded).rstrip()


def _underlined(title: str) -> str:
    lines = textwrap.wrap(plain(title), WIDTH)
    return "\n".join([*lines, "=" * max(map(len, lines), default=0)])


def _filled(line: str, begin: str = "") -> str:
    """Return a text in lines that fit, the first after ``begin``; a number stays with its %."""
    kept = plain(line).replace(" %", "\0%")
    filled = textwrap.fill(kept, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin))
    return filled.replace("\0", " ")


def wrapped(*lines: str) -> str:
    """Return texts in lines that fit."""
    return "\n".join(map(_filled, lines))
