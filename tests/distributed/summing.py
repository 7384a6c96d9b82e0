"""Sums by the ranks of a launcher: is each one right, and the same on all ranks; was memory shared?"""

import sys

import numpy as np
from mpi4py import MPI

from fasts2s.distributed import host_sum
from fasts2s.distributed.host_sum import HostSum


def main(ranks_of_a_machine, where):
    """Take so many ranks for those of one machine; "none": no memory is shared."""
    comm, per = MPI.COMM_WORLD, int(ranks_of_a_machine)
    if where == "none":
        host_sum._FOLDER = "/nowhere"
    if where == "uneven":
        machine = comm.Split(min(comm.rank, 1), comm.rank)
    else:
        machine = comm.Split(comm.rank // per, comm.rank)
    between = comm.Split(machine.rank, comm.rank)
    for size, dtype in ((1, "f"), (15, "f"), (1000, "d"), (3 * (1 << 16) + 5, "f"), (200_000, "d")):
        on_host = HostSum(MPI, comm, machine, between, size, np.dtype(dtype))
        for k in range(3):
            on_host.array[...] = np.arange(size) % 1000 + 10 * comm.rank + k
            on_host.sum()
            wanted = comm.size * (np.arange(size) % 1000 + k) + 10 * sum(range(comm.size))
            assert on_host.array.dtype == dtype
            assert (on_host.array == wanted).all()
            on_host.array *= 0.5  # this rank's own: the others have theirs
            comm.Barrier()
            assert (on_host.array == 0.5 * wanted).all()
        # Whose bits depend on the order.
        on_host.array[...] = np.random.default_rng(comm.rank).normal(size=size)
        on_host.sum()
        assert len(set(comm.allgather(on_host.array.tobytes()))) == 1
        kinds = comm.allgather(bool(on_host._all))
    if comm.rank == 0:
        print(*kinds)  # noqa: T201 - the test reads it


main(*sys.argv[1:])
