"""Threads: how many, on which layer of Numba, and the one function through which kernels go parallel.

A parallel call has up to three phases of tasks. Workers take tasks in order from a counter; a task of a later phase
waits until all of the earlier ones are done. The second phase may go in turns of so many tasks, which wait for the
turn before in the same way. Nobody can wait for ever: what he waits for was taken before, by a worker that runs. So a
whole layer call is one parallel region, and who is slow gets less to do. What a task computes depends on nothing but
its number: the result is the same for every number of threads.
"""

import ctypes
import os
import threading
import warnings
from importlib import metadata
from typing import Any

import numpy as np

from fasts2s_kernels.cores import available_cores
from fasts2s_kernels.cpu import plain
from fasts2s_kernels.cpu.calls import call_region, call_task, zeros_on_stack
from fasts2s_kernels.cpu.jit import Entry, Kernel, inline, kernel, parallel
from fasts2s_kernels.cpu.numba_api import config, prange, threading_layer, types
from fasts2s_kernels.cpu.pointer import Int, i64, ints
from fasts2s_kernels.cpu.primitive import Primitive
from fasts2s_kernels.cpu.record import Team

#: Multiply-adds (or what takes as long) below which a second thread costs more than it saves: two to three times the
#: 3 microseconds that a parallel region took where it was measured, at 50 multiply-adds per nanosecond.
SERIAL_BELOW = 400_000


@Primitive
def _fetch_add(place, n):
    """Add n to the int64 at a place in one step, and return what was there."""
    before = place[0]
    place[0] = before + n
    return before


@_fetch_add.compiled
def _fetch_add_compiled(typing_context, place, n):
    def generate(context, builder, signature, args):
        return builder.atomic_rmw("add", builder.inttoptr(args[0], i64.as_pointer()), args[1], "seq_cst")

    return types.int64(ints, types.int64), generate


class _Yield:
    """What gives the core to another thread: a function of the system."""

    _numba_type_ = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.int32())

    def __call__(self) -> None:
        """Do nothing: nobody waits in plain Python."""


_yield_thread = _Yield()


@inline
def _wait(done, wanted):
    spins = 0
    while _fetch_add(done, 0) < wanted:
        spins += 1
        if spins > 1000:
            _yield_thread()  # whoever we wait for may need this core


@inline
def _work(worker, board, first, n_first, second, n_second, turn, third, n_third, record):
    done = board + 16  # two counters that do not share a cache line
    while True:
        k = _fetch_add(board, 1)
        if k < n_first:
            call_task(first, worker, k, record)
        elif k < n_first + n_second:
            _wait(done, n_first + (k - n_first) // turn * turn)
            call_task(second, worker, k - n_first, record)
        elif k < n_first + n_second + n_third:
            _wait(done, n_first + n_second)
            call_task(third, worker, k - n_first - n_second, record)
        else:
            break
        _fetch_add(done, 1)


@parallel
def _all_workers(workers, board, first, n_first, second, n_second, turn, third, n_third, record):
    for worker in prange(workers):
        _work(worker, board, first, n_first, second, n_second, turn, third, n_third, record)


class _Region(Kernel):
    """A kernel with a parallel loop: loaded before Numba's threads were started it would abort the process."""

    def ensure(self) -> Any:
        """Start the threads, then as any kernel."""
        start_threads()
        return super().ensure()


@_Region
def parallel_region(
    workers: Int,
    first: Int,
    n_first: Int,
    second: Int,
    n_second: Int,
    turn: Int,
    third: Int,
    n_third: Int,
    record: Int,
) -> None:
    """Run three phases on several workers."""
    board = zeros_on_stack(32)
    _all_workers(workers, board, first, n_first, second, n_second, turn, third, n_third, record)


@kernel
def launch(
    team: Team,
    first: Int,
    n_first: Int,
    second: Int,
    n_second: Int,
    turn: Int,
    third: Int,
    n_third: Int,
    record: Int,
) -> None:
    """Run three phases of kernels, each given by its address and its number of tasks.

    ``turn`` is the number of tasks in a turn of the second. ``team`` is nothing for a serial run. (parallel_region is
    there by its address, because whoever names it cannot be loaded before Numba's threads were started.)
    """
    if team:
        call_region(team.region, team.workers, first, n_first, second, n_second, turn, third, n_third, record)
        return
    for k in range(n_first):
        call_task(first, 0, k, record)
    for k in range(n_second):
        call_task(second, 0, k, record)
    for k in range(n_third):
        call_task(third, 0, k, record)


def _starts(places: Any) -> None:
    for k in prange(places.size):
        places[k] = k


_start_threads = Entry(_starts, types.void(types.int64[::1]), parallel=True)


class _Pool:
    """The state of this process: how many threads, which layer, who may launch."""

    def __init__(self) -> None:
        self.wanted: int | None = None
        self.layer: str | None = None  # None until the first parallel call
        self.pid = 0
        self.lock = threading.Lock()
        # Held during a parallel region: two threads in one of workqueue abort the process.
        self.region = threading.Lock()
        # Threads that have been in a region. Before a fork Numba ends the workers of tbb, but cannot where another
        # thread has used them: what they hold at that moment (one fork in a hundred) nobody releases in the child.
        self.users: set[int] = set()
        self.alone = False  # a child of such a fork
        self.teams: dict[int, Any] = {}

    def limit(self) -> int:
        """Return how many workers a parallel call may have."""
        wanted = available_cores() if self.wanted is None else self.wanted
        # A child of a fork must not touch GNU OpenMP, which would abort it.
        forked = self.layer == "omp" and self.pid != os.getpid()
        return 1 if forked or self.alone else min(wanted, config.NUMBA_NUM_THREADS)

    def planned(self) -> str:
        """Return the layer that runs, or that a parallel call would choose; nothing is started or compiled."""
        if self.limit() == 1:
            return "none (one thread)"
        if self.layer is not None:
            return self.layer
        if config.THREADING_LAYER != "default":
            return str(config.THREADING_LAYER)
        return threading_layer() if _launched() else "tbb" if _load_tbb() else "workqueue"

    def team(self, workers: int) -> int:
        """Return the address of the description of a team, see :func:`launch`."""
        team = self.teams.get(workers)
        if team is None:  # of two that two threads make at once the first one stays: its address may be in use
            made = (ctypes.c_int64 * 2)(workers, parallel_region.ensure().address)
            team = self.teams.setdefault(workers, made)
        return ctypes.addressof(team)

    def start(self) -> None:
        """Choose the layer, before the first parallel call of this process."""
        ours = config.THREADING_LAYER == "default" and not _launched()
        if ours:
            config.THREADING_LAYER = "tbb" if _load_tbb() else "workqueue"
        elif config.THREADING_LAYER == "omp":
            warnings.warn(
                "NUMBA_THREADING_LAYER is omp: GNU OpenMP aborts or hangs in forked processes; kernels run on one "
                "thread there. Install tbb and unset the variable to have all of them",
                RuntimeWarning,
                stacklevel=2,
            )
        elif config.THREADING_LAYER in ("tbb", "safe", "threadsafe", "forksafe"):
            _load_tbb()  # by its name alone Numba does not find the library either
        try:
            _start_threads(np.zeros(2, np.int64))
        except ValueError:  # a tbb that Numba cannot use; who has asked for a layer by name is told
            if not ours:
                raise
            config.THREADING_LAYER = "workqueue"
            _start_threads(np.zeros(2, np.int64))
        self.layer, self.pid = threading_layer(), os.getpid()


POOL = _Pool()


def _after_fork() -> None:
    POOL.lock = threading.Lock()  # a thread that held it does not exist in the child
    POOL.alone = POOL.alone or (POOL.layer == "tbb" and not POOL.users <= {threading.get_ident()})
    POOL.region.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=POOL.region.acquire, after_in_parent=POOL.region.release, after_in_child=_after_fork)


def _launched() -> bool:
    """Whether somebody has run a parallel region in this process already, and so fixed the layer."""
    try:
        threading_layer()
    except ValueError:
        return False
    return True


def _load_tbb() -> bool:
    """Load the library of the tbb package; the system's loader does not look where wheels put it."""
    try:
        files = metadata.files("tbb") or []
    except metadata.PackageNotFoundError:
        return False
    for file in files:
        if file.name in {"libtbb.so.12", "tbb12.dll"}:
            try:
                ctypes.CDLL(str(file.locate()))
            except OSError:
                return False
            return True
    return False


def start_threads() -> None:
    """Start Numba's threads, unless that has happened."""
    if POOL.layer is None:
        with POOL.lock:
            if POOL.layer is None:
                POOL.start()


def workers_for(work: float) -> int:
    """Return how many workers an amount of work deserves, in multiply-adds or what takes as long."""
    if work < SERIAL_BELOW or POOL.wanted == 1:
        return 1
    if plain.is_on():
        return 2
    start_threads()
    return POOL.limit()
