"""Fonts for letters that the usual one lacks: names of files are in every language."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

#: Holds every character, as a box with its number.
_BOXES = "Last Resort"


def families_for(text: str) -> list[str]:
    """Return the families that show a text: the usual one, then for what it lacks the first that has it."""
    return ["sans-serif", *_others(frozenset(text))[0]]


def without_font(text: str) -> str:
    """Return the letters of a text that no font of this machine has, in their order, each once."""
    missing = _others(frozenset(text))[1]
    return "".join(c for c in dict.fromkeys(text) if c in missing)


@lru_cache(maxsize=8)
def _others(characters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the families beside the usual one, and the characters that none has."""
    from matplotlib.font_manager import FontProperties, fontManager  # noqa: PLC0415 - only who draws pays for it

    missing = {c for c in characters if c.isprintable()} - _held(fontManager.findfont(FontProperties()), characters)
    found: list[str] = []
    for entry in _in_order(fontManager.ttflist):
        if not missing:
            break
        held = _held(entry.fname, missing)
        if held:
            found.append(entry.name)
            missing -= held
    return tuple(found), frozenset(missing)


def _in_order(entries: Iterable[Any]) -> list[Any]:
    """Return the fonts, upright ones of usual weight first."""
    kept = (entry for entry in entries if not entry.name.startswith(_BOXES))
    return sorted(kept, key=lambda e: (e.style != "normal", str(e.weight) not in {"400", "normal"}, e.name, e.fname))


def _held(path: str | Path, characters: Iterable[str]) -> set[str]:
    """Return which characters a font has; none if it cannot be read or scaled."""
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415

    try:
        font = FT2Font(str(path))
    except (OSError, RuntimeError):
        return set()
    return {c for c in characters if font.get_char_index(ord(c))} if font.scalable else set()
