"""A file that one process at a time, and one training of it, may have."""

import contextlib
import errno
import os
import sys
from pathlib import Path

_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


class HeldError(Exception):
    """Another one has the lock."""


class Lock:
    """Holds a file, made for that alone, until it is released, or the process ends in whatever way.

    The system keeps the lock, not the file: one that a killed training left behind locks nothing. Where the file
    system cannot lock, nothing is locked.

    Raises HeldError if another one holds it, OSError if the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
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
                raise HeldError from None
            os.close(handle)

    def release(self) -> None:
        """Let others have it."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        if os.name == "nt":  # an open file cannot be removed there, and one that others opened neither
            os.close(handle)
        with contextlib.suppress(OSError):
            self._path.unlink()
        if os.name != "nt":
            os.close(handle)


def lock_of(checkpoint: Path) -> Lock:
    """Return the lock of a checkpoint, which stands beside it. Raises HeldError, OSError."""
    target = checkpoint.resolve()
    return Lock(target.with_name(f".{target.name}.lock"))


def _lock(handle: int) -> None:
    """Lock an open file for this process; OSError if another one has done so, or files cannot be locked here."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
