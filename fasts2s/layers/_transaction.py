"""All or nothing for what is made of several layers."""

from collections.abc import Iterable
from typing import Any


class all_or_nothing:
    """``with all_or_nothing(parts):`` put the attributes of all parts back if the block fails.

    A single layer assigns its state after its kernel succeeded. Of several layers the first may have succeeded when
    the last one refuses its input; without this the first would hold another batch than the others.

    It stands around every training step, so it costs next to nothing where all goes well: the dict of a part is
    copied as a whole, references and no arrays.
    """

    __slots__ = ("_before",)

    def __init__(self, parts: Iterable[Any]) -> None:
        attributes: list[dict[str, Any]] = [vars(part) for part in parts]
        self._before = [(held, held.copy()) for held in attributes]

    def __enter__(self) -> None:
        """Go on: what is to be put back is known."""

    def __exit__(self, kind: Any, *_: object) -> None:
        """Put everything back after an error, an interrupt by the user too; what was raised goes on."""
        if kind is not None:
            for held, before in self._before:
                held.clear()
                held.update(before)
