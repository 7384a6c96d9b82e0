"""Pictures of shapes: what is said of them is true, and combinations are held out."""

import numpy as np

from fasts2s.apps.worlds.drawing import part_of
from fasts2s.apps.worlds.shapes import (
    COLOURS,
    RELATIONS,
    SIDE,
    THINGS,
    _painted,
    _two_places,
    name_of,
    single_things,
    two_things,
)


def seen(picture, colour):
    """The middle (row, column) of the pixels that are nearest to a colour, and far from grey."""
    colours = np.array(list(COLOURS.values()))
    distance = np.abs(picture.transpose(1, 2, 0)[:, :, None] - colours * 0.9).sum(axis=3)
    grey = picture.max(axis=0) - picture.min(axis=0) < 0.25
    found = (distance.argmin(axis=2) == list(COLOURS).index(colour)) & (~grey | (picture.min(axis=0) > 0.7))
    return np.argwhere(found).mean(axis=0) if found.sum() > 5 else None


def test_captions_are_true():
    made = two_things(60, seed=3, part=0)
    checked = 0
    for picture, caption in zip(made.pictures, made.captions, strict=True):
        _, first, _, relation, *rest = caption.split()
        second = rest[-2]
        if first == second:
            continue
        places = seen(picture, first), seen(picture, second)
        assert places[0] is not None, caption
        assert places[1] is not None, caption
        axis = 1 if relation == "left" else 0
        assert places[0][axis] < places[1][axis], caption
        checked += 1
    assert checked > 40


def test_two_things_do_not_overlap_and_their_relation_is_clear():
    rng = np.random.default_rng(1)
    for k in range(200):
        (column, row), (other_column, other_row) = _two_places(rng, k % 2)
        across, down = other_column - column, other_row - row
        along, aside = (across, down) if k % 2 == 0 else (down, across)
        assert along > 1.5 * abs(aside)
        assert along >= 9
        assert min(column, row, other_column, other_row) > 4
        assert max(column, row, other_column, other_row) < SIDE - 5


def test_parts_share_no_combination():
    captions = [set(two_things(80, 1, part).captions) for part in (0, 1, 2)]
    assert not captions[0] & captions[1] | captions[0] & captions[2] | captions[1] & captions[2]
    assert all(part_of(caption) == part for part in (0, 1, 2) for caption in captions[part])


def test_a_seed_decides():
    one, same, other = (two_things(5, seed, 0) for seed in (1, 1, 2))
    assert one.captions == same.captions != other.captions
    assert np.array_equal(one.pictures, same.pictures)
    pictures, kinds = single_things(30, 1)
    assert pictures.shape == (30, 3, SIDE, SIDE)
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert len(set(kinds.tolist())) > 10


def test_every_thing_looks_different():
    places = [_painted(np.random.default_rng(0), [(k, 12, 12)]) for k in range(len(THINGS))]
    assert len({p.tobytes() for p in places}) == len(THINGS) == 24
    assert name_of(0) == "a red circle"
    assert RELATIONS == ("left of", "above")
