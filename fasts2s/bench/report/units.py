"""Numbers as people read them. All of it is Latin-1, which every terminal shows."""

import math
from collections.abc import Sequence

TIMES, MICRO, PLUS_MINUS = "\u00d7", "\u00b5", "\u00b1"
_SCALES = {
    "s": ((1e-6, MICRO + "s"), (1e-3, "ms"), (1.0, "s")),
    "B": ((float(2**20), "MiB"),),
    "share": ((0.01, "%"),),
}


def number(value: float, digits: int = 3) -> str:
    """Return a number with at least so many significant digits and commas between thousands: 0.377, 37.5, 1,942."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def scale(unit: str, values: Sequence[float]) -> tuple[float, str]:
    """Return (what to divide by, name) of a unit in which values of ``unit``, one of UNITS, read well together."""
    logs = [math.log(v) for v in values if v > 0 and math.isfinite(v)]
    middle = math.exp(sum(logs) / len(logs)) if logs else 1.0
    steps = _SCALES.get(unit, ((1.0, unit),))
    return next((step for step in reversed(steps) if middle >= step[0]), steps[0])


def quantity(value: float, unit: str, beside: Sequence[float] = ()) -> str:
    """Return a value of ``unit``, one of UNITS, in a unit that suits it and those that stand beside it: 3.84 ms."""
    factor, name = scale(unit, beside or [value])
    return f"{number(value / factor)} {name}"


def _places(ratio: float) -> int:
    return 2 if ratio < 2 else 1 if ratio < 20 else 0


def times(ratio: float) -> str:
    """Return a ratio as 1.53×, 3.0× or 52×."""
    return f"{ratio:,.{_places(ratio)}f}{TIMES}"


def span(low: float, high: float, middle: float) -> str:
    """Return the quartiles of a ratio with as many digits as the ratio has: 2.9-3.1."""
    return f"{low:,.{_places(middle)}f}-{high:,.{_places(middle)}f}"


def percent(share: float) -> str:
    """Return a share as 14 %; below one with a digit after the point."""
    value = 100 * share
    return f"{value:.1f} %" if 0 < abs(value) < 0.95 else f"{value:.0f} %"


def noise(share: float) -> str:
    """Return relative noise as ±4 %."""
    return PLUS_MINUS + percent(share)


def rate(per_second: float) -> str:
    """Return how many in a second: 950, 167 k, 1.20 M."""
    for factor, name in ((1e6, " M"), (1e3, " k")):
        if per_second >= factor:
            return number(per_second / factor) + name
    return number(per_second)


def duration(seconds: float) -> str:
    """Return how long something took: 8 s, 2 min 10 s, 1 h 3 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def plain(text: object) -> str:
    """Return a text on one line, with ``?`` for what a terminal might not show."""
    line = " ".join(str(text).split())
    return "".join(c if " " <= c <= "~" or c in TIMES + MICRO + PLUS_MINUS else "?" for c in line)


def clip(text: str, width: int) -> str:
    """Return a text of at most ``width`` characters, with three dots where some were left out."""
    return text if len(text) <= width else text[: width - 3] + "..."
