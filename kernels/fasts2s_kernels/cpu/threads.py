"""Threads: how many, and the one way by which kernels go parallel.

A parallel call has up to three phases of tasks. Workers take tasks in order from a counter; a task of a later phase
waits until all of the earlier ones are done. The second phase may go in turns of so many tasks, which wait for the
turn before in the same way. Nobody can wait for ever: what he waits for was taken before, by a worker that runs. So a
whole layer call is one parallel region, and who is slow gets less to do. What a task computes depends on nothing but
its number: the result is the same for every number of threads.

The caller is worker 0. The others are threads of Python that look at a board, without the GIL, for a job to help
with. Who has seen none for a while sleeps on a lock of Python's until the next caller rings. A caller never waits for
one that sleeps: it works, and at the end waits for those that are inside. In a child of a fork there are none of
them, and new ones begin.
"""

import _thread
import contextlib
import ctypes
import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from fasts2s_kernels.cores import available_cores
from fasts2s_kernels.cpu import plain
from fasts2s_kernels.cpu.calls import call_task
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import INT, NONE, Int, Ints, ints
from fasts2s_kernels.cpu.later import Later
from fasts2s_kernels.cpu.pointer import i64
from fasts2s_kernels.cpu.primitive import Primitive
from fasts2s_kernels.cpu.target import TARGET, TRIPLE
from fasts2s_kernels.cpu.tuning import NEON
from fasts2s_kernels.cpu.vector import call

#: Multiply-adds (or what takes as long) below which a second thread costs more than it saves: two to three times the
#: 3 microseconds that a parallel region took where it was measured, at 50 multiply-adds per nanosecond.
SERIAL_BELOW = 400_000
#: Looks at the board before a helper lets others have its core at every look, and before it sleeps.
BUSY_LOOKS, LOOKS = 2_000, 2_500
#: Looks of who waits for others in the midst of a job, before it lets them have its core.
WAITING_LOOKS = 1_000

#: The board: places of its counters, each on a cache line of its own, and of the job.
TICKETS, DONE, INSIDE, TURN, ASLEEP, JOB = 0, 16, 32, 48, 64, 80
#: Places of a helper's own, from its number times this on: the last turn it has seen, and how often it went to sleep.
OWN = 96
_LINE = 16
#: Workers for whom a board has places.
MOST = 512

_compiler: Any = Later("fasts2s_kernels.cpu.compiler")


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

    return INT(ints, INT), generate


@Primitive
def _now(place):
    """Return the int64 at a place, which another thread may be writing; nothing is read before what was written."""
    return place[0]


@_now.compiled
def _now_compiled(typing_context, place):
    def generate(context, builder, signature, args):
        return builder.load_atomic(builder.inttoptr(args[0], i64.as_pointer()), "seq_cst", 8)

    return INT(ints), generate


@Primitive
def _pause():
    """Tell the core that this is a loop that waits: a thread beside it on the same core gets more of it."""


@_pause.compiled
def _pause_compiled(typing_context):
    def generate(context, builder, signature, args):
        if TARGET is NEON:
            call(builder, "llvm.aarch64.hint", ir.VoidType(), ir.Constant(ir.IntType(32), 1))
        elif TRIPLE.startswith("x86_64"):
            call(builder, "llvm.x86.sse2.pause", ir.VoidType())
        return context.get_dummy_value()

    return NONE(), generate


class _Yield:
    """What gives the core to another thread: a function of the system."""

    name = "SwitchToThread" if os.name == "nt" else "sched_yield"

    @property
    def _numba_type_(self) -> Any:
        return _compiler.external(self.name, INT, ())

    def __call__(self) -> None:
        """Do nothing: nobody waits in plain Python."""


_yield_thread = _Yield()


@inline
def _rest(looks, busy):
    """Pass the time between two looks, and return how many there were; after so many the core is for others, too."""
    _pause()
    if looks >= busy:
        _yield_thread()  # whoever we wait for may need it
    return looks + 1


@inline
def _wait(done, wanted):
    looks = 0
    while _now(done) < wanted:
        looks = _rest(looks, WAITING_LOOKS)


@inline
def _wait_until_alone(inside):
    looks = 0
    while _now(inside) > 0:
        looks = _rest(looks, WAITING_LOOKS)


@inline
def _work(worker, board, first, n_first, second, n_second, turn, third, n_third, record):
    done = board + DONE
    while True:
        k = _fetch_add(board + TICKETS, 1)
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


@kernel
def run_serial(
    first: Int, n_first: Int, second: Int, n_second: Int, turn: Int, third: Int, n_third: Int, record: Int
) -> None:
    """Run three phases of kernels, each given by its address and its number of tasks."""
    for k in range(n_first):
        call_task(first, 0, k, record)
    for k in range(n_second):
        call_task(second, 0, k, record)
    for k in range(n_third):
        call_task(third, 0, k, record)


@kernel
def run_parallel(
    board: Ints,
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
    """Run three phases with the help of others. ``turn`` is the number of tasks in a turn of the second.

    The job is written while nobody is inside, and the board open while its turn is odd.
    """
    job = board + JOB
    job[0], job[1], job[2], job[3], job[4] = workers, first, n_first, second, n_second
    job[5], job[6], job[7], job[8] = turn, third, n_third, record
    board[TICKETS] = 0
    board[DONE] = 0
    _fetch_add(board + TURN, 1)
    _work(0, board, first, n_first, second, n_second, turn, third, n_third, record)
    _fetch_add(board + TURN, 1)
    _wait_until_alone(board + INSIDE)


@inline
def _help_once(board, worker, own):
    _fetch_add(board + INSIDE, 1)
    # Only now does the job stay as it is: who has opened the board waits for all that are inside.
    turn, job = _now(board + TURN), board + JOB
    if turn % 2 == 1 and worker < job[0]:
        _work(worker, board, job[1], job[2], job[3], job[4], job[5], job[6], job[7], job[8])
    own[0] = turn
    _fetch_add(board + INSIDE, -1)


@kernel
def help_until_idle(board: Ints, worker: Int) -> None:
    """Help with every job of the board until there has been none for a while."""
    own = board + (OWN + _LINE * worker)
    looks = 0
    while looks < LOOKS:
        turn = _now(board + TURN)
        if turn % 2 == 1 and turn != own[0]:
            _help_once(board, worker, own)
            looks = 0
        else:
            looks = _rest(looks, BUSY_LOOKS)
    own[1] = own[1] + 1
    _fetch_add(board + ASLEEP, 1)


def _help(help_: Any, board: int, worker: int, bell: Any) -> None:
    while True:
        help_(board, worker)
        bell.acquire()


class _Team:
    """The helpers of a process, and their board."""

    def __init__(self) -> None:
        memory = np.zeros(OWN + _LINE * (MOST + 1), np.int64)
        # It is never given back: helpers may look at it while the process ends.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(memory))
        self.board = memory[-memory.ctypes.data % (8 * _LINE) // 8 :].ctypes.data
        self._asleep, self._rung = self._counter(ASLEEP), 0
        self._helpers: list[_Helper] = []
        self.workers = 1

    def _counter(self, place: int) -> Any:
        return ctypes.c_int64.from_address(self.board + 8 * place)

    def grow(self, workers: int) -> None:
        """Let there be so many workers, the caller counted."""
        for worker in range(self.workers, workers):
            helper = _Helper(_thread.allocate_lock(), self._counter(OWN + _LINE * worker + 1))
            helper.bell.acquire()
            with contextlib.suppress(RuntimeError):  # the system gives no more threads: there are fewer helpers
                _thread.start_new_thread(_help, (help_until_idle.native, self.board, worker, helper.bell))
                self._helpers.append(helper)
        self.workers = workers

    def wake(self) -> None:
        """Ring for those who sleep; the caller holds the lock of regions."""
        if self._asleep.value == self._rung:
            return
        for helper in self._helpers:
            if helper.sleeps.value != helper.rung:
                helper.rung += 1
                self._rung += 1
                helper.bell.release()


@dataclass
class _Helper:
    """A thread that helps: the lock it sleeps on, how often it went to sleep, and how often that was answered."""

    bell: Any
    sleeps: Any
    rung: int = 0


class _Pool:
    """The state of this process: how many threads, who helps, who may launch."""

    def __init__(self) -> None:
        self.wanted: int | None = None
        self.most = min(os.cpu_count() or 1, MOST)
        #: Held during a parallel region: there is one board.
        self.region = threading.Lock()
        self.team: _Team | None = None  # None until the first parallel call, and in a child of a fork

    def limit(self) -> int:
        """Return how many workers a parallel call may have."""
        return min(available_cores() if self.wanted is None else self.wanted, self.most)

    def board(self) -> int:
        """Return the address of the board; all helpers are awake. The caller holds ``region``."""
        if self.team is None:
            self.team = _Team()
        if self.team.workers < self.limit():
            self.team.grow(self.limit())
        self.team.wake()
        return self.team.board


POOL = _Pool()


def _after_fork() -> None:
    POOL.team = None
    POOL.region.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=POOL.region.acquire, after_in_parent=POOL.region.release, after_in_child=_after_fork)


def workers_for(work: float) -> int:
    """Return how many workers an amount of work deserves, in multiply-adds or what takes as long."""
    if work < SERIAL_BELOW or POOL.wanted == 1:
        return 1
    return 2 if plain.is_on() else POOL.limit()
