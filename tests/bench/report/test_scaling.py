"""Exponents, crossovers and speed-ups, against laws that the numbers were made from."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import numpy as np
import pytest

from fasts2s.bench.report import scaling, view
from tests.bench.results_of import made_up, row

SIZES = (4, 8, 16, 32, 64, 128)


def section(result, sweep, letter):
    return next(one for one in view.sections(result, "scaling") if (one.sweep, one.letter) == (sweep, letter))


def sweep(sizes=SIZES, letter="N", **laws):
    """Series in which a contestant takes law(size)."""
    info = {"sweep": "a layer", "letter": letter, "base": "T=5"}
    rows = [
        row("scaling", f"a layer {letter}={size}", name, law(size), info={**info, "size": size})
        for name, law in laws.items()
        for size in sizes[::-1]
    ]
    result = made_up(groups=("scaling",), contestants=(), more=tuple(rows))
    return scaling.series_of(section(result, "a layer", letter))


@pytest.mark.parametrize(("letter", "slope"), [("N", 1), ("H", 2)])
def test_exponents_are_those_that_the_numbers_were_made_with(letter, slope):
    found = {
        one.contestant: scaling.growth(one) for one in scaling.series_of(section(made_up(), "LSTM layer", letter))
    }
    assert {name: round(exponent, 6) for name, (exponent, _, _) in found.items()} == {
        **dict.fromkeys(("numba", "PyTorch", "book"), slope),
        "numpy": 1.5 * slope,
    }
    assert all(error < 1e-6 for _, error, _ in found.values())


def test_an_exponent_is_that_of_the_larger_half_of_the_sizes():
    exponent, _, sizes = scaling.growth(sweep(numba=lambda n: 1e-3 if n < 32 else 1e-3 * (n / 32) ** 2)[0])
    assert sizes == (32, 64, 128)
    assert exponent == pytest.approx(2.0)


def test_the_standard_error_is_that_of_numpy():
    rng = np.random.default_rng(5)
    values = [s**1.3 * np.exp(0.1 * rng.standard_normal()) for s in SIZES]
    coefficients, covariance = np.polyfit(np.log(SIZES), np.log(values), 1, cov=True)
    assert scaling.exponent(SIZES, values) == pytest.approx((coefficients[0], covariance[0, 0] ** 0.5))


@pytest.mark.parametrize(
    ("law", "size", "text"),
    [
        (lambda n: 0.4e-3 * (n / 50) ** 1.5, 50, "ahead from N=50 on"),
        (lambda n: 0.4e-3 * 80 / 50 * (n / 80) ** 1.5, 80, "ahead from N=80 on"),  # between the last two sizes
        (lambda n: 1.0, 4, "ahead from the smallest size measured (N=4)"),
        (lambda n: 1e-9, None, "not ahead up to N=128"),
        (lambda n: 0.4e-3 * (n / 50) ** 0.5, None, "ahead only up to N=50"),
        (lambda n: 1.05 * 0.4e-3 * n / 50, None, "they differ by no more than the noise"),  # of 4 % each
        (lambda n: (1.05 if n < 128 else 1.07) * 0.4e-3 * n / 50, 4, "ahead from the smallest size measured (N=4)"),
    ],
)
def test_a_crossover_is_where_the_lines_cross(law, size, text):
    numba, numpy = sweep(numba=lambda n: 0.4e-3 * n / 50, numpy=law)
    assert scaling.crossover(numba, numpy) == (None if size is None else pytest.approx(size), text)


def test_who_is_compared_with_whom():
    def names(**laws):
        return [(a.contestant, b.contestant) for a, b in scaling.rivals(sweep(**laws))]

    three = names(numba=lambda n: 2.0, book=lambda n: 4.0, cupy=lambda n: 1.0)
    assert three == [("cupy", "numba"), ("cupy", "book"), ("numba", "book")]
    assert names(JAX=lambda n: 1.0, book=lambda n: 2.0) == [("JAX", "book")]


def test_speed_ups_are_over_one_thread():
    found = scaling.speedups(scaling.series_of(section(made_up(), "LSTM layer", "threads")))
    assert found["numba"] == pytest.approx({1: 1, 2: 2**0.9, 4: 4**0.9})
    (text, *_) = scaling.sentences(section(made_up(), "LSTM layer", "threads"))
    assert text == "Speed-up of numba over one thread: 1.87× on 2, 3.48× on 4."
    assert scaling.speedups(sweep(letter="threads", numba=lambda n: 1 / n)) == {}, "none on one thread"


def test_the_sentences_of_a_sweep():
    growth, *crossings = scaling.sentences(section(made_up(contestants=("numba", "PyTorch")), "LSTM layer", "H"))
    assert growth == "From H = 32 to 256 it grows: numba as H^2.00 ±0.00, PyTorch as H^2.00 ±0.00 (standard error)."
    assert crossings == ["numba against PyTorch: ahead from the smallest size measured (H=4)."]
    assert scaling.sentences(view.sections(made_up(), "steps")[0]) == [], "no sweep"
