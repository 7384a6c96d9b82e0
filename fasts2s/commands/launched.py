"""Training commands that a launcher of MPI started several times."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fasts2s import distributed
from fasts2s.backend import launched, set_backend
from fasts2s.commands.output import complain


def ranks_of(a: argparse.Namespace) -> AbstractContextManager[Any]:
    """Return the block in which a command trains: together with others, if that is asked for."""
    if getattr(a, "distributed", None) or getattr(a, "resume_distributed", None):
        if launched()[1] == 1:
            complain(
                "--distributed mpi: this process trains alone; start several with mpiexec -n 4 fasts2s train ..."
            )
        if "cupy" in {a.backend, getattr(a, "resume_backend", None)}:
            set_backend("cupy")  # so that each rank takes a device of its own
        return distributed.session("mpi", quiet=True)
    rank, size = launched()
    if size > 1 and rank == 0:
        how = "add --distributed mpi" if a.command == "train" else "start one"
        complain(f"warning: a launcher started {size} processes, and each trains all by itself: {how}")
    return nullcontext()
