"""The report as GitHub Markdown."""

import re
from collections.abc import Sequence

from fasts2s.bench.report import scaling, story, view, words
from fasts2s.bench.report.view import Section
from fasts2s.bench.results import GROUPS, Result

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&$])")


def escaped(text: object) -> str:
    """Return a text on one line in which nothing means anything to Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def markdown(result: Result, picture: str = "") -> str:
    """Return the whole report; ``picture`` is the address of the learning curves, if they are to be shown."""
    parts = [
        f"# {escaped(words.title(result))}",
        f"{escaped(words.machine(result))}  \n{escaped(words.versions(result))}",
    ]
    parts += [f"**{caution}**" for caution in [words.caution(result)] if caution]
    head, lines = story.headline(result), story.sentences(result)
    if lines:
        parts += ["## From the plain model to the peeky one", *([f"**{escaped(head)}.**"] if head else [])]
        parts += [f"![{escaped(head or 'Learning curves')}]({picture})"] if picture else []
        parts.append("\n".join(f"* {escaped(line)}" for line in lines))
    for group in GROUPS:
        body = table(result, group)
        if body:
            parts += [f"## {view.title_of(group)}", body]
            parts += [f"*{escaped(result.method[group])}*"] if result.method.get(group) else []
    told = [f"{key}: {text}" for key, text in result.method.items() if key not in GROUPS]
    parts += ["## How it was measured", "\n".join(f"* {escaped(line)}" for line in [words.legend(result), *told])]
    if result.failures:
        parts += ["## Failures", "\n".join(f"* {escaped(failure)}" for failure in result.failures)]
    return "\n\n".join(parts) + "\n"


def table(result: Result, group: str, contestants: Sequence[str] | None = None) -> str:
    """Return the table of a group, or a table for each sweep of "scaling"; "" where there is nothing to show.

    ``contestants``: those that are shown, all without it; ratios stay those to the case's first contestant.
    """
    found = view.sections(result, group, contestants)
    return "\n\n".join(_section(result, section) for section in found)


def _section(result: Result, section: Section) -> str:
    columns = view.columns(section)
    rows = [[escaped(column.head.replace("\n", " ")) for column in columns]]
    rows.append(["---" if column.kind == "case" else "---:" for column in columns])
    rows += [[escaped(cell) for cell in line] for line in zip(*(column.cells for column in columns), strict=True)]
    below = [words.mean_line(section, view.means(section))]
    below += scaling.sentences(result, section.sweep, section.letter)
    parts = [f"**{escaped(section.title)}**"] if section.sweep else []
    parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    parts += ["\n".join(f"* {escaped(line)}" for line in below if line)] if any(below) else []
    return "\n\n".join(parts)
