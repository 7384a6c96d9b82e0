"""The functions of the kernels as cases of the suite: right on every backend, refused when wrong, the same for ever.

What the ops say of themselves: tests/kernels/test_cases.py.
"""

from itertools import pairwise

import numpy as np
import pytest

from fasts2s.bench import kernel_ops
from fasts2s.bench.cases import Case
from fasts2s.bench.gate import judge
from fasts2s_kernels import load
from fasts2s_kernels.calling import host
from fasts2s_kernels.cases import functions
from fasts2s_kernels.drawing import row_numbers
from fasts2s_kernels.letters import SIZES

TINY = {case.name: case for case in map(kernel_ops.tiny, kernel_ops.CASES)}
BOOK = {case.name: case for case in kernel_ops.CASES}


@pytest.fixture(params=TINY.values(), ids=TINY)
def case(request):
    return request.param


def of_kind(kind, at=""):
    return next(case for case in TINY.values() if case.kind == kind and at in case.name)


def test_cases_stand_by_function_and_tiny_ones_differ_in_their_sizes_alone():
    kinds = [case.kind for case in kernel_ops.CASES]
    assert list(dict.fromkeys(kinds)) == list(functions())
    assert kinds == sorted(kinds, key=kinds.index)
    assert len(BOOK) == len(kinds), "names are unique"
    case = BOOK["lstm_forward 128x7x16x128 (addition)"]
    assert case == Case(case.name, "kernels", "lstm_forward", {"N": 128, "T": 7, "D": 16, "H": 128})
    assert kernel_ops.flops(case) == 2 * 128 * 7 * (16 + 128) * 4 * 128
    for case in kernel_ops.CASES:
        small = kernel_ops.tiny(case)
        assert (small.kind, small.name.split(" (")[1]) == (case.kind, case.name.split(" (")[1])
        assert small.sizes == {letter: min(size, SIZES[letter]) for letter, size in case.sizes.items()}


def test_a_case_passes_the_gate_on_every_backend(case, kernels):
    inputs, before = kernel_ops.given(case), kernel_ops.given(case)
    reference = kernel_ops.reference(case, inputs)
    results = host(kernels, kernel_ops.build(kernels, case, inputs)())
    assert results.keys() == reference.keys()
    worst, complaints = judge(results, reference, "ours")
    assert complaints == []
    assert worst.keys() == {name.partition("_")[0] for name in reference}
    for name, value in inputs.items():
        if not callable(value):
            np.testing.assert_equal(value, before[name], err_msg=f"{name} was written to")


def test_a_wrong_result_is_refused(case):
    reference = kernel_ops.reference(case, kernel_ops.given(case))
    for name in reference:
        wrong = {key: np.array(a) for key, a in reference.items()}
        element = (0,) * wrong[name].ndim
        wrong[name][element] += 1 if name.startswith("ids") else 1e-3 * (1 + abs(wrong[name][element]))
        _, complaints = judge(wrong, reference, "ours")
        assert complaints, f"a wrong {name} passed"
        del wrong[name]
        assert judge(wrong, reference, "ours")[1] == [f"{name} is missing"]


@pytest.mark.parametrize("case", [case for case in TINY.values() if case.kind.endswith("_update")], ids=str)
def test_a_wrong_number_of_an_update_shows(case):
    inputs = kernel_ops.given(case)
    reference = kernel_ops.reference(case, inputs)
    for name, value in row_numbers(*kernel_ops._described(case)).items():
        off = value * 2 if isinstance(value, int) else value * 0.999
        wrong = kernel_ops.build(load("numpy"), case, {**inputs, name: off})()
        assert judge(wrong, reference, "ours")[1], f"{case.name} with {name} = {off} passed"


@pytest.mark.parametrize("kind", [name for name in functions() if name.endswith("_update")])
def test_updates_stay_finite_over_many_calls(kind):
    case = of_kind(kind)
    inputs = {name: a[:1] if isinstance(a, list) else a for name, a in kernel_ops.given(case).items()}
    call = kernel_ops.build(load("numba"), case, inputs)
    for _ in range(5000):
        call()
    for name, a in host(load("numba"), call()).items():
        assert np.isfinite(a).all(), name


def test_written_gradients_are_scaled_in_every_call_and_measured_ones_stay_as_they_are():
    case = of_kind("clip_grads", at="(PeekySeq2seq, written")
    call = kernel_ops.build(load("numba"), case, kernel_ops.given(case))
    norms = [call()["out_norm"] for _ in range(3000)]
    assert all(later < earlier for earlier, later in pairwise(norms))
    shrinking = row_numbers(*kernel_ops._described(case))["max_norm"]
    assert shrinking(0) == 5.0
    assert shrinking(40_000) > 0.05
    measured = of_kind("clip_grads")
    inputs = kernel_ops.given(measured)
    results = kernel_ops.build(load("numba"), measured, inputs)()
    for k, grad in enumerate(inputs["grads"]):
        np.testing.assert_array_equal(results[f"out_grads_{k:02d}"], grad)
