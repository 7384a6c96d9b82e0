"""The folder that a training run writes: model.npz, history.json, curve.png; and what stands in them."""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fasts2s import __version__
from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.commands.errors import CommandError
from fasts2s.models import BaseModel, load_model, save_model

MODEL, HISTORY, CURVE = "model.npz", "history.json", "curve.png"


def new_folder(out: str | None, name: str) -> Path:
    """Return the folder to write to, made if need be: ``out``, or the first free of runs/<name>, -2, -3, ..."""
    if out is not None:
        folder = Path(out)
    else:
        folder, k = Path("runs") / name, 1
        while folder.exists():
            k += 1
            folder = Path("runs") / f"{name}-{k}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"cannot make the folder {folder}: {error.strerror}") from None
    return folder


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


def write_model(folder: Path, model: BaseModel, extra: dict[str, Any]) -> None:
    """Write model.npz; the file that stood there becomes model.npz.prev."""
    save_model(folder / MODEL, model, {**extra, "fasts2s": __version__})


def write_history(folder: Path, history: dict[str, Any]) -> None:
    """Write history.json in one step, so that a reader beside us never sees half of it."""
    content = (json.dumps(history, indent=1, ensure_ascii=False) + "\n").encode()

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(folder / HISTORY, write)


def read_model(
    folder: str, task_kinds: tuple[str, ...], hint: str, backend: str | None
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
