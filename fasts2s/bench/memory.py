"""Memory that training steps take beyond the model: ``python -m fasts2s.bench.memory NAME CASE`` (CASE as JSON).

Growth is the peak of resident memory during three steps minus what was resident after the model had been built. What
the libraries and their kernels take is not in it: a step of a small model of the same kind loads them before.
"""

import contextlib
import gc
import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

from fasts2s.bench.cases import Case
from fasts2s.bench.starting import first_step

STEPS = 3
#: Sizes of the model that loads the libraries.
SMALL = 16


def resident() -> int:
    """Return the resident bytes of this process now; where the system does not tell, the most so far."""
    return _status("VmRSS") or peak()


def peak() -> int:
    """Return the most resident bytes of this process so far.

    On Linux not by ``getrusage``: what a process counts there begins with the peak of the one that started it.
    """
    found = _status("VmHWM")
    if found is None:
        resource = import_module("resource")
        most: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = most * (1 if sys.platform == "darwin" else 1024)
    return found


def _status(name: str) -> int | None:
    """Return bytes that Linux tells of this process; None elsewhere."""
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="ascii", errors="replace").splitlines() if path.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)


def forget_peak() -> None:
    """Let the peak begin anew, where the system can (Linux): building a model takes memory that is given back."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def growth(name: str, case: Case) -> tuple[int, int]:
    """Measure a contestant in a process of its own.

    Returns
    -------
    growth, before : int
        Bytes that the steps take, and bytes that were resident before them.

    Raises
    ------
    RuntimeError
        The process failed.
    """
    command = [sys.executable, "-m", "fasts2s.bench.memory", name, json.dumps(vars(case))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or len(words) < 2:
        raise RuntimeError(f"{name}, {case.name}: {done.stderr.strip()[-300:]}")
    return int(words[-2]), int(words[-1])


def main() -> int:
    """Make the steps, say the growth of the peak and the resident bytes before."""
    name, case = sys.argv[1], Case(**json.loads(sys.argv[2]))
    first_step(name, replace(case, sizes={letter: min(size, SMALL) for letter, size in case.sizes.items()}))()
    step = first_step(name, case)
    gc.collect()
    forget_peak()
    before = resident()
    losses = [step() for _ in range(STEPS)]
    if not np.isfinite(losses).all():
        sys.exit(f"the losses are {losses}")
    sys.stdout.write(f"{peak() - before} {before}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
