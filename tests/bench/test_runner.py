"""A run of the suite: who is wrong or dies has no row, everybody else has; what stands in the rows."""

import importlib
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fasts2s.bench import gate, results, runner
from fasts2s.bench.cases import Case
from fasts2s.bench.measure import Contestant, Pace, take_turns
from fasts2s.bench.noise import scatter
from fasts2s.bench.peer import PeerError, UnsupportedError, numbered
from fasts2s.bench.plans import PLANS, Plan
from fasts2s.bench.processes import Worker
from fasts2s_kernels import MODULES
from tests.bench.small_plans import LAYER, PERPLEXITY, STEP, SWEEP, TEXT, small


def run(tmp_path, plan, *chosen, threads=1):
    return runner.Run(plan, list(chosen or ("numpy",)), threads, tmp_path, lambda _: None).result()


@pytest.fixture(autouse=True)
def _small_anchor(monkeypatch):
    monkeypatch.setattr(runner, "ANCHOR", LAYER)


@pytest.fixture
def clock(monkeypatch):
    """Returns what lets every block take so many seconds, in turn; the last number holds for all that follow."""

    def set_to(*seconds):
        left = list(seconds)
        monkeypatch.setattr(Contestant, "time", lambda one: left.pop(0) if len(left) > 1 else left[0])

    return set_to


def test_rows_of_two_backends_with_threads_survive_writing_and_reading(tmp_path):
    threads = (Case("LSTM layer", "scaling", "lstm", dict(SWEEP[0].sizes)),)
    plan = small(STEP, LAYER, TEXT, PERPLEXITY, *SWEEP, threads=threads)
    result = run(tmp_path, plan, "numba", "numpy", threads=2)
    drifted = [failure for failure in result.failures if "measured again" not in failure]
    assert drifted == [], "this machine may be busy, but nobody may be wrong"
    found = {row.key: row for row in result.rows}
    cases = [(case.group, case.name) for case in (STEP, LAYER, TEXT, PERPLEXITY, *SWEEP)]
    assert set(found) >= {(*case, name) for case in cases for name in ("numba", "numpy")}
    for row in result.rows:
        assert len(row.rounds) == 3
        assert row.low <= row.value <= row.high
        assert row.noise >= scatter(row.rounds)
        assert (row.ratio is None) == (row.contestant == "numba")
    step, ours, peak = (found[key] for key in [(*cases[0], "numba"), (*cases[1], "numba"), (*cases[1], "FMA peak")])
    assert step.info["params"] == 9 * 6 * 2 + 2 * (6 + 7 + 1) * 28 + 7 * 28 + (14 + 1) * 9
    assert step.info["samples_per_s"] * step.value == pytest.approx(3)
    assert step.info["tokens_per_s"] * step.value == pytest.approx(3 * 4)
    assert step.info["gflops"] * step.value * 1e9 == pytest.approx(step.info["flops"])
    assert set(step.info["errors"]) == {"out", "grad", "param", "curve"}
    assert max(step.info["errors"].values()) < 1e-5
    shares = sorted(p / t for p, t in zip(peak.rounds, ours.rounds, strict=True))
    assert ours.info["peak_share"] == pytest.approx(shares[1]), "taken within a round"
    swept = [row.info for row in result.rows if row.group == "scaling" and row.contestant == "numba"]
    assert [(i["sweep"], i["letter"], i["size"]) for i in swept] == [
        *(("LSTM layer", "H", size) for size in (4, 8, 16)),
        *(("LSTM layer", "threads", count) for count in (1, 2)),
    ]
    assert swept[0]["base"] == "N=2, T=3, D=4"
    results.write(tmp_path / "results.json", result)
    assert results.read(tmp_path / "results.json") == result


def test_only_the_disturbed_group_is_noisy(tmp_path, clock):
    clock(*[1.0] * 8, *[2.0] * 8, 1.0)  # four rounds of the step and the anchor; the layer's; the repetition
    result = run(tmp_path, small(STEP, LAYER))
    assert {row.group: row.noise for row in result.rows} == {"steps": 0.0, "layers": 1.0}
    assert [taken for _, taken in result.anchors] == [1.0] * 4 + [2.0] * 4
    assert result.drift == 1.0
    assert result.method["layers"].endswith("a quarter of the time the machine was 100 % slower, or more")


def test_who_fails_the_gate_gets_no_time(tmp_path, monkeypatch):
    monkeypatch.setitem(gate.TOLERANCES, "ours", dict.fromkeys(gate.TOLERANCES["ours"], 0.0))
    result = run(tmp_path, small(STEP))
    assert result.rows == []
    assert any(f"{STEP.name}, numpy: grad_00 is off by" in failure for failure in result.failures)


@pytest.mark.parametrize(("peer", "passes"), [("numba", False), ("book", False), ("PyTorch cuda fp16", True)])
def test_the_gate_holds_everybody_to_what_he_can(peer, passes):
    ids = np.array([[1]])
    reference = {"out_hs": [1.0], "ids": ids, "param_00": [2.0]}
    assert (gate.judge({"out_hs": [1.015], "ids": ids}, reference, peer)[1] == []) is passes
    assert gate.judge({"out_hs": [1.0], "ids": ids + 1}, reference, peer)[1] == ["1 of 1 answers differ"]
    assert gate.judge({}, {"param_00": [2.0]}, peer)[1] == ["there was nothing to compare"]
    three = np.zeros((3, 1), np.int64)
    assert gate.judge({"ids": three}, {"ids": three[:2]}, peer)[1] == ["ids has 3 rows, expected at most 2"]
    assert gate.judge({"ids": three[:2]}, {"ids": three}, peer)[1] == []


def test_who_cannot_start_is_left_out(tmp_path, monkeypatch, clock):
    def ask(worker, do, **given):
        if worker.name == "JAX":
            raise UnsupportedError("not on this machine")
        return honest(worker, do, **given)

    clock(1.0)
    honest = Worker.ask
    monkeypatch.setattr(Worker, "ask", ask)
    monkeypatch.setattr(runner, "installed", lambda peer: True)
    result = run(tmp_path, small(STEP, peers=("JAX",)), "numpy", "no such backend")
    assert [row.contestant for row in result.rows] == ["numpy"]
    assert [failure[:45] for failure in result.failures] == ["no such backend does not start: ValueError: b"]
    assert result.method["left out"] == "JAX: not on this machine."


@pytest.mark.parametrize(("later", "failures"), [(100.0, 1), (1.0, 0)])
def test_the_first_row_is_measured_again(later, failures, tmp_path, clock):
    clock(*[1.0] * 8, later)  # four rounds of the step and the anchor; then everything takes longer
    result = run(tmp_path, small(STEP))
    assert f"measured again at the end: {later:.3f} times the first time" in result.method["repeat"]
    assert ["The machine changed" in failure for failure in result.failures] == [True] * failures


def test_starts_and_memory_are_measured_in_processes_of_their_own(tmp_path):
    sweep = replace(STEP, group="scaling", name="memory, H=7")
    start, memory, swept = run(tmp_path, Plan("small", start_rounds=1, memory=((STEP, 2), (sweep, 1)))).rows
    assert (start.key, start.unit) == (("start", "first step of Seq2seq", "numpy"), "s")
    assert start.value > 0.05
    assert (memory.key, memory.unit, len(memory.rounds)) == (("memory", STEP.name, "numpy"), "B", 2)
    assert memory.info["before"] > 2**24
    assert (swept.group, swept.info["size"], swept.info["params"]) == ("scaling", 7, STEP.params)


def test_a_plan_can_be_made_smaller():
    few = PLANS["full"].only("BetterRnnlm")
    assert {case.group for case in few.cases} == {"steps", "kernels"}
    assert [case.name for case, _ in few.memory] == ["BetterRnnlm H=650"]
    assert [case.name for case in few.dry().cases if case.group == "steps"] == ["BetterRnnlm H=650"]
    assert max(size for case in few.dry().cases for size in case.sizes.values()) < 20


def test_a_gpu_is_timed_by_both_clocks_and_with_every_design(tmp_path, monkeypatch, shim):
    cupy = importlib.import_module("cupy")  # the real one, or the one that stands in for it
    monkeypatch.setenv("PYTHONPATH", str(Path(cupy.__file__).parents[1]))
    plan, name = PLANS["gpu"], "LSTM 128x7x16x128 forward"
    more = (*plan.only("BetterRnnlm H=650, no").cases, *plan.only("clip and update Better").cases[:1])
    result = run(tmp_path, replace(plan, cases=(*plan.only(name).cases, *more), peers=("cupy steps",)).dry(), "cupy")
    assert result.failures == []
    assert {(row.case, row.contestant) for row in result.rows} == {
        *((case.name, "cupy") for case in more),
        *((name, who) for who in ("cupy", "cupy steps", "device peak")),
        *((f"{name}, a call", who) for who in ("cupy", "cupy steps")),
    }
    designs = {row.contestant: row.info["settings"].get("design") for row in result.rows}
    assert designs["cupy steps"] == "steps" != designs["cupy"]
    assert result.machine["dry"]


def test_arrays_come_to_the_host_where_the_book_has_taken_the_place_of_the_kernels(monkeypatch, shim):
    monkeypatch.delitem(MODULES, "cupy")
    found = numbered("grad", [importlib.import_module("cupy").arange(3), np.ones(2)])
    assert {name: (type(a), a.tolist()) for name, a in found.items()} == {
        "grad_00": (np.ndarray, [0, 1, 2]),
        "grad_01": (np.ndarray, [1, 1]),
    }


def test_a_worker_that_dies_or_is_silent_is_complained_about_and_the_others_go_on(tmp_path):
    limits = {"numpy": 60.0, "fasts2s": 60.0, "JAX": 0.01}
    doomed, other, silent = (Worker(name, tmp_path, 1, limit) for name, limit in limits.items())
    doomed.ask("versions")
    os.kill(doomed.process.pid, signal.SIGKILL)
    doomed.process.join()
    with pytest.raises(PeerError, match="the process died"):
        doomed.ask("versions")
    assert "fasts2s" in doomed.ask("versions"), "it starts again"
    ones = [Contestant(STEP, doomed), Contestant(STEP, other)]
    assert len(take_turns(ones, Pace(2, 0, 0.0, 0.0))) == 2, "nobody has prepared the case"
    assert [one.rounds for one in ones] == [[], []]
    with pytest.raises(PeerError, match="no answer within"):
        silent.ask("versions")
    assert silent.process is None
    doomed.stop()
    other.stop()


def test_who_dies_while_it_is_measured_again_and_again_is_said(tmp_path, monkeypatch):
    def dying(one):
        if one.case is runner.ANCHOR:
            raise PeerError("the process died: it said nothing")
        return 1.0

    monkeypatch.setattr(Contestant, "time", dying)
    result = run(tmp_path, small(STEP))
    assert result.failures == ["numpy, measured again and again: the process died: it said nothing"]
    assert [row.key for row in result.rows] == [("steps", STEP.name, "numpy")]


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
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(results.ResultError, match=complaint):
        results.read(tmp_path / "other.json")
