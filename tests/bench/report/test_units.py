"""Numbers as people read them."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import pytest

from fasts2s.bench.report import units


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.84, "3.84"), (0.377, "0.377"), (37.53, "37.5"), (1942.3, "1,942"), (0.0, "0"), (1e-7, "0.000000100")],
)
def test_a_number_has_three_digits(value, text):
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.84e-3, "s", "3.84 ms"),
        (377e-6, "s", "377 µs"),
        (3e-9, "s", "0.00300 µs"),
        (11.7, "s", "11.7 s"),
        (216 * 2**20, "B", "216 MiB"),
        (0.982, "share", "98.2 %"),
        (0.0, "s", "0 s"),
    ],
)
def test_a_quantity_has_the_unit_that_suits_it(value, unit, text):
    assert units.quantity(value, unit) == text


def test_quantities_that_stand_together_have_one_unit():
    values = [0.377e-3, 83.6e-3]
    assert [units.quantity(v, "s", values) for v in values] == ["0.377 ms", "83.6 ms"]


@pytest.mark.parametrize(("ratio", "text"), [(1.531, "1.53×"), (3.01, "3.0×"), (51.6, "52×"), (0.9, "0.90×")])
def test_a_ratio(ratio, text):
    assert units.times(ratio) == text


def test_quartiles_have_as_many_digits_as_their_ratio():
    assert units.span(1.96, 2.14, 2.05) == "2.0-2.1"
    assert units.span(1.96, 2.14, 1.99) == "1.96-2.14"


def test_shares_rates_and_durations():
    assert [units.noise(x) for x in (0.04, 0.003, 0.0)] == ["±4 %", "±0.3 %", "±0 %"]
    assert [units.rate(x) for x in (950, 133333, 1.2e6)] == ["950", "133 k", "1.20 M"]
    assert [units.duration(x) for x in (8.4, 130, 3800)] == ["8 s", "2 min 10 s", "1 h 3 min"]


def test_a_terminal_gets_latin_letters_on_one_line():
    assert units.plain("a\n\tb 한 ×µ± é\x07") == "a b ? ×µ± ??"
    assert units.clip("abcdefgh", 6) == "abc..."
    assert units.clip("abcdef", 6) == "abcdef"
