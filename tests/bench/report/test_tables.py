"""The report for the terminal."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

from dataclasses import replace

import pytest

from fasts2s.bench.report import tables
from fasts2s.bench.results import GROUPS
from tests.bench.report.odd_results import odd_results
from tests.bench.results_of import made_up, row

ODD = odd_results()


def lines_of(result, group):
    return tables.group_text(result, group).splitlines()


def test_a_small_table_to_the_letter():
    result = made_up(contestants=("numba", "numpy"), groups=("steps",))
    result = replace(result, rows=result.rows[:4])
    assert lines_of(result, "steps") == [
        "One training step of a whole model: forward, backward, clipping of gradients, update",
        "====================================================================================",
        "case                  numba    numpy  noise         numpy  tokens/s",
        "                                                  / numba     numba",
        "-------------------------------------------------------------------",
        "Seq2seq H=128       3.84 ms  11.5 ms   ±4 %  3.0× 2.9-3.1     133 k",
        "PeekySeq2seq H=128  4.40 ms  13.2 ms   ±4 %  3.0× 2.9-3.1     116 k",
        "Geometric mean of all cases: numpy / numba 3.0×",
    ]


def test_a_table_that_is_too_wide_goes_on_below():
    lines = lines_of(made_up(), "steps")
    about = [line for line in lines if line.startswith("AttentionSeq2seq")]
    assert len(about) == 2
    assert about[0].split()[2:] == ["47.7", "ms", "143", "ms", "71.5", "ms", "134", "ms", "±4", "%"]
    assert about[1].split()[2:] == ["3.0×", "2.9-3.1", "1.50×", "1.46-1.54", "2.8×", "2.7-2.9", "10.7", "k"]


def test_many_cases_are_told_without_quartiles():
    lines = lines_of(made_up(), "kernels")
    (line,) = (line for line in lines if line.startswith("clip_rate 20x35x100x100 (Rnnlm)"))
    assert line.split()[3:] == ["0.400", "µs", "±4", "%", "3.0×", "1.50×", "2.8×"]


def test_the_peak_is_a_share_and_no_contestant():
    lines = lines_of(made_up(contestants=("numba", "book")), "layers")
    assert not any("FMA peak" in line for line in lines)
    (line,) = (line for line in lines if line.startswith("LSTM 20x35x650x650"))
    assert line.split()[2:] == ["70.0", "ms", "196", "ms", "±4", "%", "80", "%", "2.8×", "2.7-2.9"]


def test_the_noise_of_a_line_is_the_largest_in_it():
    more = (row("start", "a", "numba", 1.0, noise=0.01), row("start", "a", "book", 2.0, 2.0, noise=0.23))
    assert "±23 %" in tables.group_text(made_up(contestants=(), groups=("start",), more=more), "start")


def test_a_line_with_another_base_names_it():
    result = ODD["another base in one line"]
    (line,) = (line for line in lines_of(result, "steps") if line.startswith("odd") and "×" in line)
    assert "(to numpy)" in line


def test_memory_is_in_mebibytes_and_shares_in_per_cent():
    assert "216 MiB" in tables.group_text(made_up(), "memory")
    assert "98.0 %" in tables.group_text(made_up(), "learning")


def test_a_sweep_is_a_table_with_what_follows_from_it():
    text = tables.group_text(made_up(contestants=("numba", "PyTorch")), "scaling")
    assert "LSTM layer against H (N=20, T=35, D=100)\n====" in text
    assert "N = 4 50.0 µs 75.0 µs ±4 % N = 8 100 µs 150 µs ±4 % N = 16" in " ".join(text.split())
    assert "numba against PyTorch: ahead from the smallest size measured (H=4)." in text
    assert "LSTM layer against the number of threads (N=20, T=35, D=100, H=100)" in text
    assert "Speed-up of numba over one thread: 1.87× on 2, 3.48× on 4." in text


def test_the_whole_report_has_its_parts_in_order():
    text = " ".join(tables.text(made_up(failures=["JAX does not start: no such module"])).split())
    parts = [
        "fasts2s bench, plan full, 2026-01-02 03:04, took 32 min 10 s",
        "Made-up 9000, 2 cores, 2 threads, linux, BLAS OpenBLAS 0.3.30",
        "python 3.11.7, numpy 2.4.6, numba 0.68.1, torch 2.13.0+cpu",
        "numpy / numba 3.0× 2.9-3.1: numpy takes 3.0 times as long as numba",
        "One training step",
        "One layer at a time",
        "The kernels one by one",
        "LSTM layer against N",
        "From the plain model to the peeky one",
        "Peeky costs 15 % more per step and reaches 90 % after 13.5 epochs",
        "FAILED: JAX does not start: no such module",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    assert "CAUTION" not in text


@pytest.mark.parametrize(("load", "warned"), [(0.71, True), (0.7, False), (None, False), ("high", False)])
def test_a_busy_machine_is_warned_of(load, warned):
    text = tables.text(made_up(seeds=0, groups=("start",), machine={"load_before": load}))
    assert ("CAUTION: other programs were running" in text) == warned


@pytest.mark.parametrize("name", ODD)
def test_whatever_comes_is_shown_in_a_hundred_columns_of_latin_letters(name):
    result = ODD[name]
    text = tables.text(result)
    assert max(map(len, text.splitlines())) <= 100
    assert all(" " <= c <= "~" or c in "\n×±µ" for c in text)
    for group in GROUPS:
        assert bool(tables.group_text(result, group)) == any(r.group == group for r in result.rows)
    assert all(line == line.rstrip() for line in text.splitlines())
