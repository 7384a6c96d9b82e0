"""``fasts2s history``: runs side by side, as a table, a picture and a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.commands.errors import CommandError
from fasts2s.commands.figures import write_figure
from fasts2s.commands.run_folder import HISTORY
from fasts2s.commands.run_log import read_log

#: What may decide which epoch is the best -> whether more of it is better; the first one that a run has does.
_MEASURES = {"accuracy": True, "perplexity": False, "nats": False}
_COLUMNS = ("step", "epoch", "loss", "lr", "norm", "labels_per_second")


@dataclass(frozen=True)
class Run:
    """One run: its folder, its epochs (of history.json) and the lines of its log."""

    name: str
    epochs: list[dict[str, Any]]
    log: list[dict[str, Any]]
    parameters: int | None

    @classmethod
    def read(cls, folder: str) -> Run:
        """Read a folder. Raises CommandError where there is no run."""
        path, log = Path(folder) / HISTORY, read_log(Path(folder))
        if not path.exists() and not log:
            raise CommandError(f"{folder} holds no run: expected a folder that train or app wrote, with {HISTORY}")
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            epochs = [dict(row) for row in found.get("epochs", [])]
            return cls(folder, [row for row in epochs if "loss" in row], log, found.get("parameters"))
        except (ValueError, AttributeError, TypeError):
            raise CommandError(f"{path} is damaged: expected what a training wrote") from None

    def measure(self) -> str:
        """Return what its epochs are measured by; "" where there is none yet."""
        return next((name for name in _MEASURES if self.epochs and name in self.epochs[0]), "")

    def best(self) -> dict[str, Any]:
        """Return the row of the best epoch; {} where there is none."""
        key = self.measure()
        rows = [row for row in self.epochs if isinstance(row.get(key), int | float)]
        return (max if _MEASURES.get(key) else min)(rows, key=lambda row: row[key], default={})


def history(a: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    runs = [Run.read(folder) for folder in a.dirs]
    print("\n".join(table(runs)))
    if a.csv:
        write_csv(Path(a.csv), runs)
        print(f"log:     {a.csv}")
    if a.picture:
        draw(Path(a.picture), runs)
        print(f"picture: {a.picture}")
    return 0


def table(runs: list[Run]) -> list[str]:
    """Return a table of runs, a line each."""
    rows: list[tuple[str, ...]] = [
        ("run", "parameters", "epochs", "loss", "best", "measure", "epoch", "labels/s", "seconds")
    ]
    rows += [_row(run) for run in runs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = {0, 5}
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _row(run: Run) -> tuple[str, ...]:
    best, measure = run.best(), run.measure()
    losses = run.epochs or run.log
    rates = sorted(line["labels_per_second"] for line in run.log if line.get("labels_per_second"))
    return (
        run.name,
        "-" if run.parameters is None else f"{run.parameters:,}",
        str(len(run.epochs)),
        f"{losses[-1]['loss']:.4f}" if losses and _is_number(losses[-1].get("loss")) else "-",
        f"{best[measure]:.2f}" if best else "-",
        measure or "-",
        str(best.get("epoch", "-")),
        f"{rates[len(rates) // 2]:,.0f}" if rates else "-",
        f"{sum(row.get('seconds', 0) for row in run.epochs):.0f}",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def write_csv(path: Path, runs: list[Run]) -> None:
    """Write the lines of all logs, each with the folder of its run."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("run", *_COLUMNS))
    for run in runs:
        lines.writerows((run.name, *(line.get(name) for name in _COLUMNS)) for line in run.log)
    content = text.getvalue().encode(errors="backslashreplace")

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, write)


def draw(path: Path, runs: list[Run]) -> None:
    """Draw losses by step (left) and what was measured by epoch (right) into a PNG."""

    def fill(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        for run in runs:
            steps = [line for line in run.log if _is_number(line.get("loss"))]
            left.plot([line["step"] for line in steps], [line["loss"] for line in steps], label=_shown(run.name))
            key = run.measure()
            rows = [row for row in run.epochs if _is_number(row.get(key))]
            label = f"{_shown(run.name)}: {key or 'not measured yet'}"
            right.plot([row["epoch"] for row in rows], [row[key] for row in rows], marker="o", label=label)
        for axes, what, where in ((left, "training loss", "step"), (right, "held out", "epoch")):
            axes.set_title(what)
            axes.set_xlabel(where)
            axes.grid(alpha=0.3)
            axes.legend(fontsize=8)

    write_figure(path, (10, 4), fill)


def _shown(name: str) -> str:
    """Return a name as text that is no formula; a legend leaves out names that begin with an underscore."""
    plain = "".join(c if c.isprintable() else "?" for c in name).replace("$", r"\$")
    return f" {plain}" if plain.startswith("_") else plain
