"""Replace a file so that a crash, a kill or a full disk never costs the last good one.

The new content goes to a temporary file in the same folder and is flushed to the disk; the old file gets a second
name (a hard link); the temporary file is renamed over the target; the second name is renamed over the previous file.
Each rename is atomic, and the target's name refers to a whole file at every moment, also for a reader beside us.
"""

import contextlib
import errno
import os
import platform
import re
import secrets
import shutil
import stat
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from fasts2s.checkpoint.errors import CheckpointWarning
from fasts2s_kernels.checks.arguments import as_path

_IS_WINDOWS = os.name == "nt"

# A writer stamps its temporary file with every write; after this long without one it is dead or hopeless.
_ABANDONED_AFTER_S = 600.0

# What file systems answer that cannot flush a folder, or hide it from us; there is nothing to repair then.
_CANNOT_FLUSH_FOLDER = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.ENOSYS}


def previous_path(path: str | os.PathLike[str]) -> Path:
    """Return where the file saved before `path` is kept: `model.npz` → `model.npz.prev`, links followed.

    Parameters
    ----------
    path : path of a file written by `save_arrays`

    Returns
    -------
    pathlib.Path : absolute path of the previous file, whether it exists or not
    """
    target = as_path("path", path).resolve()
    return target.with_name(target.name + ".prev")


def write_atomically(
    path: str | os.PathLike[str], write: Callable[[BinaryIO], None], *, keep_if: Callable[[Path], bool] | None = None
) -> None:
    """Let `write` fill a new file and put it in place of `path` in one step.

    If an exception leaves this function, `path` holds what it held before (only an interrupt may also come after
    the new file is in place). No temporary file stays; those of writers that were killed are removed.

    Parameters
    ----------
    path : file to make or replace; a symbolic link is followed, access rights of an old file are kept
    write : called once with the open binary file
    keep_if : asked about the old file; where it says True, that file is kept at `previous_path(path)`

    Raises
    ------
    ValueError : `path` is a folder, a device or another thing that is not a plain file
    OSError : the disk is full or fails, the folder does not exist, no permission

    Warns
    -----
    CheckpointWarning : the new file is in place, but the previous one could not be renewed or the folder not flushed
    """
    target = as_path("path", path).resolve()
    old = _status(target)
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {str(target.parent)!r} to write into", str(path))
    _sweep(target)
    # The names are drawn before the try, so that an interrupt at any later point finds them.
    fresh, aside = _temporary(target), _temporary(target)
    try:
        _write_flushed(fresh, write, old)
        keep = old is not None and keep_if is not None and keep_if(target)
        if keep:
            _give_second_name(target, aside)
        _replace(fresh, target)
        _settle(target, aside if keep else None)
    except OSError as cause:
        if cause.filename not in {str(fresh), str(aside)}:
            raise
        raise OSError(cause.errno, cause.strerror, str(path)) from cause  # the file that was asked for
    finally:
        for temporary in (fresh, aside):
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _status(target: Path) -> os.stat_result | None:
    """Return the old file's status, None if there is none; refuse to replace a folder or a device."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{target} is not a plain file, expected the path of a file to write")
    return status


def _write_flushed(fresh: Path, write: Callable[[BinaryIO], None], old: os.stat_result | None) -> None:
    """Make `fresh`, let `write` fill it, and return once the disk has it."""
    with _create(fresh) as file:
        if old is not None:
            # FAT and some network file systems have no access rights to set.
            with contextlib.suppress(OSError):
                fresh.chmod(stat.S_IMODE(old.st_mode))
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _create(fresh: Path) -> BinaryIO:
    """Open a new file for writing; the one place where a temporary file is made."""
    return fresh.open("xb")


def _give_second_name(target: Path, aside: Path) -> None:
    """Give the old file a second name; where the file system knows no hard links, copy it."""
    try:
        aside.hardlink_to(target)
    except (OSError, NotImplementedError):
        with target.open("rb") as source, _create(aside) as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())


def _replace(source: Path, target: Path) -> None:
    """Rename over `target`; on Windows wait a little for readers and virus scanners, which block this there."""
    for pause in (0.02, 0.1, 0.5) if _IS_WINDOWS else ():
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(pause)
    source.replace(target)


def _settle(target: Path, aside: Path | None) -> None:
    """Renew the previous file and flush the folder; the new file is in place, so failures are warnings."""
    if aside is not None:
        previous = previous_path(target)
        try:
            _replace(aside, previous)
        except OSError as cause:
            warnings.warn(
                f"{target} is saved, but {previous} still holds an older state ({cause}): check that file",
                CheckpointWarning,
                stacklevel=4,
            )
    try:
        _flush_folder(target.parent)
    except OSError as cause:
        warnings.warn(
            f"{target} is saved, but a power cut may bring back the old file ({cause}): check the disk",
            CheckpointWarning,
            stacklevel=4,
        )


def _flush_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut, where the system lets us."""
    if _IS_WINDOWS:
        return  # a folder cannot be opened there
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as cause:
        if cause.errno not in _CANNOT_FLUSH_FOLDER:
            raise


def _host() -> str:
    """Return eight hex digits for this machine: a process number means nothing on another one."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _temporary(target: Path) -> Path:
    """Draw the name of a temporary file that tells its target, machine and process."""
    return target.with_name(f".{target.name}.{_host()}-{os.getpid()}-{secrets.token_hex(8)}.tmp")


def _sweep(target: Path) -> None:
    """Remove temporary files that killed writers of `target` left behind; never fails."""
    ours = re.compile(re.escape(f".{target.name}.") + r"([0-9a-f]{8})-([0-9]{1,10})-[0-9a-f]{16}\.tmp")
    with contextlib.suppress(OSError):
        for entry in target.parent.iterdir():
            match = ours.fullmatch(entry.name)
            with contextlib.suppress(OSError):
                if match and _is_abandoned(entry, host=match[1], pid=int(match[2])):
                    entry.unlink()


def _is_abandoned(entry: Path, host: str, pid: int) -> bool:
    """Tell whether nobody writes `entry` any more."""
    status = entry.lstat()
    # A second name of an old file has that file's old mtime, but a new ctime.
    if time.time() - max(status.st_mtime, status.st_ctime) > _ABANDONED_AFTER_S:
        return True
    return host == _host() and not _is_running(pid)


def _is_running(pid: int) -> bool:
    """Tell whether a process of this machine runs; True where that cannot be asked."""
    if _IS_WINDOWS:
        return True  # os.kill(pid, 0) sends Ctrl-C there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
