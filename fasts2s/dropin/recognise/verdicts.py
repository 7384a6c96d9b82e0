"""What was found out about definitions, kept from run to run: to try a class takes some hundredths of a second.

The key hashes all the text that was read, and the versions of what computes.
"""

import hashlib
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import kept
from fasts2s.dropin.replace import originals

_NAME, _MOST = "verdicts.json", 2000


def get(key: str) -> dict[str, Any] | None:
    """Return what was found out, if it was."""
    found = _all().get(key)
    return found if isinstance(found, dict) else None


def put(key: str, verdict: dict[str, Any]) -> None:
    """Keep what was found out."""
    known = _all()
    known[key] = verdict
    while len(known) > _MOST:
        del known[next(iter(known))]
    kept.write(_file(), known)


def require(key: str, reason: Callable[[], str]) -> None:
    """Raise UnrecognisedError with the reason why a definition is another, as it was found before or is now.

    ``reason`` runs the definition, and what it calls, as they stand in their text.
    """
    verdict = get(key)
    if verdict is None:
        from fasts2s.dropin.recognise.copies import quietly  # noqa: PLC0415 - most were tried before

        try:
            with quietly(), originals.Suspended():
                verdict = {"reason": reason()}
        except UnrecognisedError as error:
            verdict = {"reason": str(error)}
        put(key, verdict)
    if verdict["reason"]:
        raise UnrecognisedError(verdict["reason"])


def key_of(*texts: str) -> str:
    """Return the key of a definition."""
    return hashlib.sha256("\n".join((_versions(), *texts)).encode()).hexdigest()[:32]


@cache
def _versions() -> str:
    """Return what else a verdict depends on: versions, and our own code."""
    return f"{kept.ours()} {np.__version__} {platform.python_version()}"


def _file() -> Path:
    return kept.folder() / _NAME


@cache
def _all() -> dict[str, Any]:
    return kept.read(_file())


def forget() -> None:
    """Read the file again when it is next wanted."""
    _all.cache_clear()
