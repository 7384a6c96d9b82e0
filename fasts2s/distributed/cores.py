"""The cores of a machine, divided among the ranks that run on it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from fasts2s.backend import threads_are_chosen, use_threads
from fasts2s_kernels.cores import available_cores, group_quota


def share_of(allowed: list[set[int]], place: int, cores: int) -> tuple[set[int], int]:
    """Return the cores that a rank is to use, and how many threads it is to have.

    Parameters
    ----------
    allowed : for each rank of the machine, the cores it may use now
    place : of this rank among them
    cores : of the machine

    Open MPI lets each rank use one core, whatever the others are doing: such a rank gets its share of all. Who chose
    himself which cores all ranks may use keeps them.
    """
    own, ranks = allowed[place], len(allowed)
    each = max(1, cores // ranks)
    all_alone = ranks > 1 and len(set().union(*allowed)) == sum(map(len, allowed))
    if all_alone and len(own) < each and max(map(len, allowed)) <= 2:
        return set(range(place * each, (place + 1) * each)), each
    return own, len(own) if all_alone else max(1, len(own) // ranks)


def take_share(local: Any) -> None:
    """Let this rank use its share of the cores, unless ``FASTS2S_NUM_THREADS`` says how many threads it has.

    local : mpi4py.MPI.Comm of the ranks of this machine
    """
    if threads_are_chosen():
        return
    total = os.cpu_count() or 1
    may = getattr(os, "sched_getaffinity", None)
    own = set(may(0)) if may else set(range(total))
    cores, threads = share_of(local.allgather(own), local.rank, total)
    if cores != own:
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setaffinity(0, cores)
        if may and set(may(0)) != cores:  # not allowed: then as many threads as there are cores
            threads = len(own)
    quota = group_quota(Path("/sys/fs/cgroup"))
    use_threads(threads if quota is None else max(1, min(threads, quota // local.size)))
    available_cores.cache_clear()
