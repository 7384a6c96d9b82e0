"""Sums of arrays that lie on devices."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from fasts2s.backend import to_cpu
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside

_log = logging.getLogger("fasts2s")


class DeviceSum:
    """Sums an array over the devices of all ranks: by NCCL or, where it is not there, by MPI on the host.

    Parameters
    ----------
    mpi : the module mpi4py.MPI
    comm : mpi4py.MPI.Comm
    """

    def __init__(self, mpi: Any, comm: Any) -> None:
        self._mpi, self._comm = mpi, comm
        host = comm.bcast(mpi.Get_processor_name(), root=0)
        self._nccl: Any = None
        fault = ""
        try:
            self._nccl = import_module("fasts2s_kernels.gpu.summing").NcclSum(comm.rank, comm.size, host)
        except (ImportError, RuntimeError) as error:
            fault = " ".join(f"{error}".split())
        faults = [text for text in comm.allgather(fault) if text]
        if faults:  # of one is of all
            self._nccl = None
            if comm.rank == 0:
                _log.warning("gradients are summed on the host, which is slow: there is no NCCL (%s)", faults[0])

    def sum(self, a: Array) -> None:
        """Put into an array (K,), in place, its sum over all ranks."""
        if self._nccl is not None:
            self._nccl(a)
            return
        on_host = to_cpu(a)
        self._comm.Allreduce(self._mpi.IN_PLACE, on_host)
        a[...] = beside(a, on_host)


def choose_device(local_rank: int) -> None:
    """Let this rank use a device of its own among those of its machine."""
    import_module("fasts2s_kernels.gpu.summing").choose_device(local_rank)
