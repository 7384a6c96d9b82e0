"""How many cores this process may use."""

import os
from functools import cache
from pathlib import Path


@cache
def available_cores() -> int:
    """Return how many cores this process may use, at first call: CPU affinity and control group count."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    quota = group_quota(Path("/sys/fs/cgroup"))
    return max(1, cores if quota is None else min(cores, quota))


def group_quota(root: Path) -> int | None:
    """Return the cores that a control group (version 2 or 1) grants, rounded up; None without a limit."""
    try:
        if (root / "cpu.max").exists():
            quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (root / "cpu" / "cpu.cfs_period_us").read_text(encoding="ascii")
        granted = -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no control groups, or "max"
        return None
    return granted if granted > 0 else None
