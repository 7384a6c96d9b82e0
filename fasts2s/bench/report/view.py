"""What stands in the tables, whatever they are written in: sections of a group, their lines, their columns."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fasts2s.bench.report import units
from fasts2s.bench.results import Result, Row

#: They only multiply and add, in registers: others are shown as a share of them.
PEAKS = ("FMA peak", "device peak")
#: Cases from which on a table leaves out the quartiles.
MANY = 13

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
        return self.group == "kernels" or len(self.lines) >= MANY


@dataclass(frozen=True)
class Column:
    """A column of a table: its head (``\\n`` between lines), a cell for each line of the section, its kind."""

    head: str
    cells: tuple[str, ...]
    kind: str = "value"


def title_of(group: str) -> str:
    """Return what stands above a group."""
    return TITLES.get(group, group)


def figure(row: Row | None, name: str) -> float | None:
    """Return a number of ``row.info``; None if it is not there or no finite number."""
    value = None if row is None else row.info.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def sections(result: Result, group: str, contestants: Sequence[str] | None = None) -> list[Section]:
    """Return the tables of a group that have lines; with ``contestants`` only those are shown."""
    lines = []
    for case, rows in result.of(group):
        base = rows[0].contestant
        wanted = contestants if contestants is not None else [r.contestant for r in rows if r.contestant not in PEAKS]
        kept = tuple(r for r in rows if r.contestant in wanted or (contestants is None and r.contestant == base))
        lines += [Line(case, kept, base)] if kept else []
    if group == "scaling":
        return _sweeps(lines)
    return [Section(group, title_of(group), tuple(lines))] if lines else []


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
    """Return the columns of a section: case, times, noise, shares of the peak, ratios, rates."""
    names = section.contestants
    shown = [section.base] if section.brief and section.base in names and section.others else names
    found = [Column("case", tuple(line.name for line in section.lines), "case")]
    found += [Column(name, tuple(line.shown(name) for line in section.lines)) for name in shown]
    worst = [max(row.noise for row in line.rows) for line in section.lines]
    found.append(Column("noise", tuple(units.noise(w) for w in worst), "noise"))
    if section.group != "scaling":
        found += _shares(section) + [ratio_column(section, name) for name in section.others] + _rates(section)
    return found


def ratio_column(section: Section, contestant: str) -> Column:
    """Return the column of one contestant's ratios."""
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


def _rates(section: Section) -> list[Column]:
    for key, head in (("tokens_per_s", "tokens/s"), ("samples_per_s", "samples/s")):
        values = [figure(line.of(section.base), key) for line in section.lines]
        if any(values):
            return [Column(f"{head}\n{section.base}", tuple(units.rate(v) if v else "" for v in values), "rate")]
    return []


def _shares(section: Section) -> list[Column]:
    found = []
    for name in section.contestants:
        values = [figure(line.of(name), "peak_share") for line in section.lines]
        if any(v is not None for v in values):
            cells = tuple("" if v is None else units.percent(v) for v in values)
            found.append(Column(f"of peak\n{name}", cells, "share"))
    return found


def mean_ratio(section: Section, contestant: str) -> tuple[float, int] | None:
    """Return the geometric mean of a contestant's ratios and over how many cases; None without any."""
    rows = [line.of(contestant) for line in section.lines if line.base == section.base]
    logs = [math.log(row.ratio) for row in rows if row is not None and row.ratio]
    return (math.exp(sum(logs) / len(logs)), len(logs)) if logs else None


def means(section: Section) -> dict[str, float]:
    """Return contestant -> geometric mean of its ratios, where that says something: over two cases or more."""
    if section.group not in AVERAGED:
        return {}
    found = {name: mean_ratio(section, name) for name in section.others}
    return {name: mean[0] for name, mean in found.items() if mean is not None and mean[1] > 1}
