"""A folder that one training at a time writes to."""

import contextlib
import errno
import os
import sys
from pathlib import Path

from fasts2s.commands.errors import CommandError

_NAME = ".lock"
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


class FolderLock:
    """Holds a folder until it is released, or the process ends in whatever way. CommandError if another one holds it.

    The system keeps the lock, not the file: one that a killed training left behind locks nothing. Where the file
    system cannot lock, nothing is locked.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._handle: int | None = self._take()

    def _take(self) -> int:
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                _lock(handle)
                # Who held it may have removed the file since it was opened: then others lock another one.
                if os.name == "nt" or os.path.samestat(os.fstat(handle), self._path.stat()):
                    return handle
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno not in _HELD:
                    return handle
                os.close(handle)
                raise CommandError(
                    f"another training is writing to {self._path.parent}: wait for it, or give another --out"
                ) from None
            os.close(handle)

    def release(self) -> None:
        """Let others have the folder."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        if os.name == "nt":  # an open file cannot be removed there, and one that others opened neither
            os.close(handle)
        with contextlib.suppress(OSError):
            self._path.unlink()
        if os.name != "nt":
            os.close(handle)


def _lock(handle: int) -> None:
    """Lock an open file for this process; OSError if another one has done so, or files cannot be locked here."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
