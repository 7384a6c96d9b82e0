"""The tables of the READMEs are those of the committed results; goals are met or missed as the numbers say."""

import re

import pytest

from benchmarks import goals, readme_tables
from fasts2s.bench.results import Result, Row


@pytest.mark.parametrize("path", readme_tables.FILES, ids=lambda path: path.parent.name)
def test_tables_and_results_agree(path):
    text = path.read_text(encoding="utf-8")
    assert readme_tables.renewed(text) == text, "run: python benchmarks/readme_tables.py"
    assert text.count("<!-- table: ") == text.count("<!-- end -->") == len(readme_tables._BLOCK.findall(text)) > 0


def test_a_number_edited_by_hand_is_seen():
    path = readme_tables.FILES[0]
    text = path.read_text(encoding="utf-8")
    start = text.index("<!-- table: steps -->")
    digit = re.search(r"\d", text[start:]).start() + start
    edited = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    assert readme_tables.renewed(edited) == text != edited


def test_a_table_that_there_is_not_is_an_error():
    with pytest.raises(KeyError, match="no-such-table"):
        readme_tables.renewed("<!-- table: no-such-table -->\nold\n<!-- end -->")


def _result(*rows):
    return Result("full", "2026-01-01T00:00:00", 1.0, {}, {}, {}, [], 0.0, list(rows))


def _row(contestant, *rounds):
    middle = sorted(rounds)[len(rounds) // 2]
    return Row("steps", "Rnnlm H=100", contestant, "s", middle, middle, middle, 0.0, rounds)


@pytest.mark.parametrize(("peer", "verdict"), [(3.7, "met"), (3.5, "**missed**")])
def test_a_goal_is_judged_by_ratios_within_rounds(peer, verdict):
    result = _result(_row("numba", 1.0, 2.0, 3.0), _row("PyTorch", 1.0, peer, 6.0))
    (goal,) = [goal for goal in goals.goals(result) if goal.what == "step of Rnnlm H=100 against PyTorch"]
    assert goal.measured == pytest.approx(peer / 2)
    assert goal.verdict == verdict


def test_what_was_not_measured_is_neither_met_nor_missed():
    verdicts = {goal.verdict for goal in goals.goals(_result())}
    assert verdicts == {"not measured"}


def _timed(load=0.2):
    def step(section, text, seconds, said=""):
        return {"section": section, "text": text, "seconds": seconds, "said": said}

    machine = {"processor": "a fast one", "threads": 2, "load_before": load}
    steps = [
        step("A tour", "fasts2s train date", 133.4),
        step("A tour", "fasts2s info", 1.2),
        step("A tour", "fasts2s skipped", None),
        step("Two commands", "make demo", 65.0, "accuracy\ntime 31 s, peak memory 262 MB\n"),
    ]
    return {"started": "2026-01-02T00:00:00", "machine": machine, "steps": steps}


def test_the_readme_says_what_its_commands_took_and_where():
    assert readme_tables.tour(_timed()) == (
        "It takes 2 min 15 s: `train date`: 2 min 13 s; `info`: 1 s.\nThe first one compiles its kernels, as on a "
        "new machine. Timed by `benchmarks/readme_commands.py` (a fast one, 2 cores, 2026-01-02)."
    )
    said = readme_tables.demo(_timed())
    assert said.startswith("`make demo` took 1 min 5 s (a fast one, 2 cores, 2026-01-02): 31 s of training")


def test_times_of_a_busy_machine_are_marked_and_without_times_none_are_claimed():
    assert "CAUTION" in readme_tables.tour(_timed(load=3.0))
    assert "CAUTION" in readme_tables.demo(_timed(load=3.0))
    assert not re.search(r"\d", readme_tables.tour(None) + readme_tables.demo({**_timed(), "steps": []}))
