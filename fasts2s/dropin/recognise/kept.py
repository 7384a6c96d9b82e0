"""Files in which something is kept from run to run, in the user's cache folder or the one that the switch names.

A file that is damaged is no file, and a folder that cannot be written to keeps nothing: recognition takes longer
then, and that is all. So it is where others may write to the folder: what is in it decides what is replaced.
"""

import hashlib
import json
import os
import stat
from functools import cache
from pathlib import Path
from typing import Any

import fasts2s
from fasts2s.backend import cache_folder


def folder() -> Path:
    """Return the folder, which may not exist."""
    named = cache_folder()
    if named is None:
        import platformdirs  # noqa: PLC0415

        named = Path(platformdirs.user_cache_dir("fasts2s", False))
    return named.absolute() / "recognised"


@cache
def ours() -> str:
    """Return a text that is another one for another version, or another text, of what recognises.

    Files are told apart as Python does for what it compiles: by their time and size.
    """
    here, said = Path(__file__).parent, [fasts2s.__version__]
    for folder in (here, here.parent / "book"):
        with os.scandir(folder) as files:
            infos = {file.name: file.stat() for file in files if file.name.endswith((".py", ".json"))}
        said += [f"{name} {info.st_size} {info.st_mtime_ns}" for name, info in sorted(infos.items())]
    return hashlib.sha256(f"{here} {said}".encode(errors="surrogatepass")).hexdigest()


def read(file: Path) -> dict[str, Any]:
    """Return what is kept in a file; nothing where it is not there, or is not what was written."""
    try:
        if not _is_private(file.parent):
            return {}
        seal, _, text = file.read_text(encoding="utf-8").partition("\n")
        found = json.loads(text) if seal == _seal(text) else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(file: Path, value: dict[str, Any]) -> None:
    """Keep this in a file, which is there whole or not at all: several processes may write it at once."""
    import tempfile  # noqa: PLC0415 - most runs write nothing

    text = json.dumps(value, separators=(",", ":"))
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(file.parent):
            return
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(f"{_seal(text)}\n{text}")
            Path(temporary).replace(file)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        return


def _is_private(folder: Path) -> bool:
    """Return whether nobody else may write to a folder. Raises OSError where it is not there."""
    if os.name == "nt":
        return True
    info = folder.stat()
    return info.st_uid == os.getuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _seal(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
