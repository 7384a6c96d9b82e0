"""Sums over devices by NCCL."""

from typing import Any

from fasts2s_kernels.gpu.device import xp


class NcclSum:
    """Sums an array over the devices of all processes, with one of them for each.

    Parameters
    ----------
    rank, size : int
        Of this process, and their number.
    host : str
        Where rank 0 runs.

    Raises
    ------
    ImportError, RuntimeError
        NCCL is not there.
    """

    def __init__(self, rank: int, size: int, host: str) -> None:
        from cupyx.distributed import (  # noqa: PLC0415 # pyright: ignore[reportMissingImports]
            init_process_group,
        )

        self._group: Any = init_process_group(size, rank, host=host, use_mpi=True)

    def __call__(self, a: Any) -> None:
        """Put into a contiguous array, in place, its sum; nothing waits for the device."""
        self._group.all_reduce(a, a, stream=xp.cuda.get_current_stream())


def choose_device(local_rank: int) -> None:
    """Let this process use a device of its own among those of its machine, as far as there are enough."""
    xp.cuda.Device(local_rank % xp.cuda.runtime.getDeviceCount()).use()
