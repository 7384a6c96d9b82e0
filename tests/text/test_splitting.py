"""Pairs as a sequence, and their division by a hash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasts2s.text import Pairs, Texts, split


def test_pairs_are_a_sequence():
    pairs = Pairs(["a", "b", "c"], ["1", "2", "3"], "here", "tsv", ("q", "a"), 4, 5)
    assert (len(pairs), pairs[1], pairs[-1]) == (3, ("b", "2"), ("c", "3"))
    assert list(pairs) == [("a", "1"), ("b", "2"), ("c", "3")]
    assert ("b", "2") in pairs
    part = pairs[1:]
    assert isinstance(part, Pairs)
    assert (part.sources, part.targets) == (["b", "c"], ["2", "3"])
    assert (part.origin, part.format, part.header, part.duplicates, part.empty) == ("here", "tsv", ("q", "a"), 0, 0)
    assert list(pairs.select([2, 0])) == [("c", "3"), ("a", "1")]
    for row in (3, -1):
        with pytest.raises(IndexError, match=f"row {row} is not there, expected 0 to 2"):
            pairs.select([row])
    with pytest.raises(IndexError):
        pairs[3]


def test_texts_are_a_sequence():
    texts = Texts(["a", "b"], "here", "lines", (), 2, 3)
    assert (len(texts), texts[1], list(texts), texts[:1].texts, texts[:1].empty) == (2, "b", ["a", "b"], ["a"], 0)


def test_wrong_pairs_are_refused():
    with pytest.raises(ValueError, match="2 sources and 1 targets, expected as many of both"):
        Pairs(["a", "b"], ["a"])
    with pytest.raises(ValueError, match=r"targets\[1\] is None, expected a text"):
        Pairs(["a", "b"], ["a", None])
    with pytest.raises(ValueError, match="texts is 'abc', expected a list of texts"):
        Texts("abc")


def numbered(n, of=1):
    return Pairs([f"source {i // of}" for i in range(n)], [f"target {i}" for i in range(n)])


def test_shares_are_about_those_asked_for():
    train, valid, test = split(numbered(20_000), validation=0.1, test=0.2)
    assert len(train) + len(valid) + len(test) == 20_000
    assert abs(len(valid) - 2_000) < 200  # 5 standard deviations
    assert abs(len(test) - 4_000) < 300
    assert split(numbered(50), 0, 0)[0].sources == numbered(50).sources


def test_no_source_is_on_two_sides_and_every_row_on_one():
    pairs = numbered(3_000, of=3)
    parts = split(pairs, 0.2, 0.2)
    for i, a in enumerate(parts):
        assert sorted(a.targets) != []
        for b in parts[i + 1 :]:
            assert not set(a.sources) & set(b.sources)
    assert sorted(target for part in parts for target in part.targets) == sorted(pairs.targets)


@settings(max_examples=50)
@given(
    texts=st.lists(st.text(min_size=1), min_size=1, max_size=40, unique=True),
    more=st.lists(st.text(min_size=1), max_size=20),
    seed=st.integers(0, 3),
)
def test_rows_that_are_added_move_no_other(texts, more, seed):
    part_of = {text: i for i, part in enumerate(split(Texts(texts), 0.3, 0.3, seed)) for text in part}
    grown = sorted([*texts, *more])
    again = {text: i for i, part in enumerate(split(Texts(grown), 0.3, 0.3, seed)) for text in part}
    assert {text: again[text] for text in texts} == part_of


def test_another_validation_share_leaves_the_test_part():
    pairs = numbered(500)
    assert split(pairs, 0.3, 0.1)[2].sources == split(pairs, 0.05, 0.1)[2].sources
    assert set(split(pairs, 0.3, 0.1)[1].sources) > set(split(pairs, 0.05, 0.1)[1].sources)


def test_the_parts_are_these_for_ever():
    # A model is tested on what it has not seen, also after an update of this package.
    pairs = numbered(40)
    _, valid, test = split(pairs, 0.1, 0.1, seed=7)
    assert ([t[7:] for t in valid.targets], [t[7:] for t in test.targets]) == (["15", "31"], ["35", "36"])
    assert split(pairs, 0.1, 0.1, seed=8)[2].targets != test.targets


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((0.5, 0.5), "expected less than 1 together"),
        ((-0.1, 0.1), "validation is -0.1, expected a number from 0 to below 1"),
        ((0.1, 1), "test is 1, expected a number from 0 to below 1"),
    ],
)
def test_wrong_shares_are_refused(shares, message):
    with pytest.raises(ValueError, match=message):
        split(numbered(3), *shares)
    with pytest.raises(ValueError, match="pairs is of type list, expected what read_pairs or read_texts returns"):
        split([("a", "b")])
