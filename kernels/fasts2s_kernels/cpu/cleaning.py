"""Deleting what other versions left in the cache of compiled kernels, while their processes may run."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import filelock

from fasts2s_kernels.cpu.cache import LOCK, fingerprint

_NAME = re.compile(r"kernels-[0-9a-f]{16}")


class Cleaned(NamedTuple):
    """What :func:`clean` did.

    Attributes
    ----------
    base : Path
        Where the folders lie.
    removed : int
        Folders that are gone.
    freed : int
        Bytes of the files in them.
    kept : list of Path
        Folders that another process is writing to, or that cannot be deleted.
    """

    base: Path
    removed: int
    freed: int
    kept: list[Path]


def clean(base: Path) -> Cleaned:
    """Delete all folders of kernels in a cache's folder but the one that this process uses.

    What a process has loaded it keeps in memory. One that compiles for such a folder at this moment holds its lock:
    then the folder stays. One that comes later finds no folder, and compiles again.
    """
    removed, freed, kept, own = 0, 0, [], f"kernels-{fingerprint()}"
    for folder in sorted(base.glob("kernels-*")):
        if not _NAME.fullmatch(folder.name) or folder.name == own or folder.is_symlink() or not folder.is_dir():
            continue
        size = _size(folder)
        try:
            _delete(folder)
        except OSError:  # a lock that is held is one, too
            kept.append(folder)
            freed += size - _size(folder)
            continue
        removed, freed = removed + 1, freed + size
    return Cleaned(base, removed, freed, kept)


def _size(folder: Path) -> int:
    found = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            found += path.lstat().st_size if path.is_file() else 0
    return found


def _delete(folder: Path) -> None:
    lock = filelock.FileLock(folder / LOCK, timeout=0)
    with lock:
        for path in sorted(folder.rglob("*"), reverse=True):  # what lies in a folder comes before it
            if path != folder / LOCK:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        if os.name != "nt":
            (folder / LOCK).unlink()
            folder.rmdir()
    if os.name == "nt":  # a file that is open cannot be deleted there
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()
