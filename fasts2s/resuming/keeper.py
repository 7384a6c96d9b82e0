"""Writes the state of a training into a file beside the training, which waits only for a copy."""

import errno
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from fasts2s.checkpoint import CheckpointError, CheckpointWarning, load_arrays, previous_path, save_arrays
from fasts2s.resuming.tree import Packed
from fasts2s_kernels.arrays import Array

_FORMAT, _VERSION = "fasts2s-training", 1


class ResumeError(ValueError):
    """A training cannot go on from a file; the message names the file, what is wrong and what to do."""


class Keeper:
    """Keeps the state of a training in one file, with the one before beside it.

    Parameters
    ----------
    path : Path
    take : callable
        Returns the state as it is between two steps.
    steps : int or None
        Save after every so many steps ...
    seconds : float or None
        ... or when so much time has passed.
    say : callable
        Called with a line where a file cannot be written: the last good one stays, and the training goes on.
    fresh : bool
        Whether what the file holds is of another training: it is not kept as the one before.
    ranks : fasts2s.distributed.Ranks
        All of them make a keeper, and take part in every save; rank 0 says when it is time, and writes.
    """

    def __init__(
        self,
        path: Path,
        take: Callable[[], Packed],
        *,
        steps: int | None,
        seconds: float | None,
        say: Callable[[str], None],
        fresh: bool,
        ranks: Any,
    ) -> None:
        self._ranks = ranks
        self.path, self._take, self._say, self._fresh = path, take, say, fresh
        self._steps, self._seconds = steps, seconds
        self._count, self._last = 0, time.monotonic()
        # One thread for all files: a new one for each would hold the interpreter while it begins.
        self._writer: threading.Thread | None = None
        self._work: SimpleQueue[tuple[dict[str, Array], Any] | None] = SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._copies: dict[str, Array] = {}
        self._said = ""
        self._heard: list[str] = []

    def step(self) -> None:
        """Count a step; save if it is time and the last file is written."""
        self._count += 1
        late = self._seconds is not None and time.monotonic() - self._last >= self._seconds
        # Of several ranks all hear it after the next step.
        count = self._count + (self._ranks.size > 1)
        due = late or (self._steps is not None and count >= self._steps)
        if self._is_agreed(due and self._idle.is_set()):
            self.save(wait=False)
        elif self._heard:
            self._tell()

    def _is_agreed(self, due: bool) -> bool:
        """Return whether it is time on all ranks."""
        ranks = self._ranks
        if ranks.size == 1 or ranks.heard(ranks.SAVE):
            return due or bool(ranks.size > 1)
        if due and ranks.rank == 0:
            ranks.ask(ranks.SAVE)
        return False

    def save(self, *, wait: bool = True) -> None:
        """Save the state as it is now; ``wait`` until the file is written."""
        self._idle.wait()
        self._tell()
        self._count, self._last = 0, time.monotonic()
        self._save(wait)
        if wait:
            self._ranks.shared(lambda: None)  # all wait for the file: it may be the last thing that they do

    def _save(self, wait: bool) -> None:
        try:
            packed = self._take()
            if self._ranks.rank:
                return
            arrays = self._copied(packed.arrays)
        except MemoryError:
            self._complain("there is no memory for a copy")
            self._tell()
            return
        if wait:
            self._write(arrays, packed.tree)
            self._tell()
            return
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_all, name="fasts2s checkpoint", daemon=True)
            self._writer.start()
        self._idle.clear()
        self._work.put((arrays, packed.tree))

    def close(self) -> None:
        """Wait for the file that is being written, and end the thread."""
        if self._writer is not None:
            self._work.put(None)
            self._writer.join()
            self._writer = None
        self._tell()

    def _tell(self) -> None:
        """Say what went wrong, in the thread of the training."""
        heard, self._heard = self._heard, []
        for line in heard:
            self._say(line)

    def _copied(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """Return copies, in the memory of the last ones where they fit; what never changes is not copied."""
        copies: dict[str, Array] = {}
        for name, a in arrays.items():
            if not a.flags.writeable:
                copies[name] = a
                continue
            old = self._copies.get(name)
            if old is not None and old.flags.writeable and (old.shape, old.dtype) == (a.shape, a.dtype):
                np.copyto(old, a)
                copies[name] = old
            else:
                copies[name] = np.array(a, order="C")
        self._copies = copies
        return copies

    def _write_all(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                self._write(*work)
            finally:
                self._idle.set()

    def _write(self, arrays: dict[str, Array], tree: Any) -> None:
        meta = {"format": _FORMAT, "version": _VERSION, "state": tree}
        try:
            save_arrays(self.path, arrays, meta, keep_previous=not self._fresh)
            if self._fresh:
                previous_path(self.path).unlink(missing_ok=True)
        except CheckpointWarning as warning:  # where warnings are errors; the file is in place
            self._complain(str(warning))
        except Exception as error:  # whatever it is: the thread must not end, nor the training
            full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
            self._complain("the disk is full" if full else " ".join(f"{type(error).__name__}: {error}".split()))
            return
        self._fresh, self._said = False, ""

    def _complain(self, what: str) -> None:
        if what != self._said:  # once, until it is another fault or all was well in between
            self._heard.append(
                f"warning: cannot save {self.path}: {what}; the last good one stays, the training goes on"
            )
        self._said = what


def read_state(path: Path, say: Callable[[str], None]) -> tuple[Any, dict[str, Array]]:
    """Return the newest state of a file that is whole, as JSON and arrays; ``say`` hears if it is the one before.

    Raises
    ------
    ResumeError
        There is no such file, it is damaged and so is the one before, or it is of another kind or version.
    """
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            arrays, meta = load_arrays(path)
    except FileNotFoundError:
        raise ResumeError(f"there is no checkpoint {path}: start the training anew") from None
    except (CheckpointError, OSError) as error:
        raise ResumeError(" ".join(str(error).split())) from None
    if meta.get("format") != _FORMAT:
        raise ResumeError(f"{path} is no checkpoint of a training: expected a file that a training wrote")
    if meta.get("version") != _VERSION:
        raise ResumeError(
            f"{path} has version {meta.get('version')!r} of the format, this release reads {_VERSION}: "
            "use the release of fasts2s that wrote it, or start the training anew"
        )
    for warning in heard:
        say(f"warning: {warning.message}")
    return meta["state"], arrays
