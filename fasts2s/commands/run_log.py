"""log.jsonl of a run: one line of JSON for every group of steps."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fasts2s.backend import to_cpu
from fasts2s_kernels.checks.either import is_cupy

LOG = "log.jsonl"
#: Steps of a group.
GROUP = 20


class RunLog:
    """Writes a line after every GROUP steps of an epoch, and after its last one.

    A line holds step (over all epochs), epoch, loss (the mean of the group), lr and norm (of the last update) and
    labels_per_second, padding included.

    Parameters
    ----------
    folder : Path
    trainer : a Trainer
    done : int
        Steps of the run before; what the file says of later ones is removed.
    """

    def __init__(self, folder: Path, trainer: Any, done: int) -> None:
        self._path, self._trainer = folder / LOG, trainer
        # The file is touched when there is a line for it: until then that of an older run stays.
        self._before: list[dict[str, Any]] | None = [line for line in read_log(folder) if line["step"] <= done]
        self._begin()

    def _begin(self) -> None:
        self._since, self._labels = time.perf_counter(), self._trainer.labels

    def step(self, epoch: int, losses: Sequence[float], per_epoch: int) -> None:
        """Look whether a group is full, given the losses of all steps of this epoch. Raises OSError."""
        count, place = (epoch - 1) * per_epoch, len(losses)
        if place % GROUP and place != per_epoch:
            return
        size = place % GROUP or GROUP
        trainer, seconds = self._trainer, time.perf_counter() - self._since
        line = {
            "step": count + place,
            "epoch": epoch,
            "loss": math.fsum(losses[-size:]) / size,
            "lr": getattr(trainer.optimizer, "lr", None),
            "norm": _number(trainer.last_norm),
            "labels_per_second": (trainer.labels - self._labels) / seconds,
        }
        before, self._before = self._before, None
        with self._path.open("a" if before is None else "w", encoding="utf-8") as file:
            file.writelines(map(_as_line, [*(before or ()), line]))
        self._begin()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's log that are whole; none where there is no log."""
    found: list[dict[str, Any]] = []
    path = folder / LOG
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            line = json.loads(text)
        except ValueError:  # a kill in the middle of a line
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            found.append(line)
    return found


def _number(value: Any) -> float | None:
    if value is None:
        return None
    return float(to_cpu(value) if is_cupy(value) else value)


def _as_line(line: dict[str, Any]) -> str:
    plain = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()}
    return json.dumps(plain) + "\n"
