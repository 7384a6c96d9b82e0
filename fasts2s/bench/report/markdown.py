"""The report as GitHub Markdown."""

import re
from collections.abc import Sequence

from fasts2s.bench import machine
from fasts2s.bench.report import document, view
from fasts2s.bench.report.document import Part, Table
from fasts2s.bench.report.view import Column
from fasts2s.bench.results import Result

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&$])")


def escaped(text: object) -> str:
    """Return a text on one line in which nothing means anything to Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def markdown(result: Result, picture: str = "") -> str:
    """Return the whole report; ``picture`` is the address of the learning curves, if they are to be shown."""
    blocks = [f"# {escaped(document.title(result))}"]
    blocks.append(f"{escaped(machine.line(result.machine))}  \n{escaped(document.versions(result))}")
    blocks += [f"**{caution}**" for caution in [document.caution(result)] if caution]
    for part in document.parts(result):
        blocks += _part(part, picture if part.key == "story" else "") if part.key != "machine" else []
    return "\n\n".join(blocks) + "\n"


def _part(part: Part, picture: str) -> list[str]:
    blocks = [f"## {part.title}", f"**{escaped(part.lead)}**" if part.lead else ""]
    blocks.append(f"![{escaped(part.lead or 'Learning curves')}]({picture})" if picture else "")
    blocks += [*map(_table, part.tables), _listed(part.lines)]
    blocks.append(f"*{escaped(part.note)}*" if part.note else "")
    return [block for block in blocks if block]


def table(result: Result, group: str) -> str:
    """Return the table of a group, or a table for each sweep of "scaling"; "" where there is nothing to show."""
    return "\n\n".join(_table(document.table(section)) for section in view.sections(result, group))


def _table(one: Table) -> str:
    blocks = [f"**{escaped(one.title)}**" if one.title else "", table_of(one.columns), _listed(one.below)]
    return "\n\n".join(block for block in blocks if block)


def table_of(columns: Sequence[Column]) -> str:
    """Return columns as a table; names stand to the left, all others to the right."""
    rows = [[escaped(column.head.replace("\n", " ")) for column in columns]]
    rows.append(["---" if column.kind == "case" else "---:" for column in columns])
    rows += [[escaped(cell) for cell in line] for line in zip(*(c.cells for c in columns), strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"* {escaped(line)}" for line in lines)
