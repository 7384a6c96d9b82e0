"""What the GPU programs print and write: lines of contestants, goals, a repeat of the first measurement, JSON."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu.timing import Contestant, ratio, spread

#: How far apart the first measurement and its repeat may be, as a factor.
AGREE = 1.1
_KERNEL = "{:<33}{:<22}{:>10}{:>9}  {:<19}{:>7}  {:<16}{:>10}{:>7}  {}"
_STEP = "{:<30}{:<22}{:>10}{:>9}  {:<19}{:>7}  {:<16}{:>9}  {}"


@dataclass(frozen=True)
class Goal:
    """What is aimed at.

    Attributes
    ----------
    row, peer : str
        The row, and the contestant whose time is divided by ours; "" where only our own time counts.
    ratio : float or None
        At least this.
    seconds : float or None
        Our own time at most.
    """

    row: str
    peer: str = ""
    ratio: float | None = None
    seconds: float | None = None


def times(one: Contestant) -> list[float]:
    """Return what counts of a contestant: its time on the device where that was measured, else at the wall."""
    return one.device or one.wall


def print_head(kernels: bool) -> None:
    """Print the names of the columns."""
    if kernels:
        names = ("device us", "min", "(quartiles)", "ratio", "(quartiles)", "call us", "ratio")
        print(_KERNEL.format("case", "contestant", *names, "errors, notes"))
    else:
        names = ("step ms", "min", "(quartiles)", "ratio", "(quartiles)", "launches")
        print(_STEP.format("case", "contestant", *names, "errors, notes"))


def print_row(row: str, timed: list[Contestant], kernels: bool) -> None:
    """Print the lines of a row; ratios where the first contestant is ours."""
    for one in timed:
        first = timed[0]
        notes = [f"{kind} {error:.0e}" for kind, error in one.errors.items()]
        notes += ["(*) the host's gaps are in it"] if one.late else []
        cells = [*_spread_cells(one, kernels), *_ratio_cells(times(one), None if one is first else first)]
        text = ", ".join([*notes, one.note] if one.note else notes)
        if kernels:
            wall = ratio(one.wall, first.wall)["median"] if first is not one and first.label == "ours" else None
            more = [f"{1e6 * spread(one.wall)['median']:.1f}", "" if wall is None else f"{wall:.2f}"]
            print(_KERNEL.format(row if one is first else "", one.label, *cells, *more, text), flush=True)
        else:
            launches = "" if one.launches is None else str(one.launches)
            print(_STEP.format(row if one is first else "", one.label, *cells, launches, text), flush=True)


def _spread_cells(one: Contestant, kernels: bool) -> list[str]:
    found, scale, digits = spread(times(one)), 1e6 if kernels else 1e3, 1 if kernels else 3
    middle, least, low, high = (f"{scale * found[k]:.{digits}f}" for k in ("median", "minimum", "low", "high"))
    return [middle + "*" * one.late, least, f"({low} to {high})"]


def _ratio_cells(a: list[float], first: Contestant | None) -> list[str]:
    if first is None or first.label != "ours":
        return ["", ""]
    found = ratio(a, times(first))
    return [f"{found['median']:.2f}", f"({found['low']:.2f} to {found['high']:.2f})"]


def as_json(row: str, timed: list[Contestant]) -> list[dict[str, Any]]:
    """Return the lines of a row for a file: seconds, and ratios to the first contestant."""
    found = []
    for one in timed:
        line: dict[str, Any] = {
            "row": row, "contestant": one.label, "note": one.note, "errors": one.errors,
            "host_too_slow": one.late, "launches": one.launches,
        }  # fmt: skip
        for name, values, mine in (("device", one.device, timed[0].device), ("wall", one.wall, timed[0].wall)):
            if values:
                line |= {name: spread(values), f"{name}_ratio": ratio(values, mine), f"{name}_rounds": values}
        found.append(line)
    return found


def judge_goals(goals: tuple[Goal, ...], rows: dict[str, list[Contestant]], dry: bool) -> list[dict[str, Any]]:
    """Print every goal with what was reached, met or missed; return the same for a file."""
    print("\nGoals" + (" (--dry: of no meaning)" if dry else ""))
    found = []
    for goal in goals:
        timed = {one.label: one for one in rows.get(goal.row, [])}
        reached = _reached(goal, timed)
        wanted = f">= {goal.ratio} x {goal.peer}" if goal.ratio else f"<= {1e6 * (goal.seconds or 0):.0f} us"
        if reached is None:
            verdict, text = "not judged", "not measured"
        elif goal.ratio:
            verdict, text = "met" if reached >= goal.ratio else "missed", f"{reached:.2f} x"
        else:
            verdict, text = "met" if reached <= (goal.seconds or 0) else "missed", f"{1e6 * reached:.1f} us"
        print(f"{verdict:<12}{goal.row:<36}{wanted:<34}{text}")
        found.append({"row": goal.row, "goal": wanted, "reached": reached, "verdict": verdict})
    return found


def _reached(goal: Goal, timed: dict[str, Contestant]) -> float | None:
    if "ours" not in timed:
        return None
    if goal.ratio is None:
        return spread(times(timed["ours"]))["median"]
    peer = timed.get(goal.peer)
    return None if peer is None else ratio(times(peer), times(timed["ours"]))["median"]


def judge_repeat(first: list[Contestant], again: list[Contestant]) -> list[str]:
    """Print how far the repeat of the first measurement is from it; return complaints."""
    complaints = []
    for one in again:
        before = next((a for a in first if a.label == one.label), None)
        if before is None:
            continue
        factor = spread(times(one))["median"] / spread(times(before))["median"]
        agrees = 1 / AGREE <= factor <= AGREE
        print(
            f"repeat of the first row, {one.label}: {factor:.3f} of the first time, {'agrees' if agrees else 'OFF'}"
        )
        if not agrees:
            complaints.append(f"{one.label}: the repeat of the first row took {factor:.2f} of its time")
    return complaints


def write(path: str, content: dict[str, Any]) -> None:
    """Write a file of JSON."""
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
