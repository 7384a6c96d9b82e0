"""The report for the terminal."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

from dataclasses import replace

import pytest

from fasts2s.bench.report import tables
from tests.bench.report.test_odd_results import ODD
from tests.bench.results_of import made_up, row


def lines_of(result, group, start=""):
    """Lines of a group's tables that begin so, with single blanks."""
    lines = tables.group_text(result, group).splitlines()
    return [" ".join(line.split()) for line in lines if line.startswith(start)] if start else lines


def test_a_small_table_to_the_letter():
    result = made_up(contestants=("numba", "numpy"), groups=("steps",))
    assert lines_of(replace(result, rows=result.rows[:4]), "steps") == [
        "One training step of a whole model: forward, backward, clipping of gradients, update",
        "====================================================================================",
        "case                  numba    numpy  noise         numpy  GFLOP/s  tokens/s",
        "                                                  / numba    numba     numba",
        "----------------------------------------------------------------------------",
        "Seq2seq H=128       3.84 ms  11.5 ms   ±4 %  3.0× 2.9-3.1      112     133 k",
        "PeekySeq2seq H=128  4.40 ms  13.2 ms   ±4 %  3.0× 2.9-3.1      148     116 k",
        "Geometric mean of all cases: numpy / numba 3.0×",
    ]


@pytest.mark.parametrize(
    ("contestants", "group", "start", "lines"),
    [
        (
            ("numba", "numpy", "PyTorch", "book"),
            "steps",
            "AttentionSeq2seq",
            [  # where ratios begin, it goes on below
                "AttentionSeq2seq H=256 47.7 ms 143 ms 71.5 ms 134 ms ±4 %",
                "AttentionSeq2seq H=256 3.0× 2.9-3.1 1.50× 1.46-1.54 2.8× 2.7-2.9 126 10.7 k",
            ],
        ),
        (
            ("numba", "numpy"),
            "kernels",
            "clip_rate 20x35x100x100",
            ["clip_rate 20x35x100x100 (Rnnlm) 0.400 µs ±4 % 3.0×"],
        ),
        (("numba", "book"), "layers", "FMA peak", []),
        (
            ("numba", "book"),
            "layers",
            "LSTM 20x35x650",
            [
                "LSTM 20x35x650x650 70.0 ms 196 ms ±4 % arithmetic 80 %",
                "LSTM 20x35x650x650 2.8× 2.7-2.9 2.86",
            ],
        ),
        (("numba",), "memory", "three", ["three steps of BetterRnnlm 216 MiB ±4 %"]),
        (("numba",), "learning", "Peeky", ["PeekySeq2seq reversed, accuracy 98.0 % ±4 %"]),
        (
            ("numba", "PyTorch"),
            "scaling",
            "Speed-up of numba",
            ["Speed-up of numba over one thread: 1.87× on 2, 3.48× on 4."],
        ),
    ],
)
def test_what_stands_in_a_line(contestants, group, start, lines):
    assert lines_of(made_up(contestants=contestants), group, start) == lines


def test_the_noise_of_a_line_is_the_largest_in_it_and_another_base_is_named():
    more = (row("start", "a", "numba", 1.0, noise=0.01), row("start", "a", "book", 2.0, 2.0, noise=0.23))
    assert "±23 %" in tables.group_text(made_up(contestants=(), groups=("start",), more=more), "start")
    assert any("(to numpy)" in line for line in lines_of(ODD["another base in one line"], "steps", "odd"))


def test_the_whole_report_has_its_parts_in_order():
    text = " ".join(tables.text(made_up(failures=["JAX does not start: no such module"])).split())
    parts = [
        "fasts2s bench, plan full, 2026-01-02 03:04, took 32 min 10 s",
        "Made-up 9000, 2 cores, 2 threads, linux, BLAS OpenBLAS 0.3.30",
        "python 3.11.7, numpy 2.4.6, numba 0.68.1, torch 2.13.0+cpu",
        "numpy / numba 3.0× 2.9-3.1: numpy takes 3.0 times as long as numba",
        "One training step",
        "The kernels one by one",
        "LSTM layer against N",
        "numba against PyTorch: ahead from the smallest size measured (N=4).",
        "From the plain model to the peeky one",
        "Peeky costs 15 % more per step and reaches 90 % after 13.5 epochs",
        "FAILED: JAX does not start: no such module",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_a_run_on_a_gpu_has_its_goals_what_was_left_out_and_whether_it_was_dry():
    method = {"left out": "PyTorch cuda: no GPU.", "host too slow": "in the times of LSTM, cupy"}
    text = tables.text(
        made_up(plan="gpu", contestants=("cupy", "PyTorch cuda"), machine={"dry": True}, method=method)
    )
    goal = "Seq2seq H=128 against PyTorch cuda >= 2 times 5.00 times met"
    for said in (goal, "left out: PyTorch cuda: no GPU.", "host too slow: in the times of LSTM, cupy", "a dry run"):
        assert said in " ".join(text.split())
