"""Random numbers for some rows of a batch that several processes share: what one process would draw for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from fasts2s_kernels.arrays import Array


class Rows(NamedTuple):
    """Rows ``first`` to ``first + size - 1`` of a batch of ``total``."""

    first: int
    size: int
    total: int


_rows: ContextVar[Rows | None] = ContextVar("fasts2s_rows", default=None)


@contextmanager
def of_a_larger_batch(rows: Rows) -> Iterator[None]:
    """Let the layers know, in a ``with`` block, which rows of a batch they are given."""
    token = _rows.set(rows)
    try:
        yield
    finally:
        _rows.reset(token)


def drawn(draw: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Array:
    """Return ``draw(shape)``, or its part where shape (N, ...) is that of some rows of a larger batch.

    All rows of that batch are drawn then: so the generator is afterwards where it would be in one process, and in the
    same place in all processes.
    """
    rows = _rows.get()
    if rows is None or not shape or shape[0] != rows.size:
        return draw(shape)
    return draw((rows.total, *shape[1:]))[rows.first : rows.first + rows.size]
