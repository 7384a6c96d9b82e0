"""How numbers grow with a size: exponents, who is ahead from which size on, what more threads bring."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fasts2s.bench.compare import allowed
from fasts2s.bench.report.units import PLUS_MINUS, TIMES, number
from fasts2s.bench.report.view import figure
from fasts2s.bench.results import Result

#: Letter of the sweeps over threads; they get speed-ups in place of exponents.
THREADS = "threads"
#: Those whose way past the others is looked for.
LEADERS = ("cupy", "numba")


@dataclass(frozen=True)
class Series:
    """A contestant's numbers over the sizes of a letter, the smallest first, and their noise; values are above 0."""

    sweep: str
    letter: str
    contestant: str
    unit: str
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    noises: tuple[float, ...]


@dataclass(frozen=True)
class Fit:
    """value = constant * size ** exponent, fitted to the larger half of the sizes.

    Attributes
    ----------
    exponent, error : float
        The exponent and its standard error.
    sizes : tuple of float
        The sizes that were fitted.
    """

    sweep: str
    letter: str
    contestant: str
    exponent: float
    error: float
    sizes: tuple[float, ...]


@dataclass(frozen=True)
class Crossover:
    """From which size on a leader is ahead of another.

    Attributes
    ----------
    size : float or None
        The size; the smallest that was measured if it is ahead everywhere; None if it is not ahead at the largest,
        or nowhere by more than the noise.
    text : str
        The same in words.
    """

    sweep: str
    letter: str
    first: str
    other: str
    size: float | None
    text: str


@dataclass(frozen=True)
class Speedup:
    """How many times as fast as on one thread a contestant is, for each number of threads."""

    sweep: str
    contestant: str
    threads: tuple[float, ...]
    times: tuple[float, ...]


def all_series(result: Result) -> list[Series]:
    """Return the rows of the group "scaling" as series; rows that name no sweep, letter and size are left out."""
    found: dict[tuple[str, str, str, str], dict[float, tuple[float, float]]] = {}
    for row in result.rows:
        size, sweep, letter = figure(row, "size"), row.info.get("sweep"), row.info.get("letter")
        if row.group != "scaling" or size is None or size <= 0 or not sweep or not letter or row.value <= 0:
            continue
        found.setdefault((str(sweep), str(letter), row.contestant, row.unit), {}).setdefault(
            size, (row.value, row.noise)
        )
    return [
        Series(*key, tuple(sorted(m)), *zip(*(m[size] for size in sorted(m)), strict=True))
        for key, m in found.items()
    ]


def exponent(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Return the exponent of a power law and its standard error, by least squares over logarithms.

    sizes and values: as many of each, above 0, at least 3 sizes that differ.
    """
    xs, ys = [math.log(s) for s in sizes], [math.log(v) for v in values]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
    left = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in zip(xs, ys, strict=True))
    return slope, math.sqrt(left / (len(xs) - 2) / spread)


def fits(result: Result) -> list[Fit]:
    """Return the exponents of all series of three sizes or more, but those over threads."""
    found = []
    for one in all_series(result):
        if one.letter == THREADS or len(one.sizes) < 3:
            continue
        kept = max(3, math.ceil(len(one.sizes) / 2))
        sizes, values = one.sizes[-kept:], one.values[-kept:]
        found.append(Fit(one.sweep, one.letter, one.contestant, *exponent(sizes, values), sizes))
    return found


def crossovers(result: Result) -> list[Crossover]:
    """Return, for every sweep and letter but threads, from where on each leader is ahead of the others."""
    groups: dict[tuple[str, str, str], list[Series]] = {}
    for one in all_series(result):
        if one.letter != THREADS:
            groups.setdefault((one.sweep, one.letter, one.unit), []).append(one)
    found = []
    for members in groups.values():
        found += [crossing for a, b in _pairs(members) if (crossing := crossover(a, b)) is not None]
    return found


def _pairs(members: list[Series]) -> Iterator[tuple[Series, Series]]:
    """Yield who is compared with whom; without a leader it is the first one with all others."""
    by_name = {one.contestant: one for one in members}
    leaders = [by_name[name] for name in LEADERS if name in by_name] or members[:1]
    for k, leader in enumerate(leaders):
        yield from ((leader, other) for other in members if other not in leaders[: k + 1])


def crossover(a: Series, b: Series) -> Crossover | None:
    """Return from which size on a is below b, interpolated over logarithms; None if no size is common to both."""
    ours, others = dict(zip(a.sizes, a.values, strict=True)), dict(zip(b.sizes, b.values, strict=True))
    sizes = [size for size in a.sizes if size in others]
    if not sizes:
        return None
    gaps = [math.log(ours[size]) - math.log(others[size]) for size in sizes]
    behind = [k for k, gap in enumerate(gaps) if gap >= 0]
    letter, size, text = a.letter, None, ""
    if all(abs(gap) <= math.log(most) for gap, most in zip(gaps, _allowed(a, b, sizes), strict=True)):
        text = "they differ by no more than the noise"
    elif not behind:
        size, text = sizes[0], f"ahead from the smallest size measured ({letter}={sizes[0]:g})"
    elif behind[-1] < len(sizes) - 1:
        size = _between(sizes, gaps, behind[-1])
        text = f"ahead from {letter}={number(size, 2)} on"
    elif len(behind) == len(sizes):
        text = f"not ahead up to {letter}={sizes[-1]:g}"
    else:
        last = max(k for k, gap in enumerate(gaps) if gap < 0)
        text = f"ahead only up to {letter}={number(_between(sizes, gaps, last), 2)}"
    return Crossover(a.sweep, letter, a.contestant, b.contestant, size, text)


def _allowed(a: Series, b: Series, sizes: list[float]) -> list[float]:
    """Return by what factor the two may differ for no reason, at each of these sizes."""
    ours, others = (dict(zip(one.sizes, one.noises, strict=True)) for one in (a, b))
    return [allowed(ours[size], others[size]) for size in sizes]


def _between(sizes: list[float], gaps: list[float], k: int) -> float:
    """Return where the gap is 0 between sizes k and k + 1; the gap of one of them is not 0."""
    low, high = math.log(sizes[k]), math.log(sizes[k + 1])
    return math.exp(low + (high - low) * gaps[k] / (gaps[k] - gaps[k + 1]))


def speedups(result: Result) -> list[Speedup]:
    """Return what more threads bring, for every sweep over threads that has been measured on one."""
    found = []
    for one in all_series(result):
        if one.letter == THREADS and one.sizes[0] == 1:
            times = tuple(one.values[0] / value for value in one.values)
            found.append(Speedup(one.sweep, one.contestant, one.sizes, times))
    return found


def sentences(result: Result, sweep: str, letter: str) -> list[str]:
    """Return what a sweep of a letter says, in words; nothing for one that is not there."""
    own = [fit for fit in fits(result) if (fit.sweep, fit.letter) == (sweep, letter)]
    growth = [f"{fit.contestant} as {letter}^{fit.exponent:.2f} {PLUS_MINUS}{fit.error:.2f}" for fit in own]
    found = []
    if own:
        sizes = f"{own[0].sizes[0]:g} to {own[0].sizes[-1]:g}"
        found.append(f"From {letter} = {sizes} it grows: {', '.join(growth)} (standard error).")
    for one in crossovers(result):
        if (one.sweep, one.letter) == (sweep, letter):
            found.append(f"{one.first} against {one.other}: {one.text}.")
    for gain in speedups(result) if letter == THREADS else ():
        if gain.sweep == sweep:
            steps = [f"{t:.2f}{TIMES} on {n:g}" for n, t in zip(gain.threads, gain.times, strict=True) if n != 1]
            found += [f"Speed-up of {gain.contestant} over one thread: {', '.join(steps)}."] if steps else []
    return found
