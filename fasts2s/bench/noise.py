"""How far measured numbers scatter, and what is said about it. Pure functions of numbers; no unit matters."""

import math
from collections.abc import Sequence

import numpy as np

#: Of the factor by which the quartiles of few rounds are too close, see :func:`scatter`.
HIDDEN = 1.3


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return (low, median, high): quartiles, between two values by their straight line. ValueError for no value."""
    if len(values) == 0:
        raise ValueError("there are no values, expected at least one")
    low, median, high = np.percentile(np.asarray(values, dtype=np.float64), [25, 50, 75]).tolist()
    return low, median, high


def scatter(rounds: Sequence[float]) -> float:
    """Return the relative noise of rounds: their interquartile range / median, widened for what few rounds hide.

    Quartiles of few numbers lie closer together than those of all that could have come: n / (n - 1.3) times is for
    normal ones right to 3 % from 5 rounds on (5: 1.35, 7: 1.23). 0 for fewer than 2 rounds, and for a median of 0.
    """
    if len(rounds) < 2:
        return 0.0
    low, median, high = quartiles(rounds)
    return (high - low) / median * len(rounds) / (len(rounds) - HIDDEN) if median else 0.0


def combined(*parts: float) -> float:
    """Return the relative noise that comes of several independent ones: the root of the sum of their squares."""
    return math.hypot(*parts)


def allowed(old_noise: float, new_noise: float) -> float:
    """Return the factor >= 1 by which two numbers with these relative noises may differ, up or down."""
    return math.exp(combined(math.log1p(old_noise), math.log1p(new_noise)))


def disturbance(here: Sequence[float], everywhere: Sequence[float]) -> float:
    """Return how much longer one case, the anchor, took while others were measured than it takes undisturbed.

    The upper quartile of its seconds ``here`` over the lower quartile of those ``everywhere`` in the run, less 1:
    what else runs on a machine only ever slows it down, often for minutes, so that all rounds of a row are slow
    together and their scatter shows nothing. 0 at least, and without any seconds.
    """
    if not here or not everywhere:
        return 0.0
    return max(0.0, quartiles(here)[2] / quartiles(everywhere)[0] - 1)


def paired(a_rounds: Sequence[float], b_rounds: Sequence[float]) -> tuple[float, float, float]:
    """Return (low, median, high) of a / b, taken within each round: what slows a whole round down cancels.

    ValueError if there are no rounds, not as many of each, or a round of b is 0.
    """
    if len(a_rounds) != len(b_rounds):
        raise ValueError(f"there are {len(a_rounds)} and {len(b_rounds)} rounds, expected as many of each")
    if 0 in b_rounds:
        raise ValueError(f"round {list(b_rounds).index(0) + 1} of the second is 0, expected numbers to divide by")
    return quartiles([a / b for a, b in zip(a_rounds, b_rounds, strict=True)])
