"""The threads of the BLAS below NumPy: how many there are, and how many there may be.

NumPy has no function for it, and the variables of the BLAS are read when NumPy is imported: too late for us. A BLAS
with more threads than free cores is slow out of proportion: every product is handed from thread to thread, who waits
for one that does not run spins until the system takes the core away from him, some milliseconds later, and a training
step has more than a hundred products.
"""

import logging
import os
from functools import cache
from typing import Any

from fasts2s_kernels.cores import available_cores

_log = logging.getLogger("fasts2s")
#: Load that a machine at rest has, too.
_AT_REST = 0.5


def libraries() -> Any:
    """Return threadpoolctl's controller of the BLAS libraries that are loaded; None where it is not installed."""
    try:
        from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - 10 ms, which not every process needs
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")


def threads() -> int | None:
    """Return how many threads the BLAS has (of several, the most); None where that cannot be found out."""
    found = libraries()
    return None if found is None else max((library["num_threads"] for library in found.info()), default=None)


def describe() -> str:
    """Return which BLAS it is and how many threads it has, for people."""
    found = libraries()
    if found is None:
        return "unknown: threadpoolctl is not installed"
    told = [
        f"{one['internal_api']} {one['version'] or ''}".rstrip() + f", {one['num_threads']} threads"
        for one in found.info()
    ]
    return "; ".join(told) or "none whose threads are known"


def limit(threads: int | None) -> None:
    """Let no BLAS of this process have more threads than this; None: than cores that the process may use.

    One that has fewer keeps them. The log is told where other programs leave fewer cores than that, once, and where a
    number was asked for that cannot be had.
    """
    if threads is not None or available_cores() < (os.cpu_count() or 1):
        _limit(threads)
    _say_once_if_crowded()


def _limit(threads: int | None) -> None:
    found, most = libraries(), available_cores() if threads is None else threads
    if found is None:
        if threads is not None:
            _log.warning("the BLAS has as many threads as before: to limit them, pip install threadpoolctl")
        return
    for library in found.info():
        if library["num_threads"] > most:
            found.select(filepath=library["filepath"]).limit(limits=most)


def crowded() -> str:
    """Return what to say where the BLAS has several threads and other programs leave it fewer cores; "" otherwise."""
    load, cores = _load(), os.cpu_count() or 1
    have = threads() if load > _AT_REST else None
    if have is None or have == 1 or have + load < cores + _AT_REST:
        return ""
    return (
        f"the load is {load:.1f} on {cores} cores and the BLAS has {have} threads, which wait for one another: "
        "FASTS2S_NUM_THREADS=1 is often many times as fast"
    )


def _load() -> float:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # not on this system, or not now
        return 0.0


@cache
def _say_once_if_crowded() -> None:
    if _log.isEnabledFor(logging.INFO) and (text := crowded()):  # to look at the BLAS takes 10 ms
        _log.info("%s", text)
