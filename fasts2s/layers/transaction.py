"""All or nothing for what is made of several layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def all_or_nothing(parts: list[Any]) -> Iterator[None]:
    """Put the attributes of all parts back if the block fails.

    A single layer assigns its state after its kernel succeeded. Of several layers the first may have succeeded when
    the last one refuses its input; without this the first would hold another batch than the others.
    """
    before = [dict(vars(part)) for part in parts]
    try:
        yield
    except BaseException:  # an interrupt by the user too
        for part, attributes in zip(parts, before, strict=True):
            vars(part).clear()
            vars(part).update(attributes)
        raise
