"""The report as Markdown."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

from fasts2s.bench.report.markdown import markdown, table
from tests.bench.report.test_odd_results import cells
from tests.bench.results_of import made_up


def test_a_table_has_a_line_for_each_case():
    lines = table(made_up(contestants=("numba", "numpy")), "steps").splitlines()
    assert [cells(line) for line in lines[:3]] == [
        ["case", "numba", "numpy", "noise", "numpy / numba", "GFLOP/s numba", "tokens/s numba"],
        ["---", *["---:"] * 6],
        ["Seq2seq H=128", "3.84 ms", "11.5 ms", "±4 %", "3.0× 2.9-3.1", "112", "133 k"],
    ]
    assert len([line for line in lines if line.startswith("|")]) == 2 + 7
    assert lines[-1] == "* Geometric mean of all cases: numpy / numba 3.0×"


def test_the_whole_has_heading_story_tables_and_failures():
    text = markdown(made_up(failures=["a | b"], machine={"load_before": 2.0}), "peeky.svg")
    assert text.startswith("# fasts2s bench, plan full, 2026-01-02 03:04")
    assert "**Peeky costs 15 % more per step and reaches 90 % after 13.5 epochs; the baseline does not" in text
    assert text.count("](peeky.svg)") == 1
    assert "](peeky.svg)" not in markdown(made_up())
    assert "**memory of Rnnlm step against N (T=35, V=10000, H=100)**" in text
    assert "* numba against book: ahead from the smallest size measured (H=4)." in text
    assert "* a \\| b" in text
    assert "**CAUTION: other programs were running (load 2.00 before the run)" in text
