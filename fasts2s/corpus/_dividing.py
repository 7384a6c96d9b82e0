"""Lines of a text in training, validation and test part, in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

_BLANK = re.compile(r"\s")
#: So far behind the place where a text is to be cut a blank is looked for.
_NEAR = 200

_Units = TypeVar("_Units", str, list[str])


def divided(lines: Sequence[str], valid_fraction: float, test_fraction: float) -> tuple[list[list[str]], bool]:
    """Return the lines of the three parts, and whether every part ends where a line does.

    The text is cut between lines if that gives every part half its share of characters at least, else inside of
    them, at a blank if one is near. A part that is wanted at all has one line, and what is missing is the first's.
    """
    kept = list(lines)
    parts = _cut(kept, valid_fraction, test_fraction)
    total = _size(kept)
    shares = (1 - valid_fraction - test_fraction, valid_fraction, test_fraction)
    if all(_size(part) >= share * total / 2 for part, share in zip(parts, shares, strict=True)):
        return parts, True
    return [part.split("\n") if part else [] for part in _cut("\n".join(kept), valid_fraction, test_fraction)], False


def _size(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines)


def _cut(units: _Units, valid_fraction: float, test_fraction: float) -> list[_Units]:
    """Cut lines, or a text, in three."""
    n_valid, n_test = (
        max(1, round(fraction * len(units))) if fraction > 0 else 0 for fraction in (valid_fraction, test_fraction)
    )
    first, second = max(0, len(units) - n_valid - n_test), max(0, len(units) - n_test)
    if isinstance(units, str):
        second = _blank_behind(units, second, len(units)) if n_test else second
        first = _blank_behind(units, first, second) if n_valid else second
        return [units[:first], units[first:second].lstrip(" \n"), units[second:].lstrip(" \n")]
    return [units[:first], units[first:second], units[second:]]


def _blank_behind(text: str, place: int, end: int) -> int:
    found = _BLANK.search(text, place, min(end, place + _NEAR))
    return found.start() if found and place < len(text) else place
