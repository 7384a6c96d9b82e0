"""The report as Markdown."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

import re

import pytest

from fasts2s.bench.report.markdown import escaped, markdown, table
from tests.bench.report.odd_results import EVIL, odd_results
from tests.bench.results_of import made_up

ODD = odd_results()


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_a_table_has_a_line_for_each_case():
    lines = table(made_up(contestants=("numba", "numpy")), "steps").splitlines()
    assert cells(lines[0]) == ["case", "numba", "numpy", "noise", "numpy / numba", "tokens/s numba"]
    assert cells(lines[1]) == ["---", "---:", "---:", "---:", "---:", "---:"]
    assert cells(lines[2]) == ["Seq2seq H=128", "3.84 ms", "11.5 ms", "±4 %", "3.0× 2.9-3.1", "133 k"]
    assert len([line for line in lines if line.startswith("|")]) == 2 + 7
    assert lines[-1] == "* Geometric mean of all cases: numpy / numba 3.0×"


def test_only_the_contestants_that_are_asked_for_are_shown():
    lines = table(made_up(), "steps", ["numba", "book"]).splitlines()
    assert cells(lines[0]) == ["case", "numba", "book", "noise", "book / numba", "tokens/s numba"]
    others = table(made_up(), "steps", ["book"]).splitlines()
    assert cells(others[2]) == ["Seq2seq H=128", "10.8 ms", "±4 %", "2.8× 2.7-2.9"]
    assert table(made_up(), "steps", ["nobody"]) == ""
    assert table(made_up(groups=("layers",)), "steps") == ""


def test_each_sweep_is_a_table_of_its_own():
    text = table(made_up(), "scaling")
    assert text.count("| --- |") == 4
    assert "**memory of Rnnlm step against N (T=35, V=10000, H=100)**" in text
    assert "* numba against book: ahead from the smallest size measured (H=4)." in text


def test_the_whole_has_heading_story_tables_and_failures():
    text = markdown(made_up(failures=["a | b"], machine={"load_before": 2.0}), "peeky.svg")
    assert text.startswith("# fasts2s bench, plan full, 2026-01-02 03:04")
    assert "**Peeky costs 15 % more per step and reaches 90 % after 13.5 epochs; the baseline does not" in text
    assert "](peeky.svg)" in text
    assert "* a \\| b" in text
    assert "**CAUTION: other programs were running (load 2.00 before the run)" in text
    assert "](peeky.svg)" not in markdown(made_up())


def test_what_means_something_to_markdown_is_escaped():
    text = escaped(EVIL)
    assert "\n" not in text
    assert re.findall(r"(?<!\\)[|<>*`\[\]_$&]", text.replace("\\\\", "")) == []


@pytest.mark.parametrize("name", ODD)
def test_every_line_of_a_table_has_as_many_cells_as_its_head(name):
    width = None
    for line in markdown(ODD[name]).splitlines():
        width = width if line.startswith("|") else None
        if line.startswith("|"):
            assert len(cells(line)) == (width or len(cells(line)))
            width = len(cells(line))
