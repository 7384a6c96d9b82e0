"""What a training needs of the processes that share it. Here: one process, which needs nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from fasts2s._rows import Rows
from fasts2s_kernels.arrays import Array

_T = TypeVar("_T")


class Ranks:
    """The processes of a training: this base class is one alone.

    Attributes
    ----------
    rank : int
        Of this process, from 0. Rank 0 prints, measures and saves.
    size : int
        The number of processes.
    SAVE, STOP, TERM
        What a rank may ask of all, to be done by all after the same step: keep the state; end, by Ctrl-C or SIGTERM.
    """

    SAVE, STOP, TERM = 0, 1, 2
    rank = 0
    size = 1

    def __init__(self) -> None:
        self._asked = set[int]()
        self._heard = frozenset[int]()

    @contextmanager
    def part(self, total: int) -> Iterator[tuple[slice, bool]]:
        """Yield the rows of a batch of ``total`` that are this rank's, and whether they count.

        Where there are more ranks than rows some have a row that does not count: of another rank, so that they draw
        the random numbers that all draw. Layers draw, in the block, what one process would draw for these rows.
        """
        yield slice(0, total), True

    def mean(self, grads: list[Array], loss: Any, weight: float) -> tuple[list[Array], Any]:
        """Return the sums over all ranks of gradients and of a loss, each times the rank's weight.

        What was asked before is heard by all ranks after it. The arrays are written again by the next call.

        Parameters
        ----------
        grads : arrays of the same shapes on all ranks
        loss : number
        weight : the rank's share of all labels; 0: what came is not looked at
        """
        return grads, loss

    def ask(self, what: int) -> None:
        """Ask all ranks for SAVE, STOP or TERM, after the next step."""
        self._asked.add(what)

    def heard(self, what: int) -> bool:
        """Return whether somebody had asked when the last step's gradients were summed: all ranks get one answer."""
        return what in self._heard

    def shared(self, make: Callable[[], _T]) -> _T:
        """Return, on all ranks, what rank 0 makes; others wait. RankError on them where it raises an Exception."""
        return make()

    def require_same(self, **facts: Any) -> None:
        """Raise RankError, on all ranks, where one has another value of a fact than rank 0."""

    def require_same_weights(self, params: Sequence[Array]) -> None:
        """Raise RankError, on all ranks, where a bit of the parameters of one is not that of rank 0's."""

    def spread(self, params: Sequence[Array]) -> None:
        """Give all ranks, in place, the parameters of rank 0, and its state of ``numpy.random``."""

    def joined(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """Return, on rank 0, arrays (N, ...) of all ranks' rows (n, ...) of the last batch; elsewhere what came."""
        return arrays

    def own(self, a: Array) -> Array:
        """Return this rank's rows of an array (N, ...)."""
        return a


_ALONE = Ranks()
#: Of the session that is open in this process.
_open: list[Ranks] = []


def current() -> Ranks:
    """Return the processes that train together here; without a session this one alone."""
    return _open[-1] if _open else _ALONE


@contextmanager
def in_force(ranks: Ranks) -> Iterator[Ranks]:
    """Let :func:`current` return these ranks in a ``with`` block."""
    _open.append(ranks)
    try:
        yield ranks
    finally:
        _open.pop()


def rows_of(rank: int, size: int, total: int) -> tuple[Rows, bool]:
    """Return a rank's rows of a batch, and whether they count: see :meth:`Ranks.part`."""
    first, end = total * rank // size, total * (rank + 1) // size
    if end > first or total == 0:
        return Rows(first, end - first, total), True
    return Rows(0, 1, total), False
