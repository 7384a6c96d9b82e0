"""The folder that a training run writes: model.npz, history.json, curve.png; and what stands in them."""

import contextlib
import json
import os
import platform
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fasts2s import __version__
from fasts2s.backend import BackendLike
from fasts2s.checkpoint.atomic import previous_path, write_atomically
from fasts2s.commands.errors import CommandError
from fasts2s.commands.folder_lock import CHECKPOINT, FolderLock
from fasts2s.commands.output import complain
from fasts2s.commands.run_log import LOG
from fasts2s.models import BaseModel, load_model, save_model
from fasts2s.text.tokenizer import path_of
from fasts2s.text_to_text import SOURCE, TARGET

MODEL, HISTORY, CURVE = "model.npz", "history.json", "curve.png"
PREVIOUS = previous_path(MODEL).name
_RUN = (MODEL, PREVIOUS, HISTORY, CURVE)
#: Of a run that goes on from it, or that was stopped before its first epoch was saved.
_STATE = (CHECKPOINT, previous_path(CHECKPOINT).name, LOG)
_FILES = (*_RUN, *_STATE)
#: The tokenizer of a language model.
TEXT = "text"


class RunFolder:
    """The folder of one run, made if need be and locked against others until it is closed.

    Parameters
    ----------
    out : str or None
        The folder; None is the first free of runs/<name>, -2, -3, ...
    name : str
        What is trained, for the usual folder.
    overwrite : bool
        Whether ``out`` may hold an older run. Its files stay until the first epoch is saved.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, out: str | None, name: str, overwrite: bool) -> None:
        if out is None and overwrite:
            raise CommandError("--overwrite without --out: name the folder to replace, or leave it out for a new one")
        wanted = Path(out or Path("runs") / name)
        try:
            self._is_new = not wanted.exists() or out is None
            self.path = _new_folder(wanted) if out is None else wanted
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(self.path)
        except OSError as error:
            raise CommandError(f"cannot write to the folder {wanted}: {error.strerror}") from None
        found = [[file for file in files if (self.path / file).exists()] for files in (_RUN, _STATE)]
        if any(found) and not overwrite:
            self.close()
            raise CommandError(
                f"{self.path} holds a training run ({', '.join(found[0] or found[1])}): give another --out, or "
                "replace it with --overwrite" + (", or go on with train --resume" if found[1] else "")
            )

    def close(self) -> None:
        """Let others write here; a folder that was made for nothing does not stay."""
        self._lock.release()
        if self._is_new:
            with contextlib.suppress(OSError):
                self.path.rmdir()


def _new_folder(wanted: Path) -> Path:
    """Make and return the first free of wanted, wanted-2, ...: also where several runs begin at once."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    folder, k = wanted, 1
    while True:
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
        k += 1
        folder = wanted.with_name(f"{wanted.name}-{k}")


def environment(backend: str) -> dict[str, Any]:
    """Return what a later reader must know to repeat the run."""
    return {
        "fasts2s": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "backend": backend,
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def write_model(folder: Path, model: BaseModel, extra: dict[str, Any], *, first: bool = False) -> None:
    """Write model.npz; the file that stood there becomes model.npz.prev.

    ``first`` of its run: nothing of an older one stays beside it. That the file is in place and not all is well
    around it is said, and is never an error, whatever the user makes of warnings.
    """
    if first:
        _remove(folder, HISTORY, CURVE)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        save_model(folder / MODEL, model, {**extra, "fasts2s": __version__})
    if first:
        _remove(folder, PREVIOUS)
    for warning in heard:
        complain(f"warning: {warning.message}")


def remove_vocabularies(folder: Path) -> None:
    """Remove the vocabularies of an older run, before those of a new one are written.

    Who asks tells by them what kind of model there is.
    """
    for name in (SOURCE, TARGET, TEXT):
        path_of(folder, name).unlink(missing_ok=True)


def _remove(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)


def write_history(folder: Path, history: dict[str, Any]) -> None:
    """Write history.json in one step, so that a reader beside us never sees half of it."""
    # Names of files may hold what is no text; as \udcXX JSON bears it, and gives it back.
    content = (json.dumps(history, indent=1, ensure_ascii=False) + "\n").encode(errors="backslashreplace")

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(folder / HISTORY, write)


def read_model(
    folder: str, task_kinds: tuple[str, ...], hint: str, backend: BackendLike | None
) -> tuple[Any, dict[str, Any]]:
    """Return the model of a folder and its extra data; CommandError if there is none, or of another kind."""
    path = Path(folder) / MODEL
    if not path.exists():
        raise CommandError(f"there is no {path}: train one with {hint}")
    model, extra = load_model(path, backend=backend)
    if extra.get("task") not in task_kinds:
        raise CommandError(f"{path} was trained on {extra.get('task')!r}, expected {' or '.join(task_kinds)}: {hint}")
    return model, extra


def peak_memory_mb() -> float | None:
    """Return the peak resident memory of this process in MB (10^6 bytes), or None where the system does not tell."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
