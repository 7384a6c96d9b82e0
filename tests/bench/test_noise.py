"""Noise, disturbance and paired ratios of small lists whose quartiles are known."""

import math

import numpy as np
import pytest

from fasts2s.bench.noise import combined, disturbance, paired, quartiles, scatter, spread


def test_quartiles_are_low_median_and_high_whatever_the_order():
    assert quartiles([5.0, 1.0, 3.0, 2.0, 4.0]) == (2.0, 3.0, 4.0)
    assert quartiles([1.0, 2.0]) == (1.25, 1.5, 1.75)
    assert quartiles((7.0,)) == (7.0, 7.0, 7.0)


def test_quartiles_are_plain_numbers():
    assert {type(value) for value in quartiles([1, 2, 4])} == {float}


def test_no_value_has_no_quartiles():
    with pytest.raises(ValueError, match="no values"):
        quartiles([])


def test_spread_is_the_interquartile_range_over_the_median():
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 2 / 3
    assert spread([10.0, 20.0, 30.0, 40.0, 50.0]) == 2 / 3
    assert spread([1.0, 3.0]) == 0.5
    assert spread([2.0, 2.0, 2.0, 2.0]) == 0


@pytest.mark.parametrize("rounds", [[], [3.0], [0.0, 0.0], [0.0, 0.0, 1.0]])
def test_spread_is_zero_where_nothing_can_be_said(rounds):
    assert spread(rounds) == 0


def test_one_outlier_hardly_counts():
    assert spread([1.0, 1.0, 1.0, 1.0, 1000.0]) == 0


def test_independent_parts_add_as_squares():
    assert combined(0.03, 0.04) == pytest.approx(0.05)
    assert combined(0.1, 0.1, 0.1) == pytest.approx(0.1 * math.sqrt(3))
    assert combined(0.07) == 0.07
    assert combined() == 0


@pytest.mark.parametrize("n", [5, 7, 10, 25])
def test_scatter_of_few_rounds_is_on_average_that_of_many(n):
    rng = np.random.default_rng(0)
    drawn = 100 + rng.standard_normal((4000, n))
    found = np.mean([scatter(rounds.tolist()) for rounds in drawn])
    assert found == pytest.approx(2 * 0.6745 / 100, rel=0.04), "quartiles of a normal distribution"
    assert np.mean([spread(rounds.tolist()) for rounds in drawn]) < found


def test_scatter_of_one_round_is_none():
    assert scatter([3.0]) == scatter([]) == 0.0


def test_undisturbed_is_what_takes_as_long_as_everywhere():
    assert disturbance([2.0, 2.0, 2.0], [2.0] * 9) == 0
    assert disturbance([1.0], [2.0] * 9) == 0, "faster is not disturbed"
    assert disturbance([], [2.0]) == disturbance([2.0], []) == disturbance([], []) == 0


def test_disturbance_is_seen_where_all_rounds_are_slow_alike():
    quiet, slow = [2.0, 2.01, 1.99, 2.0], [3.0, 3.0, 3.0]
    assert spread(slow) == 0
    assert math.isclose(disturbance(slow, quiet + slow), 3.0 / 2.0 - 1, rel_tol=0.01)
    assert disturbance(quiet, quiet + slow) < 0.01


def test_one_slow_anchor_of_five_is_no_disturbance():
    assert disturbance([2.0, 2.0, 9.0, 2.0, 2.0], [2.0] * 20) == 0


def test_paired_ratios_are_taken_within_each_round():
    # The machine became ten times as slow in the last rounds: the ratio does not feel it.
    assert paired([2.0, 20.0, 200.0], [1.0, 10.0, 100.0]) == (2.0, 2.0, 2.0)
    low, median, high = paired([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 1.0, 1.0, 1.0, 1.0])
    assert (low, median, high) == (2.0, 3.0, 4.0)


@pytest.mark.parametrize(("a", "b"), [([1.0, 2.0], [1.0]), ([], []), ([1.0, 1.0], [2.0, 0.0])])
def test_what_cannot_be_paired_is_refused(a, b):
    with pytest.raises(ValueError, match="expected"):
        paired(a, b)
