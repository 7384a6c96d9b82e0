"""Pairs drawn from a world, with combinations that are held out."""

import hashlib
import random
from collections.abc import Callable
from typing import NamedTuple

from fasts2s.apps.application import Parts, pairs_of

#: Share of the combinations that are for the score at the end, and as many to measure with after every epoch.
HELD_OUT = 0.08
#: Draws in a row that bring nothing new, after which a world counts as small.
_PATIENCE = 3000


class Drawn(NamedTuple):
    """A pair, and the combination in it that decides what part it is in."""

    combination: str
    source: str
    target: str


def part_of(combination: str) -> int:
    """Return 0 for a combination to learn from, 1 for one to measure with, 2 for one that is for the end."""
    digest = hashlib.blake2b(combination.encode("utf-8"), digest_size=4).digest()
    place = int.from_bytes(digest, "big") / 2**32
    return 2 if place < HELD_OUT else 1 if place < 2 * HELD_OUT else 0


def draw(world: Callable[[random.Random], Drawn], counts: tuple[int, int, int], seed: int, origin: str) -> Parts:
    """Draw pairs from a world, each source once.

    Parameters
    ----------
    world : draws one pair
    counts : pairs to learn from, to measure with, for the end; of a small world as many as it has
    seed : of what is drawn. What is held out does not depend on it
    origin : what the pairs are called

    Returns
    -------
    Parts : a combination is in one of them only
    """
    rng = random.Random(seed)
    parts: tuple[dict[str, str], ...] = ({}, {}, {})
    idle = 0
    while idle < _PATIENCE and any(len(part) < count for part, count in zip(parts, counts, strict=True)):
        drawn = world(rng)
        where = part_of(drawn.combination)
        part = parts[where]
        is_new = len(part) < counts[where] and drawn.source not in part
        idle = 0 if is_new else idle + 1
        if is_new:
            part[drawn.source] = drawn.target
    return Parts(*(pairs_of(list(part.items()), origin) for part in parts))
