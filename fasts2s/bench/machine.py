"""The machine: processor, cores, BLAS, versions, commit, load."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from fasts2s.bench.peers import blas
from fasts2s_kernels.cores import available_cores

#: Load from which on times are doubtful; the last minute's own work counts too.
BUSY = 0.7
_ROOT = Path(__file__).resolve().parents[2]


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load_average() -> float | None:
    """Return the load of the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def too_busy(load: object) -> str:
    """Return a caution if a load of the last minute says that other programs ran; "" else, and for no number."""
    if isinstance(load, bool) or not isinstance(load, int | float) or load <= BUSY:
        return ""
    return f"CAUTION: other programs were running (load {load:.2f} before the run): do not quote these numbers."


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of installed packages."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the checkout that this file lies in, "+" added if files differ; "" outside of one."""
    git = ["git", "-C", str(_ROOT)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        ours = subprocess.run([*git, "ls-files", __file__], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "") if ours.stdout.strip() else ""


def describe(threads: int | None = None) -> dict[str, Any]:
    """Return what a reader must know of the machine; ``threads``: the most that are used, by default all cores.

    Keys: processor, cores (of the machine), threads, system, blas, commit, load_before (of the last minute).
    """
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads or available_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": blas.name(),
        "commit": commit(),
        "load_before": load_average(),
    }
