"""Draws without putting back: word for word what ``np.random.choice`` draws, and the generator where it leaves it."""

import numpy as np
import pytest

from fasts2s.dropin.book import choices
from fasts2s.dropin.book.choices import Shares


def _by_numpy(p, left_out, size):
    """Draw row by row, as the book does."""
    drawn = np.zeros((len(left_out), size), np.int64)
    for k, word in enumerate(left_out):
        q = p.copy()
        q[word] = 0
        q /= q.sum()
        drawn[k] = np.random.choice(len(p), size=size, replace=False, p=q)
    return drawn


def _zipf(V, zeros=1):
    p = 1 / np.arange(1, V + 1) ** 0.75
    p[zeros::7] *= zeros == 1
    return p / p.sum()


def _both(p, left_out, size, seed):
    np.random.seed(seed)
    expected, after = _by_numpy(p, left_out, size), np.random.random_sample()
    np.random.seed(seed)
    found = Shares(p).draw(left_out, size)
    assert np.array_equal(found, expected)
    assert np.random.random_sample() == after


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("V", "R", "size"), [(2000, 150, 5), (30, 90, 5), (7, 70, 5), (6, 20, 5), (300, 40, 50), (2, 9, 1), (500, 1, 1)]
)
def test_the_words_and_the_stream_are_numpys(V, R, size, seed):
    _both(_zipf(V), np.random.default_rng(seed).integers(0, V, R), size, seed)


@pytest.mark.parametrize("seed", range(3))
def test_words_without_a_share(seed):
    p = _zipf(50, zeros=2)
    _both(p, np.random.default_rng(seed).integers(0, 50, 200), 5, seed)
    assert not np.isin(Shares(p).draw(np.zeros(500, int), 5), np.flatnonzero(p == 0)).any()


def test_very_unequal_shares():
    p = np.array([1e-12, 0.7, 1e-9, 0.3, 1e-15, 1e-11, 1e-3])
    _both(p / p.sum(), np.arange(70) % 7, 4, 5)


def test_where_rounding_may_decide_numpys_own_way_is_taken(monkeypatch):
    p, rows = _zipf(40), np.arange(40)
    shares = Shares(p)
    shares.close = 1.0  # every number is too close to the end of a word
    np.random.seed(4)
    expected = _by_numpy(p, rows, 3)
    np.random.seed(4)
    assert np.array_equal(shares.draw(rows, 3), expected)
    # A number at the end of a word, to the bit: nothing but NumPy's own sums can decide.
    q = p.copy()
    q[9] = 0
    ends = np.cumsum(q / q.sum())
    x = ends[20] / ends[-1]
    monkeypatch.setattr(np.random, "random_sample", lambda count: np.full(count, x))
    assert Shares(p).draw(np.array([9]), 1)[0, 0] == np.searchsorted(ends / ends[-1], x, side="right")


@pytest.mark.parametrize(("p", "size"), [([0.5, 0.5, 0, 0], 2), ([1.0], 1), ([0.3, 0.3, 0.4], 3), ([0.5, 0.5], 0)])
def test_rows_with_too_few_words_are_refused_before_anything_is_drawn(p, size):
    np.random.seed(1)
    shares = Shares(np.array(p))
    with pytest.raises(ValueError, match="expected more than the"):
        shares.draw(np.array([0, 1]), size)
    assert np.random.random_sample() == np.random.RandomState(1).random_sample()


@pytest.mark.parametrize("p", [[0.5, -0.5], [np.nan, 1], [0.0, 0.0], [], [[0.5, 0.5]]], ids=str)
def test_what_are_no_shares_is_refused(p):
    with pytest.raises(ValueError, match=r"word_p .*, expected"):
        Shares(np.array(p, np.float64))


def test_shares_of_words_that_are_counted():
    assert np.array_equal(choices.shares_of(np.array([0, 2, 2, 1]), 2.0), np.array([1, 1, 4]) / 6)
    assert np.array_equal(choices.shares_of(np.array([5, 1, 1]), 1.0), np.array([0.0, 1.0]))  # two words: ids 0 and 1
