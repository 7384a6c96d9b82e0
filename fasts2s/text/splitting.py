"""Training, validation and test part, chosen by a hash of every source."""

from __future__ import annotations

import hashlib
from typing import TypeVar

from fasts2s.text.pairs import Pairs, Texts
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.scalars import bounded, shown

Rows = TypeVar("Rows", Pairs, Texts)


def split(pairs: Rows, validation: float = 0.05, test: float = 0.05, seed: int = 0) -> tuple[Rows, Rows, Rows]:
    """Divide pairs by their sources, or texts by themselves.

    Where a row goes depends on its source, `test`, `validation` and `seed` alone. So equal sources are in one part,
    rows that are added move no other, and another order of the file changes nothing. Another `validation` takes rows
    from the training part or gives it some, and leaves the test part.

    Parameters
    ----------
    pairs : Pairs or Texts
    validation, test : shares that are held out, about; from 0, and below 1 together
    seed : another one holds out other rows

    Returns
    -------
    train, valid, test : in the order of `pairs`; a part may be empty

    Raises
    ------
    ValueError : shares out of their range, or something else than Pairs or Texts.
    """
    if not isinstance(pairs, Pairs | Texts):
        raise ValueError(f"pairs is {shown(pairs)}, expected what read_pairs or read_texts returns")
    validation, test = bounded("validation", validation, 0.05, 1), bounded("test", test, 0.05, 1)
    if validation + test >= 1:
        raise ValueError(f"validation is {validation}, test is {test}, expected less than 1 together")
    salt = str(integer("seed", seed)).encode()
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for row, text in enumerate(pairs.sources if isinstance(pairs, Pairs) else pairs.texts):
        place = _place(text, salt)
        parts[2 if place < test else 1 if place < test + validation else 0].append(row)
    return pairs.select(parts[0]), pairs.select(parts[1]), pairs.select(parts[2])


def _place(text: str, salt: bytes) -> float:
    """Return a number from 0 to below 1 that a text always gets."""
    data = salt + b"\0" + text.encode("utf-8", "surrogatepass")
    # 53 bits are all that a float can tell apart.
    return (int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") >> 11) / 2**53
