"""Exponents, crossovers and speed-ups, against laws that the numbers were made from."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import numpy as np
import pytest

from fasts2s.bench.report import scaling, story
from tests.bench.results_of import made_up, row

SIZES = (4, 8, 16, 32, 64, 128)


def sweep(unit="s", letter="N", **laws):
    """A result in which a contestant takes law(size)."""
    info = {"sweep": "a layer", "letter": letter, "base": "T=5"}
    rows = [
        row("scaling", f"a layer {letter}={size}", name, law(size), unit=unit, info={**info, "size": size})
        for name, law in laws.items()
        for size in SIZES[::-1]
    ]
    return made_up(groups=("scaling",), contestants=(), more=tuple(rows))


def test_fits_find_the_exponents_that_the_numbers_were_made_with():
    found = {(fit.sweep, fit.letter, fit.contestant): fit for fit in story.fits(made_up())}
    exponents = {key: round(fit.exponent, 6) for key, fit in found.items()}
    assert exponents["LSTM layer", "N", "numba"] == 1.0
    assert exponents["LSTM layer", "N", "numpy"] == 1.5
    assert exponents["LSTM layer", "H", "numba"] == 2.0
    assert exponents["LSTM layer", "H", "numpy"] == 3.0
    assert exponents["memory of Rnnlm step", "N", "book"] == 1.0
    assert len(found) == 3 * 4  # and none over threads
    assert all(fit.error < 1e-6 for fit in found.values())


def test_a_fit_takes_the_larger_half_of_the_sizes():
    (fit,) = scaling.fits(sweep(numba=lambda n: 1e-3 if n < 32 else 1e-3 * (n / 32) ** 2))
    assert fit.sizes == (32, 64, 128)
    assert fit.exponent == pytest.approx(2.0)


def test_the_standard_error_is_that_of_numpy():
    rng = np.random.default_rng(5)
    values = [s**1.3 * np.exp(0.1 * rng.standard_normal()) for s in SIZES]
    coefficients, covariance = np.polyfit(np.log(SIZES), np.log(values), 1, cov=True)
    found = scaling.exponent(SIZES, values)
    assert found == pytest.approx((coefficients[0], covariance[0, 0] ** 0.5))


def test_two_sizes_give_no_exponent():
    result = made_up(groups=("steps",), contestants=())
    info = {"sweep": "a", "letter": "N", "base": ""}
    rows = [row("scaling", f"a {k}", "numba", 1.0, info={**info, "size": k}) for k in (1, 2)]
    assert scaling.fits(made_up(groups=("scaling",), contestants=(), more=tuple(rows))) == []
    assert scaling.fits(result) == []


@pytest.mark.parametrize(
    ("law", "size", "text"),
    [
        (lambda n: 0.4e-3 * (n / 50) ** 1.5, 50, "ahead from N=50 on"),
        (lambda n: 0.4e-3 * 80 / 50 * (n / 80) ** 1.5, 80, "ahead from N=80 on"),  # between the last two sizes
        (lambda n: 1.0, 4, "ahead from the smallest size measured (N=4)"),
        (lambda n: 1e-9, None, "not ahead up to N=128"),
        (lambda n: 0.4e-3 * (n / 50) ** 0.5, None, "ahead only up to N=50"),
    ],
)
def test_a_crossover_is_where_the_lines_cross(law, size, text):
    result = sweep(numpy=law, numba=lambda n: 0.4e-3 * n / 50)
    (found,) = scaling.crossovers(result)
    assert (found.first, found.other, found.text) == ("numba", "numpy", text)
    assert found.size == (None if size is None else pytest.approx(size))


def test_nobody_is_ahead_by_less_than_the_noise():
    close = sweep(numpy=lambda n: 1.05 * n, numba=lambda n: 1.0 * n)  # with a noise of 4 % each
    (found,) = scaling.crossovers(close)
    assert (found.size, found.text) == (None, "they differ by no more than the noise")
    (found,) = scaling.crossovers(sweep(numpy=lambda n: 1.05 * n if n < 128 else 1.07 * n, numba=lambda n: 1.0 * n))
    assert found.text == "ahead from the smallest size measured (N=4)"


def test_who_is_compared_with_whom():
    result = sweep(numba=lambda n: 2.0, book=lambda n: 4.0, cupy=lambda n: 1.0)
    assert {(c.first, c.other) for c in scaling.crossovers(result)} == {
        ("cupy", "numba"),
        ("cupy", "book"),
        ("numba", "book"),
    }
    assert [(c.first, c.other) for c in scaling.crossovers(sweep(JAX=lambda n: 1.0, book=lambda n: 2.0))] == [
        ("JAX", "book")
    ]


def test_speed_ups_are_over_one_thread():
    found = {gain.contestant: gain for gain in story.speedups(made_up())}
    assert found["numba"].threads == (1, 2, 4)
    assert found["numba"].times == pytest.approx((1, 2**0.9, 4**0.9))
    (text, *_) = scaling.sentences(made_up(), "LSTM layer", "threads")
    assert text == "Speed-up of numba over one thread: 1.87× on 2, 3.48× on 4."


def test_threads_without_a_run_on_one_have_no_speed_up():
    result = sweep(letter="threads", numba=lambda n: 1 / n)
    assert scaling.speedups(result) == []
    assert scaling.crossovers(result) == []


def test_the_sentences_of_a_sweep():
    growth, *crossings = scaling.sentences(made_up(contestants=("numba", "PyTorch")), "LSTM layer", "H")
    assert growth == "From H = 32 to 256 it grows: numba as H^2.00 ±0.00, PyTorch as H^2.00 ±0.00 (standard error)."
    assert crossings == ["numba against PyTorch: ahead from the smallest size measured (H=4)."]
    assert scaling.sentences(made_up(), "another", "H") == []
