"""How numbers grow with a size: exponents, who is ahead from which size on, what more threads bring."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fasts2s.bench.noise import allowed
from fasts2s.bench.report.units import PLUS_MINUS, TIMES, number
from fasts2s.bench.report.view import Section, figure

#: Letter of the sweeps over threads; they get speed-ups in place of exponents.
THREADS = "threads"
#: Those whose way past the others is looked for.
LEADERS = ("cupy", "numba")


@dataclass(frozen=True)
class Series:
    """A contestant's numbers over the sizes of a letter, the smallest first, and their noise; values are above 0."""

    letter: str
    contestant: str
    unit: str
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    noises: tuple[float, ...]


def series_of(section: Section) -> list[Series]:
    """Return the rows of a sweep as series."""
    found: dict[tuple[str, str], dict[float, tuple[float, float]]] = {}
    for row in (row for line in section.lines for row in line.rows if section.sweep):
        size = figure(row, "size")
        if size and size > 0 and row.value > 0:
            found.setdefault((row.contestant, row.unit), {}).setdefault(size, (row.value, row.noise))
    return [
        Series(section.letter, *key, tuple(sorted(m)), *zip(*(m[size] for size in sorted(m)), strict=True))
        for key, m in found.items()
    ]


def exponent(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Return the exponent of a power law and its standard error, by least squares over logarithms.

    sizes and values: as many of each, above 0, at least 3 sizes that differ.
    """
    (slope, _), covariance = np.polyfit(np.log(sizes), np.log(values), 1, cov=True)
    return float(slope), float(covariance[0, 0]) ** 0.5


def growth(one: Series) -> tuple[float, float, tuple[float, ...]]:
    """Return exponent and standard error over the larger half of the sizes, 3 at least, and those sizes."""
    kept = max(3, math.ceil(len(one.sizes) / 2))
    return *exponent(one.sizes[-kept:], one.values[-kept:]), one.sizes[-kept:]


def rivals(members: list[Series]) -> Iterator[tuple[Series, Series]]:
    """Yield who is compared with whom, in one unit; without a leader it is the first one with all others."""
    by_name = {one.contestant: one for one in members}
    leaders = [by_name[name] for name in LEADERS if name in by_name] or members[:1]
    for k, leader in enumerate(leaders):
        others = (other for other in members if other not in leaders[: k + 1] and other.unit == leader.unit)
        yield from ((leader, other) for other in others)


def crossover(a: Series, b: Series) -> tuple[float | None, str]:
    """Return from which size on a is below b, interpolated over logarithms, and the same in words.

    The size is the smallest that was measured if a is ahead everywhere; None if it is not ahead at the largest, or
    nowhere by more than the noise. The words are "" if no size is common to both.
    """
    ours, others = (dict(zip(s.sizes, zip(s.values, s.noises, strict=True), strict=True)) for s in (a, b))
    sizes = [size for size in a.sizes if size in others]
    gaps = [math.log(ours[size][0]) - math.log(others[size][0]) for size in sizes]
    noise = [math.log(allowed(ours[size][1], others[size][1])) for size in sizes]
    behind = [k for k, gap in enumerate(gaps) if gap >= 0]
    if all(abs(gap) <= most for gap, most in zip(gaps, noise, strict=True)):
        return None, "they differ by no more than the noise" if sizes else ""
    if not behind:
        return sizes[0], f"ahead from the smallest size measured ({a.letter}={sizes[0]:g})"
    if behind[-1] < len(sizes) - 1:
        size = _between(sizes, gaps, behind[-1])
        return size, f"ahead from {a.letter}={number(size, 2)} on"
    if len(behind) == len(sizes):
        return None, f"not ahead up to {a.letter}={sizes[-1]:g}"
    last = max(k for k, gap in enumerate(gaps) if gap < 0)
    return None, f"ahead only up to {a.letter}={number(_between(sizes, gaps, last), 2)}"


def _between(sizes: list[float], gaps: list[float], k: int) -> float:
    """Return where the gap is 0 between sizes k and k + 1; the gap of one of them is not 0."""
    low, high = math.log(sizes[k]), math.log(sizes[k + 1])
    return math.exp(low + (high - low) * gaps[k] / (gaps[k] - gaps[k + 1]))


def speedups(members: Sequence[Series]) -> dict[str, dict[float, float]]:
    """Return contestant -> threads -> how many times as fast as on one, for those that were measured on one."""
    return {
        one.contestant: {n: one.values[0] / value for n, value in zip(one.sizes, one.values, strict=True)}
        for one in members
        if one.letter == THREADS and one.sizes[0] == 1
    }


def sentences(section: Section) -> list[str]:
    """Return what a sweep of a letter says, in words; nothing for a section that is none."""
    members, letter = series_of(section), section.letter
    if letter == THREADS:
        return [
            f"Speed-up of {name} over one thread: {', '.join(f'{t:.2f}{TIMES} on {n:g}' for n, t in rest)}."
            for name, gains in speedups(members).items()
            if (rest := [(n, t) for n, t in gains.items() if n != 1])
        ]
    found, fits = [], [(one.contestant, *growth(one)) for one in members if len(one.sizes) >= 3]
    if fits:
        own = ", ".join(f"{name} as {letter}^{slope:.2f} {PLUS_MINUS}{error:.2f}" for name, slope, error, _ in fits)
        sizes = fits[0][3]
        found.append(f"From {letter} = {sizes[0]:g} to {sizes[-1]:g} it grows: {own} (standard error).")
    pairs = ((a, b, crossover(a, b)[1]) for a, b in rivals(members))
    return found + [f"{a.contestant} against {b.contestant}: {text}." for a, b, text in pairs if text]
