"""How a process joins the others of its launcher, and leaves them; ends all of them where one cannot go on."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import asks_for_cupy, launched
from fasts2s.distributed.cores import take_share
from fasts2s.distributed.device import choose_device
from fasts2s.distributed.errors import RankError
from fasts2s.distributed.mpi import MpiRanks, wait_patiently
from fasts2s.distributed.ranks import Ranks
from fasts2s.distributed.watch import CONNECT, Watch

#: Seconds in which all ranks fail, if they all fail of one cause.
_TOGETHER = 1.5


@contextmanager
def together(mpi: Any, quiet: bool, patience: float) -> Iterator[Ranks]:
    """Yield the ranks of the module mpi4py.MPI; see :func:`fasts2s.distributed.session`."""
    world = mpi.COMM_WORLD
    if world.size == 1:
        _require_no_launcher()
        yield Ranks()
        return
    error = sys.stderr
    if quiet and world.rank:
        # Not put back: what this process says after the block has been said by rank 0.
        sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    ending = _Ending(world, error, quiet)
    watch = Watch(world.rank, world.size, ending.end_all, patience)
    with ExitStack() as stack:
        stack.callback(watch.close)
        stack.enter_context(ending)
        ranks = MpiRanks(world, watch)
        ranks.require_same(**_facts())
        local = world.Split_type(mpi.COMM_TYPE_SHARED)
        take_share(local)
        if asks_for_cupy(None):
            choose_device(local.rank)
        _connect(watch, world, mpi, local.size == world.size)
        ranks.spread([])
        yield ranks


def _require_no_launcher() -> None:
    _, size = launched()
    if size > 1:
        raise RankError(
            f"a launcher started {size} processes, but the MPI library of mpi4py sees one: take the mpiexec of that "
            "library (pip install mpich puts both into one environment)"
        )


def _facts() -> dict[str, Any]:
    package: Any = sys.modules["fasts2s"]  # which is above this one
    return {"fasts2s": package.__version__, "NumPy": np.__version__}


def _connect(watch: Watch, world: Any, mpi: Any, is_one_machine: bool) -> None:
    """Let all ranks be looked after, if each of them can reach rank 0."""
    host = "127.0.0.1" if is_one_machine else mpi.Get_processor_name()
    address: Any = None
    if world.rank == 0:
        try:
            address = watch.listen(host)
        except OSError:
            address = None
    address = world.bcast(address, root=0)
    reached = address is not None and (watch.accept() if world.rank == 0 else watch.connect(address))
    if all(world.allgather(reached)):
        watch.start()
    elif world.rank == 0:
        print(  # noqa: T201
            f"fasts2s: warning: not all ranks can reach {host} within {CONNECT:.0f} s: one that hangs is not noticed",
            file=sys.stderr,
        )


class _Ending:
    """A block of a rank: where it raises, all ranks end.

    If all of them do so at the same time, each goes on with its exception: it has the same cause. Else this rank says
    what happened to it, and ends the others, which wait for it.
    """

    def __init__(self, world: Any, stream: Any, quiet: bool) -> None:
        self._world, self._stream, self._quiet = world, stream, quiet
        self._failed = world.Dup()
        self._is_ending = threading.Lock()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            return
        if wait_patiently(self._failed.Ibarrier(), _TOGETHER):
            return
        if not self._quiet:
            traceback.print_exception(kind, error, trace, file=self._stream)
        said = " ".join(f"{error}".split()) or "without a word"
        self.end_all(f"rank {self._world.rank} cannot go on: {kind.__name__}: {said}")

    def end_all(self, line: str) -> None:
        """Say a line and end all ranks; the first one who does so, of a rank, does it."""
        if not self._is_ending.acquire(blocking=False):
            return
        last = threading.Timer(2.0, os._exit, (1,))  # where MPI itself is stuck the launcher sees us end
        last.daemon = True
        last.start()
        print(f"fasts2s: {line}; all ranks end", file=self._stream, flush=True)
        sys.stdout.flush()
        time.sleep(0.3)  # launchers end without a word that they have not passed on yet
        self._world.Abort(1)
