"""Seconds from the start of the process to the end of the first training step of Seq2seq (H=128).

    python benchmarks/cold_start.py --torch-python ~/torch/bin/python

This package with an empty cache of compiled kernels (a user's very first step), with a filled one (every later run),
and PyTorch eager; in turn, each in a fresh process. Files of the libraries are in the system's memory from the start.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from suite.processes import installed, torch_python, version_there
from suite.report import heading

SIZES = (13, 16, 128)  # vocabulary, word vector, hidden units
ROWS, SOURCE, TARGET = 128, 7, 5


def first_step_of_ours() -> float:
    """Import, build, make one step; return the loss."""
    import numpy as np  # noqa: PLC0415 - what an import costs is measured

    from fasts2s.models import Seq2seq  # noqa: PLC0415
    from fasts2s.optimizers import Adam, clip_grads, clip_rate, remove_duplicate  # noqa: PLC0415

    model, optimizer = Seq2seq(*SIZES), Adam()
    loss = float(model.forward(np.random.randint(0, 13, (ROWS, SOURCE)), np.random.randint(0, 13, (ROWS, TARGET))))
    model.backward()
    params, grads = remove_duplicate(model.params, model.grads)
    optimizer.update(params, grads, scale=clip_rate(clip_grads(grads, None), 5.0))  # as Trainer does it
    return loss


def first_step_of_torch() -> float:
    """The same in PyTorch."""
    import torch  # noqa: PLC0415 # pyright: ignore[reportMissingImports]
    from suite.torch_models import Seq2seq  # noqa: PLC0415

    model = Seq2seq(*SIZES)
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(params)
    loss = model(torch.randint(0, 13, (ROWS, SOURCE)), torch.randint(0, 13, (ROWS, TARGET)))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(params, 5.0)
    optimizer.step()
    return float(loss.detach())


def child(peer: str) -> int:
    """Make the first step, then print the loss and the time of day."""
    loss = first_step_of_ours() if peer == "ours" else first_step_of_torch()
    print(loss, time.time(), flush=True)
    return 0


def seconds(python: str, peer: str, cache: Path | None) -> float:
    """Start a process, return the seconds until its first step was done. RuntimeError if it failed."""
    environment = dict(os.environ)
    if cache is not None:
        environment |= {"FASTS2S_BACKEND": "numba", "FASTS2S_CACHE_DIR": str(cache)}
    started = time.time()
    done = subprocess.run(
        [python, __file__, "--child", peer], env=environment, capture_output=True, text=True, check=False
    )
    words = done.stdout.split()
    if done.returncode or len(words) != 2 or not math.isfinite(float(words[0])):
        raise RuntimeError(f"{peer} made no first step: {done.stderr.strip()[-300:]}")
    return float(words[1]) - started


def measure(runs: int, other: str | None, folder: Path) -> dict[str, list[float]]:
    """Run everybody in turn; return label -> seconds."""
    warm = folder / "warm"
    seconds(sys.executable, "ours", warm)  # fills the cache
    found: dict[str, list[float]] = {"ours, empty cache": [], "ours, filled cache": []}
    if other is not None:
        seconds(other, "torch", None)  # its files into memory
        found["torch eager"] = []
    for k in range(runs):
        found["ours, empty cache"].append(seconds(sys.executable, "ours", folder / f"empty{k}"))
        found["ours, filled cache"].append(seconds(sys.executable, "ours", warm))
        if other is not None:
            found["torch eager"].append(seconds(other, "torch", None))
    return found


def main() -> int:
    """Print one line per way of starting; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each (%(default)s)")
    parser.add_argument("--torch-python", help="interpreter with PyTorch (default: FASTS2S_TORCH_PYTHON)")
    parser.add_argument("--child", choices=("ours", "torch"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args.child)
    named = torch_python(args.torch_python)
    other = named if installed(named, "torch") else None
    more = {"torch": version_there(other, "torch")} if other else {}
    heading("Start of the process to the end of the first training step", "each library's choice", more)
    try:
        with tempfile.TemporaryDirectory(prefix="fasts2s-cold-") as folder:
            found = measure(args.runs, other, Path(folder))
    except RuntimeError as error:
        print(f"FAILED: {error}")
        return 1
    print(f"{'':<20}{'median s':>10}{'least':>8}{'most':>8}   ({args.runs} runs in turn)")
    for label, values in found.items():
        print(f"{label:<20}{statistics.median(values):>10.2f}{min(values):>8.2f}{max(values):>8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
