"""Begins and ends the work of several processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from fasts2s._extras import need
from fasts2s.distributed.ranks import Ranks, in_force
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.arguments import one_of
from fasts2s_kernels.checks.scalars import bounded


@contextmanager
def session(engine: Literal["mpi"] = "mpi", *, quiet: bool = False, patience: float = 60.0) -> Iterator[Ranks]:
    """Let trainers, in a ``with`` block, train together with those in all processes that a launcher started.

    At first all ranks get the state of ``numpy.random`` of rank 0, and a share of the cores of their machine. Where
    a rank fails, is killed, hangs or is not like the others, all end: with the status 1 and a line on standard error
    that names it. Without a launcher this process trains alone.

    Parameters
    ----------
    engine : "mpi"
        mpi4py, of the extra ``mpi``.
    quiet : bool
        Whether the standard output and error of all ranks but 0 go nowhere, from now on.
    patience : float
        Seconds, at least, that the others wait for a rank that lives but does not come to a step; 7 of 60
        where it does not compute either. (One that does not even say that it lives is given up after 6 s.)

    Raises
    ------
    ImportError
        mpi4py is not installed.
    RankError
        One has another version of fasts2s or NumPy, or the launcher is not that of the MPI library.
    """
    one_of("engine", engine, ("mpi",))
    quiet, patience = flag("quiet", quiet), bounded("patience", patience, 60.0)
    mpi = need("mpi4py.MPI", "mpi", "training by several processes is done")
    from fasts2s.distributed.joining import together  # noqa: PLC0415 - only who needs it pays for it

    with together(mpi, quiet, patience) as ranks, in_force(ranks):
        yield ranks
