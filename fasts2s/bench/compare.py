"""Two runs of the suite side by side: what became faster or slower by more than the runs' own noise."""

import math
import textwrap
from dataclasses import dataclass, field
from typing import Any

from fasts2s.bench.results import Result, Row

#: Width of the text, in characters.
WIDTH = 100
#: Entries of ``Result.machine`` that differ between any two runs and say nothing about the machine.
PASSING = ("load_before", "load_after")
#: Verdicts for a smaller and a larger number, by unit.
_VERDICTS = {"s": ("faster", "slower"), "B": ("smaller", "larger"), "share": ("worse", "better")}
#: Indentation of a row's name: the width of the columns before it.
_NAME = 47


@dataclass(frozen=True)
class Difference:
    """One row that both runs have.

    Attributes
    ----------
    old, new : Row
    ratio : float or None
        New value / old value; 1 if both are 0; None if only the old one is 0, or the units differ.
    allowed : float
        From 1 / allowed to allowed a ratio is within the noise.
    verdict : str
        same, faster, slower (s), smaller, larger (B), better, worse (share), or "unit?" for units that differ.
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


@dataclass(frozen=True)
class Comparison:
    """What two runs have in common and what not.

    Attributes
    ----------
    differences : list of Difference
        Those beyond the noise come first, the largest at the top; the others in the order of the new run.
    only_old, only_new : list of Row
        Rows that the other run lacks.
    warnings : list of str
        What else differs between the runs, old -> new.
    """

    differences: list[Difference]
    only_old: list[Row] = field(default_factory=list)
    only_new: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def agreeing(self) -> int:
        """Number of rows within the noise."""
        return sum(one.verdict == "same" for one in self.differences)

    @property
    def agreement(self) -> float:
        """Share of rows within the noise, of those that both runs have, 0 to 1; 0 if they have none in common."""
        return self.agreeing / len(self.differences) if self.differences else 0.0


def allowed(old_noise: float, new_noise: float) -> float:
    """Return the factor >= 1 by which two numbers with these relative noises may differ, up or down."""
    return math.exp(math.hypot(math.log1p(old_noise), math.log1p(new_noise)))


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
    low, high = min(old.value, new.value), max(old.value, new.value)
    same = high <= low * factor
    verdict = "same" if same else _VERDICTS[old.unit][new.value > old.value]
    return Difference(old, new, _ratio(old.value, new.value), factor, verdict)


def _ratio(old: float, new: float) -> float | None:
    if old == 0:
        return 1.0 if new == 0 else None
    return new / old


def _warnings(old: Result, new: Result) -> list[str]:
    """Return a line for everything that the runs do not have in common beside their numbers."""
    found = [] if old.plan == new.plan else [f"plan: {old.plan} -> {new.plan}"]
    lasting = ({k: v for k, v in result.machine.items() if k not in PASSING} for result in (old, new))
    return found + _changes("", *lasting) + _changes("version of ", old.versions, new.versions)


def _changes(what: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    names = list(old) + [name for name in new if name not in old]
    changed = [name for name in names if old.get(name) != new.get(name)]
    return [f"{what}{name}: {old.get(name, 'not stated')} -> {new.get(name, 'not stated')}" for name in changed]


def text(comparison: Comparison) -> str:
    """Return the comparison as lines of at most 100 characters, the summary last."""
    lines = [line for warning in comparison.warnings for line in _wrapped(f"CAUTION: the runs differ in {warning}")]
    if comparison.differences:
        lines += [""] * bool(lines) + [_columns("verdict", "new/old", "allowed", "old", "new", "row")]
        lines += [line for one in comparison.differences for line in _lines(one)]
    for which, rows in (("old", comparison.only_old), ("new", comparison.only_new)):
        lines += [line for row in rows for line in _wrapped(f"only in the {which} run: {_name(row)}")]
    return "\n".join([*lines, *[""] * bool(lines), _summary(comparison)])


def _summary(comparison: Comparison) -> str:
    total = len(comparison.differences)
    if not total:
        return "the two runs have no row in common: nothing can be compared"
    percent = f"{100 * comparison.agreement:.1f} %"
    return f"{comparison.agreeing} of {total} rows ({percent}) agree within the noise that the two runs state"


def _lines(one: Difference) -> list[str]:
    ratio = "-" if one.ratio is None else f"{one.ratio:.3f}"
    name = textwrap.wrap(_name(one.new), WIDTH - _NAME) or [""]
    before, after = (shown_value(row.value, row.unit) for row in (one.old, one.new))
    first = _columns(one.verdict, ratio, f"{one.allowed:.3f}", before, after, name[0])
    return [first, *(" " * _NAME + line for line in name[1:])]


def _columns(verdict: str, ratio: str, factor: str, old: str, new: str, name: str) -> str:
    return f"{verdict:<7}{ratio:>9}{factor:>9}{old:>10}{new:>10}  {name}"


def _name(row: Row) -> str:
    return f"{row.group}: {row.case}, {row.contestant}"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ")


def shown_value(value: float, unit: str) -> str:
    """Return a number with three digits and its unit: seconds, bytes, or a share in percent."""
    if unit == "share":
        return f"{100 * value:.2f} %"
    if unit == "s":
        scales = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
    else:
        scales = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
    # From 0.9995 on three digits would show 1000 of the smaller unit.
    scale, name = next((pair for pair in scales if value >= 0.9995 * pair[0]), scales[-1])
    return f"{value:.0f} B" if name == "B" else f"{_three_digits(value / scale)} {name}"


def _three_digits(value: float) -> str:
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}"
