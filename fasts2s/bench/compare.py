"""Two runs of the suite side by side: what became faster or slower by more than the runs' own noise."""

import math
import textwrap
from typing import Any, NamedTuple

from fasts2s.bench.noise import allowed
from fasts2s.bench.report.units import quantity
from fasts2s.bench.results import Result, Row

#: Width of the text, in characters.
WIDTH = 100
#: Entries of ``Result.machine`` that differ between any two runs and say nothing about the machine.
PASSING = ("load_before", "load_after", "gpu", "gpu_after", "peak", "reads")
#: Verdicts for a smaller and a larger number, by unit.
_VERDICTS = {"s": ("faster", "slower"), "B": ("smaller", "larger"), "share": ("worse", "better")}
#: Indentation of a row's name: the width of the columns before it.
_NAME = 51


class Difference(NamedTuple):
    """One row that both runs have.

    ratio is new / old value: 1 if both are 0; None if only the old one is 0, or the units differ. From 1 / allowed to
    allowed it is within the noise. verdict: same, faster, slower (s), smaller, larger (B), better, worse (share), or
    "unit?" for units that differ.
    """

    old: Row
    new: Row
    ratio: float | None
    allowed: float
    verdict: str

    @property
    def size(self) -> float:
        """How far the ratio is from 1, as a logarithm without sign; infinite where there is no ratio, or it is 0."""
        return abs(math.log(self.ratio)) if self.ratio else math.inf


class Comparison(NamedTuple):
    """What two runs have in common, rows that the other one lacks, and what else differs, old -> new.

    Differences beyond the noise come first, the largest at the top; the others in the order of the new run.
    """

    differences: list[Difference]
    only_old: list[Row]
    only_new: list[Row]
    warnings: list[str]

    @property
    def agreeing(self) -> int:
        """Number of rows within the noise."""
        return sum(one.verdict == "same" for one in self.differences)


def compare(old: Result, new: Result) -> Comparison:
    """Compare two results, row by row of the same group, case and contestant. Nothing is raised for odd numbers."""
    before, after = ({row.key: row for row in result.rows} for result in (old, new))
    both = [_difference(before[key], row) for key, row in after.items() if key in before]
    both.sort(key=lambda one: (1, 0.0) if one.verdict == "same" else (0, -one.size))
    only_old = [row for key, row in before.items() if key not in after]
    only_new = [row for key, row in after.items() if key not in before]
    return Comparison(both, only_old, only_new, _warnings(old, new))


def _difference(old: Row, new: Row) -> Difference:
    factor = allowed(old.noise, new.noise)
    if old.unit != new.unit:
        return Difference(old, new, None, factor, "unit?")
    # Multiplied, not divided: one of them may be 0, and then only 0 is the same.
    same = max(old.value, new.value) <= min(old.value, new.value) * factor
    verdict = "same" if same else _VERDICTS[old.unit][new.value > old.value]
    ratio = new.value / old.value if old.value else 1.0 if new.value == 0 else None
    return Difference(old, new, ratio, factor, verdict)


def _warnings(old: Result, new: Result) -> list[str]:
    """Return a line for everything that the runs do not have in common beside their numbers."""
    found = [] if old.plan == new.plan else [f"plan: {old.plan} -> {new.plan}"]
    lasting = ({k: v for k, v in result.machine.items() if k not in PASSING} for result in (old, new))
    return found + _changes("", *lasting) + _changes("version of ", old.versions, new.versions)


def _changes(what: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    changed = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    return [f"{what}{name}: {old.get(name, 'not stated')} -> {new.get(name, 'not stated')}" for name in changed]


def text(comparison: Comparison) -> str:
    """Return the comparison as lines of at most 100 characters, the summary last."""
    lines = [_wrapped(f"CAUTION: the runs differ in {warning}", 4) for warning in comparison.warnings]
    if comparison.differences:
        lines += [""] * bool(lines) + [_columns("verdict", "new/old", "allowed", "old", "new", "row")]
    for one in comparison.differences:
        ratio = "-" if one.ratio is None else f"{one.ratio:.3f}"
        before, after = (quantity(row.value, row.unit) for row in (one.old, one.new))
        lines.append(_columns(one.verdict, ratio, f"{one.allowed:.3f}", before, after, _name(one.new)))
    for which, rows in (("old", comparison.only_old), ("new", comparison.only_new)):
        lines += [_wrapped(f"only in the {which} run: {_name(row)}", 4) for row in rows]
    total = len(comparison.differences)
    summary = "the two runs have no row in common: nothing can be compared"
    if total:
        percent = f"{100 * comparison.agreeing / total:.1f} %"
        summary = f"{comparison.agreeing} of {total} rows ({percent}) agree within the noise that the two runs state"
    return "\n".join([*lines, *[""] * bool(lines), summary])


def _columns(verdict: str, ratio: str, factor: str, old: str, new: str, name: str) -> str:
    return _wrapped(f"{verdict:<7}{ratio:>9}{factor:>9}{old:>12}{new:>12}  {name}", _NAME)


def _name(row: Row) -> str:
    return f"{row.group}: {row.case}, {row.contestant}"


def _wrapped(line: str, indent: int) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent=" " * indent)
