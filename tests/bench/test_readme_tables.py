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
