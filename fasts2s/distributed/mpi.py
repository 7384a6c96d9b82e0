"""The processes that a launcher of MPI started, by mpi4py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from fasts2s._extras import need
from fasts2s._rows import of_a_larger_batch
from fasts2s.backend import to_cpu
from fasts2s.distributed.device import DeviceSum
from fasts2s.distributed.errors import RankError
from fasts2s.distributed.flat import Flat, size_of
from fasts2s.distributed.host_sum import HostSum
from fasts2s.distributed.ranks import Ranks, rows_of
from fasts2s.distributed.watch import Watch
from fasts2s.distributed.weights import fingerprint_of_weights
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside, is_cupy

_T = TypeVar("_T")
_ASKED = (Ranks.SAVE, Ranks.STOP, Ranks.TERM)
#: Buffers that are kept.
_MOST_LAYOUTS = 2
#: Seconds between two looks at whether all have arrived, at most: who waits longer leaves the core to others.
_LOOK = 0.01


class MpiRanks(Ranks):
    """The ranks of a communicator; every method but ``ask``, ``heard`` and ``own`` is called by all ranks together.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    watch : Watch
        Is told when this rank waits for others.
    """

    def __init__(self, comm: Any, watch: Watch) -> None:
        super().__init__()
        self._mpi = need("mpi4py.MPI", "mpi", "training by several processes is done")
        self._comm, self._watch = comm.Dup(), watch
        self._machine = comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        self._between = comm.Split(self._machine.rank, comm.rank)
        self.rank, self.size = comm.rank, comm.size
        self._flats: dict[Any, tuple[Flat, Callable[[], None] | None]] = {}
        self._device: DeviceSum | None = None
        self._count = 0

    @contextmanager
    def part(self, total: int) -> Iterator[tuple[slice, bool]]:
        """See the base class."""
        rows, counts = rows_of(self.rank, self.size, total)
        self._count = rows.size if counts else 0
        with of_a_larger_batch(rows):
            yield slice(rows.first, rows.first + rows.size), counts

    def mean(self, grads: list[Array], loss: Any, weight: float) -> tuple[list[Array], Any]:
        """See the base class."""
        flat, sum_on_host = self._flat_for(grads)
        flat.fill(grads, weight)
        flat.numbers[0] = loss * weight if weight else 0
        asked, self._asked = self._asked, set()
        with self._watch.waiting():
            if sum_on_host is None:
                self._heard = self._heard_beside(asked)
                self._device = self._device or DeviceSum(self._mpi, self._comm)
                self._device.sum(flat.buffer)
            else:
                flat.numbers[1:] = [what in asked for what in _ASKED]
                sum_on_host()
                self._heard = frozenset(w for w, n in zip(_ASKED, flat.numbers[1:], strict=True) if n > 0)
        return flat.read(), flat.numbers[0].copy() if is_cupy(flat.buffer) else float(flat.numbers[0])

    def _flat_for(self, grads: list[Array]) -> tuple[Flat, Callable[[], None] | None]:
        """Return the buffer of these shapes: of one model, unless several are trained in turn; and what sums it.

        None: a sum over devices.
        """
        layout = tuple((g.shape, str(g.dtype)) for g in grads)
        if layout not in self._flats:
            if len(self._flats) >= _MOST_LAYOUTS:
                self._flats.clear()
            self._flats[layout] = self._new_flat(grads)
        return self._flats[layout]

    def _new_flat(self, grads: list[Array]) -> tuple[Flat, Callable[[], None] | None]:
        size, dtype = size_of(grads)
        size += 1 + len(_ASKED)
        if grads and is_cupy(grads[0]):
            return Flat(grads, np.empty_like(grads[0], dtype=dtype, shape=(size,))), None
        on_host = HostSum(self._mpi, self._comm, self._machine, self._between, size, dtype)
        return Flat(grads, on_host.array), on_host.sum

    def _heard_beside(self, asked: set[int]) -> frozenset[int]:
        """Return what somebody asked, by a sum on the host: to look at one on a device would wait for the step."""
        numbers = np.array([what in asked for what in _ASKED], np.int64)
        self._comm.Allreduce(self._mpi.IN_PLACE, numbers)
        return frozenset(what for what, n in zip(_ASKED, numbers, strict=True) if n > 0)

    def shared(self, make: Callable[[], _T]) -> _T:
        """See the base class."""
        made: Any = None
        if self.rank == 0:
            try:
                made = make()
            except Exception as error:
                self._spread_object((f"{type(error).__name__}: {error}", None))
                raise
        failed, made = self._spread_object(("", made))
        if failed:
            raise RankError(f"rank 0 cannot go on: {failed}")
        result: _T = made
        return result

    def _spread_object(self, value: Any) -> Any:
        """Return rank 0's value, after a wait that leaves the cores to it."""
        wait_patiently(self._comm.Ibarrier())
        return self._comm.bcast(value, root=0)

    def require_same(self, **facts: Any) -> None:
        """See the base class."""
        all_facts = self._comm.allgather(facts)
        for rank, theirs in enumerate(all_facts):
            for name, value in all_facts[0].items():
                if theirs.get(name) != value:
                    raise RankError(
                        f"rank {rank} has {_named(name, theirs.get(name))}, rank 0 has {_named(name, value)}: "
                        "start all ranks with the same"
                    )

    def require_same_weights(self, params: Sequence[Array]) -> None:
        """See the base class."""
        hashes = self._comm.allgather(fingerprint_of_weights(params))
        for rank, theirs in enumerate(hashes):
            if theirs != hashes[0]:
                raise RankError(
                    f"the weights of rank {rank} are no longer those of rank 0: do the machines have different "
                    "processors or libraries? Go on from the last checkpoint, on equal ones"
                )

    def spread(self, params: Sequence[Array]) -> None:
        """See the base class."""
        for p in params:
            a = np.ascontiguousarray(to_cpu(p))
            self._comm.Bcast(a, root=0)
            p[...] = beside(p, a)
        np.random.set_state(self._comm.bcast(np.random.get_state(legacy=False), root=0))

    def joined(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """See the base class."""
        # A rank whose rows do not count has another's: none of its own.
        gathered = self._comm.gather({name: a[: self._count] for name, a in arrays.items()}, root=0)
        if gathered is None:
            return arrays
        return {name: np.concatenate([theirs[name] for theirs in gathered]) for name in arrays}

    def own(self, a: Array) -> Array:
        """See the base class."""
        rows, _ = rows_of(self.rank, self.size, len(a))
        return a[rows.first : rows.first + rows.size]


def wait_patiently(request: Any, seconds: float = float("inf")) -> bool:
    """Wait for a request of MPI, with a sleep between two looks; return whether it is done after so long."""
    start, pause = time.monotonic(), 1e-5
    while not request.Test():
        if time.monotonic() - start > seconds:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LOOK)
    return True


def _named(name: str, value: Any) -> str:
    """Return a fact in words; a hash of data says nothing to people."""
    return f"{name} of hash {value[:8]}" if name == "data" and isinstance(value, str) else f"{name} {value}"
