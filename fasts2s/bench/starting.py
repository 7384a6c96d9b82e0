"""Seconds from the start of a process to the end of its first step: ``python -m fasts2s.bench.starting NAME``.

It is a training step of Seq2seq on addition (H=128). The files of the libraries are in the system's memory: every
contestant starts once before it is measured.
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import override_environment
from fasts2s.bench.cases import Case, case_of

CASE = "Seq2seq H=128"


def first_step(name: str, case: Case, threads: int | None = None, cache: Path | None = None) -> Callable[[], float]:
    """Import a contestant, build its model; return the function that makes one step of a case.

    ``name`` : as in ``results.Row.contestant``; ``cache``: the folder of compiled kernels.
    """
    rng = np.random.default_rng(0)
    ids = {name: rng.integers(0, case["V"], (case["N"], case[letter])) for name, letter in (("xs", "S"), ("ts", "T"))}
    if name == "PyTorch":
        made: Callable[[], float] = import_module("fasts2s.bench.peers._torch").fresh_step(case, ids)
        return made
    override_environment(None if name == "book" else name, threads, cache)
    code: Any = import_module("fasts2s.bench.peers.code")
    return code.fresh_step(code.book_code() if name == "book" else code.our_code(), case, ids)  # type: ignore[no-any-return]


def seconds(name: str, cache: Path | None = None) -> float:
    """Start a process; return the seconds until its first step was done. RuntimeError if it made none."""
    command = [sys.executable, "-m", "fasts2s.bench.starting", name, *([str(cache)] if cache else [])]
    started = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or len(words) < 2 or not math.isfinite(float(words[-2])):
        raise RuntimeError(f"{name} made no first step: {done.stderr.strip()[-300:]}")
    return float(words[-1]) - started


def main() -> int:
    """Make the first step, then say the loss and the time of day."""
    name, cache = sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None
    loss = first_step(name, case_of(CASE), cache=cache)()
    sys.stdout.write(f"{loss} {time.time()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
