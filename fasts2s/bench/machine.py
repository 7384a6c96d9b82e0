"""The machine: processor, cores, BLAS, GPU, versions, commit, load; and the heading of every text report."""

import os
import platform
import shutil
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s_kernels.cores import available_cores

#: Load from which on times are doubtful; the last minute's own work counts too.
BUSY = 0.7
_ROOT = Path(__file__).resolve().parents[2]
#: What is asked of nvidia-smi: fields that every driver of the last years has.
_FIELDS = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.draw,power.limit,temperature.gpu"
#: Machine -> how it is called in a line; the rest is listed on the page only.
_SHOWN = {
    "processor": "{}",
    "cores": "{} cores",
    "threads": "{} threads",
    "system": "{}",
    "blas": "BLAS {}",
    "for": "kernels compiled for {}",
    "peak": "FMA peak {}",
    "reads": "reads {}",
}


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def load_average() -> float | None:
    """Return the load of the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def too_busy(load: object) -> str:
    """Return a caution if a load of the last minute says that other programs ran; "" else, and for no number."""
    if isinstance(load, bool) or not isinstance(load, int | float) or load <= BUSY:
        return ""
    return f"CAUTION: other programs were running (load {load:.2f} before the run): do not quote these numbers."


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of those packages that are installed."""
    found = {"python": platform.python_version()}
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
        name, ours, changed = (
            subprocess.run([*git, *words], capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "--short", "HEAD"], ["ls-files", __file__], ["status", "--porcelain", "-uno"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return name + ("+" if changed else "") if ours else ""


def blas() -> str:
    """Return name and version of the BLAS that NumPy was built with."""
    config: Any = np.show_config(mode="dicts")
    built = config.get("Build Dependencies", {}).get("blas", {})
    return f"{built.get('name', 'unknown')} {built.get('version', '')}".strip()


def gpu_clocks() -> str:
    """Return what nvidia-smi says of the GPUs: clocks, power, temperature; "" where it says nothing."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, f"--query-gpu={_FIELDS}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    told = [zip(_FIELDS.split(","), line.split(", "), strict=False) for line in done.stdout.strip().splitlines()]
    return "; ".join(", ".join(f"{name} {value}" for name, value in gpu) for gpu in told)


def describe(threads: int | None = None) -> dict[str, Any]:
    """Return what a reader must know of the machine; ``threads``: the most that are used, by default all cores.

    Keys: processor, cores (of the machine), threads, system, blas, commit, load_before (of the last minute); gpu:
    what nvidia-smi says, where it says something.
    """
    found = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads or available_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": blas(),
        "commit": commit(),
        "load_before": load_average(),
    }
    clocks = gpu_clocks()
    return found | ({"gpu": clocks} if clocks else {})


def line(about: dict[str, Any]) -> str:
    """Return what is known of a machine, in a line."""
    parts = [form.format(about[key]) for key, form in _SHOWN.items() if about.get(key) is not None]
    return ", ".join(parts) or "unknown machine"


def heading(title: str, threads: str, *packages: str, **more: str) -> str:
    """Return the head of a text report: what it is, date, machine, versions, threads, and a caution if it is busy."""
    about = describe()
    known = versions("numpy", "numba", *packages) | more
    load = "unknown" if about["load_before"] is None else about["load_before"]
    lines = [
        f"{title}, {time.strftime('%Y-%m-%d %H:%M')}",
        f"{line({**about, 'threads': None})}; threads: {threads}; load: {load}; commit: {about['commit'] or '?'}",
        ", ".join(f"{name} {version}" for name, version in known.items()),
        too_busy(about["load_before"]),
    ]
    return "\n".join([*filter(None, lines), ""])
