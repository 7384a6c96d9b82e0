"""The head of every report: when, on what machine, with what versions."""

import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

#: Load from which on times are doubtful; the last minute's own work counts too.
BUSY = 0.7


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load_average() -> str:
    """Return the load of the last minute, as far as the system tells."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of installed packages."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def heading(title: str, threads: str, more: dict[str, str]) -> None:
    """Print the head: date, processor, cores, versions, threads, load."""
    known = {"python": platform.python_version(), **versions("numpy", "numba"), **more}
    print(f"{title}, {time.strftime('%Y-%m-%d %H:%M')}")
    print(f"{processor()}, {os.cpu_count()} cores, {sys.platform}; threads: {threads}; load: {load_average()}")
    print(", ".join(f"{name} {version}" for name, version in known.items()))
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > BUSY:
        print("CAUTION: other programs are running (see the load): no time or ratio below should be quoted")
    print()
