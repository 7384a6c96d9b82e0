"""What stands in the tables, whatever they are written in: sections of a group, their lines, their columns."""

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fasts2s.bench.report import units
from fasts2s.bench.results import Result, Row

#: They only multiply and add, in registers: others are shown as a share of them.
PEAKS = ("FMA peak", "device peak")

TITLES = {
    "steps": "One training step of a whole model: forward, backward, clipping of gradients, update",
    "layers": "One layer at a time, forward and backward (LSTM: batch x time x inputs x hidden units)",
    "answers": "Answers of trained models",
    "kernels": "The kernels one by one, at the sizes of the book",
    "data": "Reading and preparing data",
    "start": "From the start of the program to the end of its first training step",
    "memory": "Most memory that training steps take, above what the model takes",
    "scaling": "How time and memory grow with the sizes",
    "learning": "Whole trainings: right answers to the test questions, and the time of an epoch",
    "scripts": "Whole scripts, from the start of the process to its end",
}
#: Groups whose cases are alike enough for a mean of ratios.
AVERAGED = ("steps", "layers", "answers", "kernels", "data", "scripts")
#: Number of ``row.info`` -> head of its column, and how it is written.
FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "bound_share": ("bound", units.percent),
    "gflops": ("GFLOP/s", units.number),
    "launches": ("launches", units.number),
    "tokens_per_s": ("tokens/s", units.rate),
    "samples_per_s": ("samples/s", units.rate),
}


@dataclass(frozen=True)
class Line:
    """A case: its name, the rows that are shown, and the contestant that ratios are taken to."""

    name: str
    rows: tuple[Row, ...]
    base: str

    def of(self, contestant: str) -> Row | None:
        """Return a contestant's row, or None."""
        return next((row for row in self.rows if row.contestant == contestant), None)

    def shown(self, contestant: str) -> str:
        """Return a contestant's number in the unit of the line; "" if it has none."""
        row = self.of(contestant)
        beside = [r.value for r in self.rows if row is not None and r.unit == row.unit]
        return "" if row is None else units.quantity(row.value, row.unit, beside)


@dataclass(frozen=True)
class Section:
    """A table: its group, a title, and lines; a part of the group "scaling" is for one sweep of one letter."""

    group: str
    title: str
    lines: tuple[Line, ...]
    sweep: str = ""
    letter: str = ""

    @property
    def contestants(self) -> list[str]:
        """All contestants in the order in which they come."""
        return list(dict.fromkeys(row.contestant for line in self.lines for row in line.rows))

    @property
    def base(self) -> str:
        """The contestant that ratios are taken to, but in lines that say otherwise."""
        return self.lines[0].base

    @property
    def others(self) -> list[str]:
        """All contestants that have a ratio somewhere."""
        with_ratio = {row.contestant for line in self.lines for row in line.rows if row.ratio is not None}
        return [name for name in self.contestants if name in with_ratio]

    @property
    def brief(self) -> bool:
        """Whether there are so many cases that quartiles are left out."""
        return self.group == "kernels"


@dataclass(frozen=True)
class Column:
    """A column of a table: its head (``\\n`` between lines), its cells, its kind."""

    head: str
    cells: tuple[str, ...]
    kind: str = "value"


def figure(row: Row | None, name: str) -> float | None:
    """Return a number of ``row.info``; None if it is not there or no finite number."""
    value = None if row is None else row.info.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def sections(result: Result, group: str) -> list[Section]:
    """Return the tables of a group that have lines."""
    lines = []
    for case, (base, *others) in result.of(group):
        kept = (base, *(row for row in others if row.contestant not in PEAKS))
        lines.append(Line(case, kept, base.contestant))
    if group == "scaling":
        return _sweeps(lines)
    return [Section(group, TITLES[group], tuple(lines))] if lines else []


def _sweeps(lines: Iterable[Line]) -> list[Section]:
    parts: dict[tuple[str, str], list[tuple[float, Line]]] = {}
    for line in lines:
        info = line.rows[0].info
        sweep, letter, size = str(info.get("sweep", "")), str(info.get("letter", "")), figure(line.rows[0], "size")
        if sweep and letter and size is not None:
            parts.setdefault((sweep, letter), []).append((size, Line(f"{letter} = {size:g}", line.rows, line.base)))
        else:
            parts.setdefault(("", ""), []).append((0.0, line))
    found = []
    for (sweep, letter), members in parts.items():
        ordered = tuple(line for _, line in sorted(members, key=lambda member: member[0]))
        found.append(Section("scaling", _title(sweep, letter, ordered[0]), ordered, sweep, letter))
    return found


def _title(sweep: str, letter: str, line: Line) -> str:
    if not sweep:
        return TITLES["scaling"]
    base = str(line.rows[0].info.get("base", ""))
    against = "the number of threads" if letter == "threads" else letter
    return f"{sweep} against {against}" + (f" ({base})" if base else "")


def columns(section: Section) -> list[Column]:
    """Return the columns of a table with a line for each case: names, times, noise, figures, ratios, rates."""
    names = section.contestants
    shown = [section.base] if section.brief and section.base in names and section.others else names
    found = [Column("case", tuple(line.name for line in section.lines), "case")]
    found += [Column(name, tuple(line.shown(name) for line in section.lines)) for name in shown]
    worst = [max(row.noise for row in line.rows) for line in section.lines]
    found.append(Column("noise", tuple(units.noise(w) for w in worst), "noise"))
    if section.group != "scaling":
        found += [column for name in names for column in _figures(section, name, "bound_share")]
        found += [_ratio_column(section, name) for name in section.others]
        rates = {key: _figures(section, section.base, key) for key in FIGURES if key != "bound_share"}
        found += [column for key, some in rates.items() if key != "samples_per_s" for column in some]
        found += [] if rates["tokens_per_s"] else rates["samples_per_s"]
    return found


def _figures(section: Section, contestant: str, key: str) -> list[Column]:
    """Return the column of a contestant's figures; none if it has none."""
    cells = tuple(_written(line.of(contestant), key) for line in section.lines)
    kind = "share" if key == "bound_share" else "value"
    return [Column(f"{FIGURES[key][0]}\n{contestant}", cells, kind)] if any(cells) else []


def _written(row: Row | None, key: str) -> str:
    """Return a figure of a row as text, a bound after its name; "" without one."""
    value = figure(row, key)
    text = "" if row is None or value is None else FIGURES[key][1](value)
    return f"{row.info.get('bound', '')} {text}".strip() if row and text and key == "bound_share" else text


def _ratio_column(section: Section, contestant: str) -> Column:
    cells = tuple(ratio_text(line, contestant, section, not section.brief) for line in section.lines)
    return Column(f"{contestant}\n/ {section.base}", cells, "ratio")


def ratio_text(line: Line, contestant: str, section: Section, quartiles: bool = True) -> str:
    """Return a ratio, with its quartiles if they are wanted; a line with a base of its own names it."""
    row = line.of(contestant)
    if row is None or row.ratio is None:
        return ""
    text = units.times(row.ratio)
    if row.ratio_low is not None and row.ratio_high is not None and quartiles:
        text += " " + units.span(row.ratio_low, row.ratio_high, row.ratio)
    return text if line.base == section.base else f"{text} (to {line.base})"


def columns_by_row(section: Section) -> list[Column]:
    """Return the columns of a table with a line for every contestant of every case; no empty ones."""
    pairs = [(line, row) for line in section.lines for row in line.rows]
    found = [
        Column("case", tuple(line.name if row is line.rows[0] else "" for line, row in pairs), "case"),
        Column("contestant", tuple(row.contestant for _, row in pairs), "case"),
        Column("median", tuple(line.shown(row.contestant) for line, row in pairs)),
        Column("quartiles", tuple(_quartiles(line, row) for line, row in pairs)),
        Column(f"/ {section.base}", tuple(ratio_text(line, row.contestant, section) for line, row in pairs), "ratio"),
        Column("noise", tuple(units.noise(row.noise) for _, row in pairs), "noise"),
    ]
    found += [Column(head, tuple(_written(row, key) for _, row in pairs)) for key, (head, _) in FIGURES.items()]
    return [column for column in found if any(column.cells)]


def _quartiles(line: Line, row: Row) -> str:
    factor, unit = units.scale(row.unit, [r.value for r in line.rows if r.unit == row.unit])
    return f"{units.number(row.low / factor)}-{units.number(row.high / factor)} {unit}"


def mean_ratio(section: Section, contestant: str, lines: Iterable[Line] | None = None) -> tuple[float, int] | None:
    """Return the geometric mean of a contestant's ratios, in some lines or all, and of how many; None without any."""
    rows = [line.of(contestant) for line in lines or section.lines if line.base == section.base]
    known = [row.ratio for row in rows if row is not None and row.ratio]
    return (statistics.geometric_mean(known), len(known)) if known else None


def mean_line(section: Section) -> str:
    """Return the geometric means of ratios, in a line, where that says something: over two cases or more."""
    means = {name: mean_ratio(section, name) for name in section.others if section.group in AVERAGED}
    parts = [
        f"{name} / {section.base} {units.times(m[0])}" for name, m in means.items() if m is not None and m[1] > 1
    ]
    return f"Geometric mean of all cases: {', '.join(parts)}" if parts else ""
