"""Kernels compiled for another processor: by whom, and who cannot run them."""

from types import SimpleNamespace

import pytest

from fasts2s.bench import processor, runner
from fasts2s.bench.machine import line
from fasts2s.bench.plans import Plan
from fasts2s.bench.processes import Worker
from fasts2s_kernels.cpu.target import choose
from fasts2s_kernels.cpu.tuning import AVX2, PLAIN

BOTH = {"sse2", *processor.PROCESSORS["avx2"][1]}


@pytest.fixture
def features(monkeypatch):
    """Returns what makes this machine's processor have some features, and no others."""

    def set_to(*have):
        known = dict.fromkeys(BOTH, False) | dict.fromkeys(have, True)
        llvm = SimpleNamespace(get_host_cpu_features=lambda: known)
        monkeypatch.setattr(processor, "import_module", lambda _: llvm)

    return set_to


@pytest.mark.parametrize(("name", "target"), [("avx2", AVX2), ("sse2", PLAIN)])
def test_kernels_are_those_of_the_processor(name, target, features):
    features(*BOTH, "avx512f", "avx512dq", "avx512vl")
    found = processor.environment(name)
    assert found["NUMBA_CPU_NAME"] == processor.PROCESSORS[name][0]
    assert choose("x86_64-unknown-linux-gnu", found["NUMBA_CPU_FEATURES"]) is target


@pytest.mark.parametrize(
    ("have", "name", "missing"),
    [(BOTH - {"fma", "bmi2"}, "avx2", "fma, bmi2"), ({"neon"}, "sse2", "sse2")],
)
def test_a_processor_that_cannot_run_them_is_named_with_what_it_lacks(have, name, missing, features, tmp_path):
    features(*have)
    with pytest.raises(ValueError, match=f"--processor {name}: this processor has no {missing}, expected one that"):
        runner.Run(Plan("small"), ["numba"], 1, tmp_path, processor=name)


def test_only_our_own_kernels_and_their_peak_are_compiled_for_it_and_the_report_says_so(features, tmp_path):
    features(*BOTH)
    run = runner.Run(Plan("small", is_dry=True), ["numba"], 1, tmp_path, processor="sse2")
    told = {name: run.worker(name).variables for name in ("numba", "FMA peak", "numpy", "PyTorch", "book")}
    other = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+sse2"}
    assert told == {"numba": other, "FMA peak": other, "numpy": {}, "PyTorch": {}, "book": {}}
    assert run._new("numba").variables == other
    assert line({"processor": "a fast one", "for": "sse2"}) == "a fast one, kernels compiled for sse2"
    run.chosen.clear()
    assert run.result().machine["for"] == "sse2"


def test_a_process_has_its_variables_before_numba_is_imported(tmp_path):
    try:
        variables = processor.environment("sse2")
    except ValueError as error:
        pytest.skip(str(error))
    worker = Worker("numba", tmp_path, 1, 60.0, variables)
    try:
        assert worker.ask("versions")["numba processor"] == "x86-64, plain, 4 float32 in a vector"
    finally:
        worker.stop()
