"""Comparing two runs: verdicts, order, what is missing, what differs beside the numbers, and the text."""

import math

import pytest

from fasts2s.bench.compare import WIDTH, compare, text
from fasts2s.bench.results import Result, Row

MACHINE = {"processor": "a fast one", "cores": 2, "threads": 2, "commit": "abc", "load_before": 0.1}


def row(case="a", value=1.0, noise=0.0, unit="s", **more):
    given = {"group": "steps", "contestant": "numba", "low": value, "high": value, **more}
    return Row(case=case, value=value, noise=noise, unit=unit, **given)


def result(*rows, **more):
    given = {"plan": "quick", "machine": MACHINE, "versions": {"numpy": "2.0", "numba": "0.61"}, **more}
    return Result(started="2026-01-01T00:00", seconds=1.0, method={}, anchors=[], drift=0.0, rows=list(rows), **given)


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
        ("s", 0.0, 0.0, "same"),
        ("s", 0.5, 0.0, "faster"),
        ("share", 0.0, 0.5, "better"),
    ],
)
def test_the_verdict_is_symmetric_and_speaks_of_its_unit(unit, old, new, verdict):
    [found] = compare(result(row(value=old, noise=0.1, unit=unit)), result(row(value=new, unit=unit))).differences
    assert (found.verdict, found.allowed) == (verdict, pytest.approx(1.1))
    assert found.ratio == (pytest.approx(new / old) if old else None if new else 1.0)
    assert old * new or verdict == "same" or found.size == math.inf


def test_units_that_differ_are_not_compared():
    found = compare(result(row(unit="s")), result(row(unit="B", value=2**20)))
    assert [(one.verdict, one.ratio) for one in found.differences] == [("unit?", None)]
    assert found.agreeing == 0
    assert " ".join(text(found).splitlines()[1].split()) == "unit? - 1.000 1.00 s 1.00 MiB steps: a, numba"


def test_flagged_rows_come_first_the_largest_at_the_top():
    values = dict(zip("abcdef", (1.0, 1.5, 1.0, 0.25, 0.0, 1.2), strict=True))
    found = compare(result(*map(row, values)), result(*(row(case, value) for case, value in values.items())))
    assert [one.new.case for one in found.differences] == ["e", "d", "b", "f", "a", "c"]
    assert text(found).splitlines()[-1] == "2 of 6 rows (33.3 %) agree within the noise that the two runs state"


def test_rows_are_found_by_group_case_and_contestant():
    old = row("a"), row("a", contestant="numpy"), row("a", group="layers")
    new = row("a"), row("b"), row("a", contestant="cupy")
    found = compare(result(*old), result(*new))
    assert [one.new.key for one in found.differences] == [("steps", "a", "numba")]
    assert [one.key for one in found.only_old] == [("steps", "a", "numpy"), ("layers", "a", "numba")]
    assert [one.key for one in found.only_new] == [("steps", "b", "numba"), ("steps", "a", "cupy")]


def test_runs_without_a_common_row_do_not_agree():
    for found in (compare(result(row("a")), result(row("b"))), compare(result(), result())):
        assert found.agreeing == 0
        assert text(found).splitlines()[-1] == "the two runs have no row in common: nothing can be compared"


def test_what_differs_is_named_old_and_new_but_not_the_load():
    machine = {**MACHINE, "threads": 1, "commit": "def", "blas": "other", "load_before": 1.9, "load_after": 2.0}
    new = result(plan="full", versions={"numpy": "2.1", "torch": "2.9"}, machine=machine)
    assert compare(new, new).warnings == []
    assert compare(result(), new).warnings == [
        "plan: quick -> full",
        "threads: 2 -> 1",
        "commit: abc -> def",
        "blas: not stated -> other",
        "version of numpy: 2.0 -> 2.1",
        "version of numba: 0.61 -> not stated",
        "version of torch: not stated -> 2.9",
    ]


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
    lines = text(compare(old, result(row(case, 0.0, unit="B"), machine={"processor": "words " * 60}))).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert case in " ".join(" ".join(lines).split())
