"""Trains on the stand-in for a GPU; sums by one for cupyx.distributed, or without it. Writes the parameters."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "stand_in"))

from fasts2s import distributed, to_cpu
from fasts2s.models import Seq2seq
from fasts2s.optimizers import Adam
from fasts2s.trainer import Trainer
from fasts2s_kernels.checks.either import beside

CALLS = []


class Group:
    """As cupyx.distributed.NCCLBackend: sums an array of devices over the processes."""

    def all_reduce(self, in_array, out_array, op="sum", stream=None):
        """Sum."""
        from mpi4py import MPI  # noqa: PLC0415

        assert in_array is out_array
        assert in_array.flags.c_contiguous
        CALLS.append(op)
        on_host = to_cpu(in_array)
        MPI.COMM_WORLD.Allreduce(MPI.IN_PLACE, on_host)
        out_array[...] = beside(in_array, on_host)


def init_process_group(n_devices, rank, *, backend="nccl", host=None, port=None, use_mpi=False):
    """As the function of cupyx.distributed."""
    from mpi4py import MPI  # noqa: PLC0415

    assert (n_devices, rank, backend, use_mpi) == (MPI.COMM_WORLD.size, MPI.COMM_WORLD.rank, "nccl", True)
    return Group()


def main(file, how):
    """Train some steps."""
    if how == "nccl":
        sys.modules["cupyx"], sys.modules["cupyx.distributed"] = ModuleType("cupyx"), ModuleType("cupyx.distributed")
        sys.modules["cupyx.distributed"].init_process_group = init_process_group
    with distributed.session("mpi") as ranks:
        np.random.seed(7)
        model = Seq2seq(13, 6, 8, pad_id=0)
        x, t = np.random.randint(1, 13, (21, 5)), np.random.randint(1, 13, (21, 4))
        t[::3, 2:] = 0
        Trainer(model, Adam(0.01)).fit(x, t, 2, 7, 1.0, eval_interval=None)
        ranks.require_same_weights(model.params)
        assert len(CALLS) == (6 if how == "nccl" and ranks.size > 1 else 0)
        if ranks.rank == 0:
            np.savez(file, *map(to_cpu, model.params))


if __name__ == "__main__":
    main(*sys.argv[1:])
