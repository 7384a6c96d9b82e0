"""Noise, disturbance and paired ratios of small lists whose quartiles are known."""

import math

import numpy as np
import pytest

from fasts2s.bench.noise import allowed, combined, disturbance, paired, quartiles, scatter


def test_quartiles_are_low_median_and_high_whatever_the_order():
    assert quartiles([5.0, 1.0, 3.0, 2.0, 4.0]) == (2.0, 3.0, 4.0)
    assert quartiles([1, 2]) == (1.25, 1.5, 1.75)
    assert {type(value) for value in quartiles((7,))} == {float}
    with pytest.raises(ValueError, match="no values"):
        quartiles([])


def test_scatter_is_the_widened_interquartile_range_over_the_median():
    assert scatter([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 3 * 5 / 3.7)
    assert scatter([1.0, 1.0, 1.0, 1.0, 1000.0]) == 0, "one outlier hardly counts"
    assert scatter([]) == scatter([3.0]) == scatter([0.0, 0.0, 1.0]) == 0


@pytest.mark.parametrize("n", [5, 7, 10, 25])
def test_scatter_of_few_rounds_is_on_average_that_of_many(n):
    drawn = 100 + np.random.default_rng(0).standard_normal((4000, n))
    found = np.mean([scatter(rounds.tolist()) for rounds in drawn])
    assert found == pytest.approx(2 * 0.6745 / 100, rel=0.04), "quartiles of a normal distribution"


def test_independent_noises_add_as_squares_and_allow_a_factor():
    assert combined(0.03, 0.04) == pytest.approx(0.05)
    assert (combined(0.07), combined()) == (0.07, 0)
    assert (allowed(0.0, 0.0), allowed(0.1, 0.0)) == (1, pytest.approx(1.1))
    assert allowed(0.05, 0.1) == pytest.approx(math.exp(math.hypot(math.log(1.05), math.log(1.1))))


def test_disturbance_is_seen_where_all_rounds_are_slow_alike():
    quiet, slow = [2.0, 2.01, 1.99, 2.0], [3.0, 3.0, 3.0]
    assert scatter(slow) == 0
    assert disturbance(slow, quiet + slow) == pytest.approx(3.0 / 2.0 - 1, rel=0.01)
    assert disturbance(quiet, quiet + slow) < 0.01
    assert disturbance([1.0], [2.0] * 9) == 0, "faster is not disturbed"
    assert disturbance([2.0, 2.0, 9.0, 2.0, 2.0], [2.0] * 20) == 0, "once in five is not"
    assert disturbance([], [2.0]) == disturbance([2.0], []) == 0


def test_paired_ratios_are_taken_within_each_round():
    # The machine became ten times as slow in the last rounds: the ratio does not feel it.
    assert paired([2.0, 20.0, 200.0], [1.0, 10.0, 100.0]) == (2.0, 2.0, 2.0)
    assert paired([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5) == (2.0, 3.0, 4.0)
    for b in ([1.0], [2.0, 0.0]):
        with pytest.raises(ValueError, match="expected"):
            paired([1.0, 1.0], b)
