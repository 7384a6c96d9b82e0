"""A folder that one training at a time writes to."""

from pathlib import Path

from fasts2s.commands.errors import CommandError
from fasts2s.resuming.lock import HeldError, Lock, lock_of

#: The file in a run's folder from which it goes on.
CHECKPOINT = "checkpoint.npz"
_NAME = ".lock"


class FolderLock:
    """Holds a folder, and the checkpoint in it, until it is released, or the process ends in whatever way.

    A program that trains by ``fit(checkpoint=...)`` holds the checkpoint alone. CommandError if another one holds
    either of them, OSError if the files that are locked cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._locks: list[Lock] = []
        try:
            self._locks.append(Lock(folder / _NAME))
            self._locks.append(lock_of(folder / CHECKPOINT))
        except HeldError:
            self.release()
            raise CommandError(
                f"another training is writing to {folder}: wait for it, or give another --out"
            ) from None
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let others have the folder."""
        for lock in reversed(self._locks):
            lock.release()
