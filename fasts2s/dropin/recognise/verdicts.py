"""What was found out about definitions, kept from run to run: to try a class takes some hundredths of a second.

The key hashes all the text that was read, and the versions of what computes. A file that is damaged is no file, and a
folder that cannot be written to keeps nothing: recognition then takes longer, and that is all.
"""

import hashlib
import json
import os
import platform
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import fasts2s
from fasts2s.backend import cache_folder

_NAME, _MOST = "recognised.json", 2000


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
    _write(known)


def key_of(*texts: str) -> str:
    """Return the key of a definition."""
    return hashlib.sha256("\n".join((_versions(), *texts)).encode()).hexdigest()[:32]


@cache
def _versions() -> str:
    """Return what else a verdict depends on: versions, and our own code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return f"{fasts2s.__version__} {np.__version__} {platform.python_version()} {digest.hexdigest()}"


def _file() -> Path:
    import platformdirs  # noqa: PLC0415 - where a folder is named nobody needs it

    return (cache_folder() or Path(platformdirs.user_cache_dir("fasts2s", False))) / _NAME


@cache
def _all() -> dict[str, Any]:
    try:
        read = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def forget() -> None:
    """Read the file again when it is next wanted."""
    _all.cache_clear()


def _write(known: dict[str, Any]) -> None:
    file = _file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=_NAME)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(known, out)
        Path(temporary).replace(file)
    except OSError:
        return
