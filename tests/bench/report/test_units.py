"""Numbers as people read them."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

from fasts2s.bench.report import units


def test_a_number_has_three_digits():
    numbers = {3.84: "3.84", 0.377: "0.377", 37.53: "37.5", 1942.3: "1,942", 0.0: "0", 1e-7: "0.000000100"}
    assert {value: units.number(value) for value in numbers} == numbers


def test_a_quantity_has_the_unit_that_suits_it_and_those_beside_it():
    seconds = {3.84e-3: "3.84 ms", 377e-6: "377 µs", 3e-9: "0.00300 µs", 11.7: "11.7 s", 0.0: "0 s"}
    assert {value: units.quantity(value, "s") for value in seconds} == seconds
    assert (units.quantity(216 * 2**20, "B"), units.quantity(0.982, "share")) == ("216 MiB", "98.2 %")
    values = [0.377e-3, 83.6e-3]
    assert [units.quantity(v, "s", values) for v in values] == ["0.377 ms", "83.6 ms"]


def test_ratios_shares_rates_and_durations():
    assert [units.times(x) for x in (1.531, 3.01, 51.6, 0.9)] == ["1.53×", "3.0×", "52×", "0.90×"]
    assert (units.span(1.96, 2.14, 2.05), units.span(1.96, 2.14, 1.99)) == ("2.0-2.1", "1.96-2.14")
    assert [units.noise(x) for x in (0.04, 0.003, 0.0)] == ["±4 %", "±0.3 %", "±0 %"]
    assert [units.rate(x) for x in (950, 133333, 1.2e6)] == ["950", "133 k", "1.20 M"]
    assert [units.duration(x) for x in (8.4, 130, 3800)] == ["8 s", "2 min 10 s", "1 h 3 min"]


def test_a_terminal_gets_latin_letters_on_one_line():
    assert units.plain("a\n\tb 한 ×µ± é\x07") == "a b ? ×µ± ??"
    assert (units.clip("abcdefgh", 6), units.clip("abcdef", 6)) == ("abc...", "abcdef")
