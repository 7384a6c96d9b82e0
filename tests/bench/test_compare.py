"""Comparing two runs: verdicts, order, what is missing, what differs beside the numbers, and the text."""

import math
from dataclasses import replace

import pytest

from fasts2s.bench.compare import WIDTH, allowed, compare, shown_value, text
from fasts2s.bench.results import Result, Row

MACHINE = {"processor": "a fast one", "cores": 2, "threads": 2, "commit": "abc", "load_before": 0.1}


def row(case="a", value=1.0, noise=0.0, unit="s", **more):
    given = {"group": "steps", "contestant": "numba", "low": value, "high": value, **more}
    return Row(case=case, value=value, noise=noise, unit=unit, **given)


def result(*rows, **more):
    given = {"plan": "quick", "machine": MACHINE, "versions": {"numpy": "2.0", "numba": "0.61"}, **more}
    return Result(started="2026-01-01T00:00", seconds=1.0, method={}, anchors=[], drift=0.0, rows=list(rows), **given)


def only(old, new):
    """The difference of two runs of one row."""
    [found] = compare(result(old), result(new)).differences
    return found


# ---- one row -----------------------------------------------------------------------------------------------------


def test_allowed_is_a_factor_of_both_noises():
    assert allowed(0.0, 0.0) == 1
    assert allowed(0.1, 0.0) == pytest.approx(1.1)
    assert allowed(0.0, 0.1) == pytest.approx(1.1)
    assert allowed(0.05, 0.1) == pytest.approx(math.exp(math.sqrt(math.log(1.05) ** 2 + math.log(1.1) ** 2)))


@pytest.mark.parametrize(
    ("unit", "old", "new", "verdict"),
    [
        ("s", 1.0, 1.09, "same"),
        ("s", 1.09, 1.0, "same"),
        ("s", 1.0, 1.11, "slower"),
        ("s", 1.11, 1.0, "faster"),
        ("B", 100.0, 120.0, "larger"),
        ("B", 120.0, 100.0, "smaller"),
        ("share", 0.5, 0.6, "better"),
        ("share", 0.6, 0.5, "worse"),
        ("share", 0.60, 0.56, "same"),
    ],
)
def test_the_verdict_is_symmetric_and_speaks_of_its_unit(unit, old, new, verdict):
    found = only(row(value=old, noise=0.1, unit=unit), row(value=new, unit=unit))
    assert found.verdict == verdict
    assert found.ratio == pytest.approx(new / old)
    assert found.allowed == pytest.approx(1.1)


def test_without_noise_only_the_same_number_is_the_same():
    assert only(row(value=0.1 + 0.2), row(value=0.1 + 0.2)).verdict == "same"
    assert only(row(value=0.9242, unit="share"), row(value=0.9244, unit="share")).verdict == "better"


@pytest.mark.parametrize("unit", ["s", "B", "share"])
def test_zeros_do_not_divide(unit):
    both = only(row(value=0.0, unit=unit), row(value=0.0, unit=unit))
    assert (both.verdict, both.ratio) == ("same", 1.0)
    gone = only(row(value=0.5, noise=9.0, unit=unit), row(value=0.0, noise=9.0, unit=unit))
    come = only(row(value=0.0, noise=9.0, unit=unit), row(value=0.5, noise=9.0, unit=unit))
    assert (gone.verdict, come.verdict) == {
        "s": ("faster", "slower"),
        "B": ("smaller", "larger"),
        "share": ("worse", "better"),
    }[unit]
    assert (gone.ratio, come.ratio) == (0.0, None)
    assert gone.size == come.size == math.inf


def test_units_that_differ_are_not_compared():
    found = compare(result(row(unit="s")), result(row(unit="B")))
    assert [(one.verdict, one.ratio) for one in found.differences] == [("unit?", None)]
    assert found.agreement == 0
    assert "1.00 s" in text(found)
    assert "1 B" in text(found)


# ---- many rows ---------------------------------------------------------------------------------------------------


def test_flagged_rows_come_first_the_largest_at_the_top():
    old = [row(case, 1.0) for case in "abcdef"]
    new = [row(case, value) for case, value in zip("abcdef", (1.0, 1.5, 1.0, 0.25, 0.0, 1.2), strict=True)]
    found = compare(result(*old), result(*new))
    assert [one.new.case for one in found.differences] == ["e", "d", "b", "f", "a", "c"]


def test_rows_are_found_by_group_case_and_contestant():
    old = row("a"), row("a", contestant="numpy"), row("a", group="layers")
    new = row("a"), row("b"), row("a", contestant="cupy")
    found = compare(result(*old), result(*new))
    assert [one.new.key for one in found.differences] == [("steps", "a", "numba")]
    assert [one.key for one in found.only_old] == [("steps", "a", "numpy"), ("layers", "a", "numba")]
    assert [one.key for one in found.only_new] == [("steps", "b", "numba"), ("steps", "a", "cupy")]


def test_agreement_is_a_share_of_the_common_rows():
    old = [row(case, 1.0) for case in "abcd"]
    new = [row("a", 1.0), row("b", 1.0), row("c", 2.0), row("d", 1.0), row("new", 1.0)]
    found = compare(result(*old), result(*new))
    assert (found.agreeing, found.agreement) == (3, 0.75)
    assert text(found).splitlines()[-1] == "3 of 4 rows (75.0 %) agree within the noise that the two runs state"


def test_runs_without_a_common_row_do_not_agree():
    found = compare(result(row("a")), result(row("b")))
    assert found.agreement == 0
    assert text(found).splitlines()[-1] == "the two runs have no row in common: nothing can be compared"
    assert text(compare(result(), result())) == "the two runs have no row in common: nothing can be compared"


# ---- what differs beside the rows --------------------------------------------------------------------------------


def test_a_run_agrees_with_itself():
    run = result(row("a", 1.0), row("b", 0.0))
    found = compare(run, run)
    assert found.warnings == found.only_old == found.only_new == []
    assert found.agreement == 1


def test_what_differs_is_named_old_and_new():
    old = result(plan="quick", versions={"numpy": "2.0", "numba": "0.61"})
    machine = {**MACHINE, "threads": 1, "commit": "def", "blas": "other", "load_before": 1.9, "load_after": 2.0}
    new = result(plan="full", versions={"numpy": "2.1", "torch": "2.9"}, machine=machine)
    assert compare(old, new).warnings == [
        "plan: quick -> full",
        "threads: 2 -> 1",
        "commit: abc -> def",
        "blas: not stated -> other",
        "version of numpy: 2.0 -> 2.1",
        "version of numba: 0.61 -> not stated",
        "version of torch: not stated -> 2.9",
    ]


def test_load_and_time_are_no_difference():
    old, new = result(), replace(result(machine={**MACHINE, "load_before": 2.0}), started="later", seconds=99.0)
    assert compare(old, new).warnings == []


# ---- the text ----------------------------------------------------------------------------------------------------


def test_the_text_shows_numbers_names_and_warnings():
    old = result(row("step", 0.002, 0.01), row("gone", 1.0))
    new = result(row("step", 0.003, 0.02), row("come", 1.0), machine={**MACHINE, "threads": 1})
    lines = text(compare(old, new)).splitlines()
    assert lines[0] == "CAUTION: the runs differ in threads: 2 -> 1"
    assert lines[2].split() == ["verdict", "new/old", "allowed", "old", "new", "row"]
    assert lines[3].split() == ["slower", "1.500", "1.022", "2.00", "ms", "3.00", "ms", "steps:", "step,", "numba"]
    assert lines[4:6] == ["only in the old run: steps: gone, numba", "only in the new run: steps: come, numba"]


def test_no_line_is_longer_than_the_width_and_no_name_is_cut():
    case = "PeekySeq2seq reversed with a name that goes on and on: accuracy after 25 epochs of training, all of them"
    old = result(row(case, 123456789.0, unit="B"), row("x" * 300), machine={"processor": "word " * 60})
    new = result(row(case, 0.0, unit="B"), machine={"processor": "words " * 60})
    lines = text(compare(old, new)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert case in " ".join(" ".join(lines).split())


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (2.345, "s", "2.35 s"),
        (0.01234, "s", "12.3 ms"),
        (0.0009999, "s", "1.00 ms"),
        (123.4e-6, "s", "123 us"),
        (5e-9, "s", "5.00 ns"),
        (0.0, "s", "0.00 ns"),
        (1234.0, "s", "1234 s"),
        (1500.0, "B", "1.50 kB"),
        (999999.0, "B", "1.00 MB"),
        (3.2e9, "B", "3.20 GB"),
        (0.0, "B", "0 B"),
        (17.0, "B", "17 B"),
        (0.9244, "share", "92.44 %"),
    ],
)
def test_numbers_are_shown_with_three_digits_and_their_unit(value, unit, shown):
    assert shown_value(value, unit) == shown
