"""The head of every text report: when, on what machine, with what versions."""

import os
import platform
import sys
import time

from fasts2s.bench.machine import load_average, processor, too_busy, versions


def heading(title: str, threads: str, more: dict[str, str]) -> None:
    """Print the head of a text report: date, processor, cores, versions, threads, load."""
    known = {"python": platform.python_version(), **versions("numpy", "numba"), **more}
    load = load_average()
    print(f"{title}, {time.strftime('%Y-%m-%d %H:%M')}")
    shown = "unknown" if load is None else f"{load:.2f}"
    print(f"{processor()}, {os.cpu_count()} cores, {sys.platform}; threads: {threads}; load: {shown}")
    print(", ".join(f"{name} {version}" for name, version in known.items()))
    if caution := too_busy(load):
        print(caution)
    print()
