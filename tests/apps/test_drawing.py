"""What is held out is not learned: parts of a world share no combination."""

import random

import pytest

from fasts2s.apps.worlds.drawing import HELD_OUT, Drawn, draw, part_of
from fasts2s.apps.worlds.grammar import sentence_pair
from fasts2s.apps.worlds.numbers import number_pair


def _numbers(rng):
    return number_pair(rng, "en", "fr")


def _sentences(rng):
    return sentence_pair(rng, "ja", "ko")


@pytest.mark.parametrize("world", [_numbers, _sentences])
def test_combinations_are_in_one_part_only(world):
    seen = {}

    def noted(rng):
        drawn = world(rng)
        seen[drawn.source] = drawn.combination
        return drawn

    parts = draw(noted, (400, 40, 60), 3, "test")
    assert [len(part) for part in (parts.train, parts.held_out, parts.test)] == [400, 40, 60]
    combinations = [{seen[source] for source in part.sources} for part in (parts.train, parts.held_out, parts.test)]
    assert not combinations[0] & combinations[1]
    assert not combinations[0] & combinations[2]
    assert not combinations[1] & combinations[2]
    sources = [*parts.train.sources, *parts.held_out.sources, *parts.test.sources]
    assert len(set(sources)) == len(sources)


def test_the_seed_decides():
    first, again, other = (draw(_sentences, (50, 5, 5), seed, "test").train.sources for seed in (1, 1, 2))
    assert first == again != other


def test_a_share_is_held_out():
    parts = [part_of(str(k)) for k in range(5000)]
    assert abs(parts.count(1) / 5000 - HELD_OUT) < 0.02
    assert abs(parts.count(2) / 5000 - HELD_OUT) < 0.02


def test_a_small_world_gives_what_it_has():
    def world(rng: random.Random) -> Drawn:
        k = rng.randrange(60)
        return Drawn(str(k), str(k), str(-k))

    parts = draw(world, (1000, 1000, 1000), 0, "small")
    assert len(parts.train) + len(parts.held_out) + len(parts.test) == 60
