"""A run of the suite: who is wrong or dies has no row, everybody else has; what stands in the rows."""

import math
import os
import signal
from types import SimpleNamespace

import pytest

from fasts2s.bench import gate, results, rows, runner
from fasts2s.bench.cases import LAYERS
from fasts2s.bench.measure import Contestant, Pace, take_turns
from fasts2s.bench.noise import scatter
from fasts2s.bench.processes import PeerError, Worker
from tests.bench.small_plans import LAYER, PERPLEXITY, STEP, SWEEP, TEXT, small


def run(tmp_path, plan, chosen=("numpy",), threads=1):
    """Run a plan; the result, and what was said meanwhile."""
    said = []
    return runner.Run(plan, list(chosen), threads, tmp_path, said.append).result(), said


@pytest.fixture(autouse=True)
def _small_anchor(monkeypatch):
    monkeypatch.setattr(runner, "ANCHOR", LAYER)


def test_rows_of_two_backends(tmp_path):
    result, said = run(tmp_path, small(STEP, LAYER, TEXT, PERPLEXITY, *SWEEP), ("numba", "numpy"))
    drifted = [failure for failure in result.failures if "measured again" not in failure]
    assert drifted == [], "this machine may be busy, but nobody may be wrong"
    found = {row.key for row in result.rows}
    cases = [(case.group, case.name) for case in (STEP, LAYER, TEXT, PERPLEXITY, *SWEEP)]
    assert found >= {(*case, name) for case in cases for name in ("numba", "numpy")}
    assert ("layers", LAYER.name, "FMA peak") in found
    assert len(said) == 4
    for row in result.rows:
        assert len(row.rounds) == 3
        assert row.low <= row.value <= row.high
        assert row.noise >= scatter(row.rounds)
        assert (row.ratio is None) == (row.contestant == "numba")


def test_the_noise_of_a_group_is_that_of_its_time():
    worker = SimpleNamespace(name="numba")
    timed = [[Contestant(case, worker, rounds=[1.0, 1.0, 1.0])] for case in (STEP, LAYER)]
    assert [row.noise for row in rows.of_times(timed, {"layers": 0.5})] == [0.0, 0.5]


def test_only_the_disturbed_group_is_noisy(tmp_path, monkeypatch):
    seconds = iter([1.0] * 8 + [2.0] * 8)  # four rounds of the step and the anchor; the layer's; the repetition
    monkeypatch.setattr(Contestant, "time", lambda one: next(seconds, 1.0))
    result, _ = run(tmp_path, small(STEP, LAYER))
    assert {row.group: row.noise for row in result.rows} == {"steps": 0.0, "layers": 1.0}
    assert [taken for _, taken in result.anchors] == [1.0] * 4 + [2.0] * 4
    assert result.drift == 1.0


def test_what_a_step_says_of_itself(tmp_path):
    result, _ = run(tmp_path, small(STEP))
    (row,) = result.rows
    assert row.info["params"] == 9 * 6 * 2 + 2 * (6 + 7 + 1) * 28 + 7 * 28 + (14 + 1) * 9
    assert row.info["samples_per_s"] * row.value == pytest.approx(3)
    assert row.info["tokens_per_s"] * row.value == pytest.approx(3 * 4)
    assert row.info["gflops"] * row.value * 1e9 == pytest.approx(row.info["flops"])
    assert max(row.info["errors"].values()) < 1e-5


def test_a_share_of_the_peak_is_taken_within_a_round(tmp_path):
    result, _ = run(tmp_path, small(LAYER), ("numba",))
    ours, peak = (result.find("layers", LAYER.name, name) for name in ("numba", "FMA peak"))
    shares = sorted(p / t for p, t in zip(peak.rounds, ours.rounds, strict=True))
    assert ours.info["peak_share"] == pytest.approx(shares[1])
    assert "peak_share" not in peak.info


def test_sweeps_say_what_was_swept(tmp_path):
    result, _ = run(tmp_path, small(*SWEEP))
    assert [(r.info["sweep"], r.info["letter"], r.info["size"]) for r in result.rows] == [
        ("LSTM layer", "H", 4),
        ("LSTM layer", "H", 8),
        ("LSTM layer", "H", 16),
    ]
    assert result.rows[0].info["base"] == "N=2, T=3, D=4"


def test_who_fails_the_gate_gets_no_time(tmp_path, monkeypatch):
    monkeypatch.setitem(gate.TOLERANCES, "ours", {"out": 0.0, "grad": 0.0, "param": 0.0})
    result, _ = run(tmp_path, small(STEP))
    assert result.rows == []
    assert any(f"{STEP.name}, numpy: grad_00 is off by" in failure for failure in result.failures)


def test_who_cannot_start_is_left_out(tmp_path):
    result, _ = run(tmp_path, small(STEP), ("numpy", "no such backend"))
    assert [row.contestant for row in result.rows] == ["numpy"]
    assert any(failure.startswith("no such backend does not start: ValueError") for failure in result.failures)


def test_the_first_row_is_measured_again(tmp_path, monkeypatch):
    seconds = iter([1.0] * 8)  # four rounds of the step and the anchor; then everything takes longer
    monkeypatch.setattr(Contestant, "time", lambda one: next(seconds, 100.0))
    result, _ = run(tmp_path, small(STEP))
    assert "measured again at the end: 100.000 times the first time" in result.method["repeat"]
    assert any("The machine changed" in failure for failure in result.failures)
    monkeypatch.setattr(Contestant, "time", lambda one: 1.0)
    result, _ = run(tmp_path, small(STEP))
    assert "measured again at the end: 1.000 times" in result.method["repeat"]
    assert result.failures == []


def test_threads_are_counted_up(tmp_path):
    plan = small(SWEEP[0], threads=(LAYERS[0].__class__("LSTM layer", "scaling", "lstm", dict(SWEEP[0].sizes)),))
    result, _ = run(tmp_path, plan, ("numba",), threads=2)
    counted = [row.info["size"] for row in result.rows if row.info["letter"] == "threads"]
    assert counted == [1, 2]


def test_a_worker_that_dies_is_complained_about_and_the_others_go_on(tmp_path):
    doomed, other = (Worker(name, tmp_path, 1, 60) for name in ("numpy", "fasts2s"))
    doomed.ask(do="versions")
    os.kill(doomed.process.pid, signal.SIGKILL)
    doomed.process.wait()
    with pytest.raises(PeerError, match="the process died"):
        doomed.ask(do="versions")
    assert "fasts2s" in doomed.ask(do="versions")["versions"], "it starts again"
    ones = [Contestant(STEP, doomed), Contestant(STEP, other)]
    complaints = take_turns(ones, Pace(2, 0, 0.0, 0.0))
    assert len(complaints) == 2, "nobody has prepared the case"
    assert ones == []
    doomed.stop()
    other.stop()


def test_who_does_not_answer_is_given_up(tmp_path):
    worker = Worker("numpy", tmp_path, 1, 0.01)
    with pytest.raises(PeerError, match="no answer within"):
        worker.ask(do="versions")
    assert worker.process is None


def test_who_dies_while_it_is_measured_again_and_again_is_said(tmp_path, monkeypatch):
    def dying(one):
        if one.case is runner.ANCHOR:
            raise PeerError("the process died: it said nothing")
        return 1.0

    monkeypatch.setattr(Contestant, "time", dying)
    result, _ = run(tmp_path, small(STEP))
    assert result.failures == ["numpy, measured again and again: the process died: it said nothing"]
    assert [row.key for row in result.rows] == [("steps", STEP.name, "numpy")]


def test_results_survive_writing_and_reading(tmp_path):
    result, _ = run(tmp_path, small(STEP))
    path = tmp_path / "results.json"
    results.write(path, result)
    again = results.read(path)
    assert [row.key for row in again.rows] == [row.key for row in result.rows]
    assert again.rows[0].rounds == result.rows[0].rounds
    assert math.isclose(again.drift, result.drift)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "has schema 'list'"),
        ('{"schema": "fasts2s-bench-0"}', "has schema 'fasts2s-bench-0'"),
        ('{"schema": "fasts2s-bench-1"}', "is damaged"),
    ],
)
def test_another_file_is_refused(tmp_path, text, complaint):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(results.ResultError, match=complaint):
        results.read(path)
