"""The kernel operations of the benchmark suite: all of the contract, right on every backend, refused when wrong."""

import inspect
from itertools import pairwise

import numpy as np
import pytest

from fasts2s import models
from fasts2s.bench import kernel_ops
from fasts2s.bench.cases import Case
from fasts2s.bench.gate import judge
from fasts2s.bench.kernel_inputs import CLEAR
from fasts2s.optimizers import remove_duplicate
from fasts2s_kernels import Kernels, load

#: Functions of the contract that compute nothing.
MOVES = {"asarray", "to_numpy"}
TINY = {case.name: case for case in map(kernel_ops.tiny, kernel_ops.CASES)}
BOOK = {case.name: case for case in kernel_ops.CASES}


@pytest.fixture(params=TINY.values(), ids=TINY)
def case(request):
    return request.param


def host(kernels, results):
    """Copies of results on the host: a second call may write into the first one's arrays."""
    return {name: np.array(kernels.to_numpy(a)) for name, a in results.items()}


def of_kind(kind, cases=TINY, at=""):
    return next(case for case in cases.values() if case.kind == kind and kernel_ops.place(case).startswith(at))


# ---- the table ------------------------------------------------------------------------------------------


def test_every_function_of_the_contract_has_a_case():
    functions = {name for name, member in inspect.getmembers(Kernels, inspect.isfunction) if name[0] != "_"}
    assert {case.kind for case in kernel_ops.CASES} == functions - MOVES


def test_names_are_unique_and_say_kind_sizes_and_place():
    assert len(BOOK) == len(kernel_ops.CASES)
    case = BOOK["lstm_forward 128x7x16x128 (addition)"]
    assert case == Case(case.name, "kernels", "lstm_forward", {"N": 128, "T": 7, "D": 16, "H": 128})
    assert kernel_ops.place(case) == "addition"
    assert {case.group for case in kernel_ops.CASES} == {"kernels"}


def test_no_function_has_more_than_four_cases():
    kinds = [case.kind for case in kernel_ops.CASES]
    assert max(map(kinds.count, kinds)) <= 4
    assert kinds == sorted(kinds, key=kinds.index), "cases of a function stand together"


def test_tiny_cases_are_tiny_and_of_the_same_kind_and_place():
    most = {"N": 3, "T": 3, "S": 3, "R": 3, "D": 8, "H": 8, "M": 8, "V": 11}
    for case in kernel_ops.CASES:
        small = kernel_ops.tiny(case)
        assert (small.kind, small.group, small.max_grad) == (case.kind, case.group, case.max_grad)
        assert kernel_ops.place(small) == kernel_ops.place(case)
        assert small.sizes.keys() == case.sizes.keys()
        assert all(size <= min(most[letter], case[letter]) for letter, size in small.sizes.items())


@pytest.mark.parametrize("name", ["PeekySeq2seq", "BetterRnnlm"])
def test_parameter_shapes_are_those_of_the_model(name):
    case = of_kind("adam_update", TINY, name)
    D = case["H"] if name == "BetterRnnlm" else case["D"]
    model = getattr(models, name)(case["V"], D, case["H"], backend="numpy")
    params, _ = remove_duplicate(model.params, model.grads)
    assert kernel_ops.parameter_shapes(case) == [p.shape for p in params]


# ---- results --------------------------------------------------------------------------------------------


def test_a_case_passes_the_gate_on_every_backend(case, kernels):
    inputs = kernel_ops.inputs(case)
    before = {name: a.copy() for name, a in inputs.items()}
    reference = kernel_ops.reference(case, inputs)
    call = kernel_ops.build(kernels, case, inputs)
    results = host(kernels, call())
    assert results.keys() == reference.keys()
    worst, complaints = judge(results, reference, "ours")
    assert complaints == []
    assert worst.keys() == {name.partition("_")[0] for name in reference}
    for name, a in inputs.items():
        np.testing.assert_array_equal(a, before[name], err_msg=f"{name} was written to")


def test_a_wrong_result_is_refused(case):
    inputs = kernel_ops.inputs(case)
    reference = kernel_ops.reference(case, inputs)
    for name in reference:
        wrong = {key: np.array(a) for key, a in reference.items()}
        element = (0,) * wrong[name].ndim
        wrong[name][element] += 1 if name.startswith("ids") else 1e-3 * (1 + abs(wrong[name][element]))
        _, complaints = judge(wrong, reference, "ours")
        assert complaints, f"a wrong {name} passed"
        del wrong[name]
        assert judge(wrong, reference, "ours")[1] == [f"{name} is missing"]


@pytest.mark.parametrize("argument", ["scale", "lr", "beta1", "beta2", "step", "momentum", "decay_rate"])
def test_a_wrong_number_of_an_update_shows(argument, monkeypatch):
    kernels = load("numpy")
    for case in TINY.values():
        numbers = kernel_ops.NUMBERS.get(case.kind, {})
        if argument in numbers:
            inputs = kernel_ops.inputs(case)
            reference = kernel_ops.reference(case, inputs)
            off = numbers[argument] * 2 if isinstance(numbers[argument], int) else numbers[argument] * 0.999
            with monkeypatch.context() as patch:
                patch.setitem(kernel_ops.NUMBERS, case.kind, {**numbers, argument: off})
                _, complaints = judge(kernel_ops.build(kernels, case, inputs)(), reference, "ours")
            assert complaints, f"{case.name} with {argument} = {off} passed"


def test_inputs_are_the_same_every_time_and_of_the_right_dtypes(case):
    first, second = kernel_ops.inputs(case), kernel_ops.inputs(case)
    allowed = {"uniforms": np.float64, **dict.fromkeys(("ids", "ts", "start_ids"), np.int64)}
    for name, a in first.items():
        np.testing.assert_array_equal(a, second[name])
        assert a.dtype == allowed.get(name, np.float32), name


def test_inputs_do_not_touch_the_global_generator(case):
    state = np.random.get_state()[1].copy()
    kernel_ops.inputs(case)
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize("kind", sorted({case.kind for case in TINY.values() if case.kind.endswith("update")}))
def test_updates_stay_finite_over_20000_calls(kind):
    kernels, case = load("numba"), of_kind(kind)
    call = kernel_ops.build(kernels, case, kernel_ops.inputs(case))
    for _ in range(19_999):
        call()
    for name, a in host(kernels, call()).items():
        assert np.isfinite(a).all(), name


def test_written_gradients_are_scaled_in_each_of_20000_calls():
    case = next(case for case in TINY.values() if case.kind == "clip_grads" and case.max_grad)
    call = kernel_ops.build(load("numba"), case, kernel_ops.inputs(case))
    norms = [call()["out_norm"] for _ in range(20_000)]
    assert all(later < earlier for earlier, later in pairwise(norms))
    assert norms[-1] > 0.1


def test_measured_gradients_stay_as_they_are():
    case = next(case for case in TINY.values() if case.kind == "clip_grads" and not case.max_grad)
    inputs = kernel_ops.inputs(case)
    results = kernel_ops.build(load("numba"), case, inputs)()
    for k in range(len(inputs)):
        np.testing.assert_array_equal(results[f"out_{k:02d}"], inputs[f"grads_{k:02d}"])


# ---- what the book has at a place -----------------------------------------------------------------------


def test_the_peeky_decoder_has_a_row_bias_and_its_gradient():
    case = of_kind("lstm_ids_backward", at="Peeky")
    inputs = kernel_ops.inputs(case)
    assert {"h0", "row_bias", "dhs"} <= inputs.keys()
    assert "grad_row_bias" in kernel_ops.reference(case, inputs)
    answers = kernel_ops.inputs(of_kind("lstm_greedy", at="Peeky"))
    assert {"row_bias", "score_bias"} <= answers.keys()
    assert "b_out" not in answers


def test_an_encoder_gets_the_gradient_of_the_last_h_alone():
    inputs = kernel_ops.inputs(of_kind("lstm_ids_backward", at="addition"))
    assert "dh_last" in inputs
    assert "dhs" not in inputs


def test_a_forward_case_gets_no_gradient():
    for case in TINY.values():
        if case.kind.endswith("forward"):
            assert not {"dhs", "dh_last", "dout"} & kernel_ops.inputs(case).keys()


def test_the_tied_matrix_is_a_transpose_and_its_buffer_too():
    case = of_kind("affine_backward", at="BetterRnnlm")
    inputs = kernel_ops.inputs(case)
    assert inputs["W"].flags.f_contiguous
    assert not inputs["W"].flags.c_contiguous
    assert kernel_ops.build(load("numpy"), case, inputs)()["grad_W"].strides == inputs["W"].strides


@pytest.mark.parametrize("case", [case for case in kernel_ops.CASES if case.kind == "sample"], ids=str)
def test_uniforms_lie_away_from_the_ends_of_an_id(case):
    inputs = kernel_ops.inputs(case)
    p = np.exp(inputs["scores"].astype(np.float64))
    ends = p.cumsum(axis=1) / p.sum(axis=1, keepdims=True)
    assert np.abs(ends - inputs["uniforms"][:, None]).min() > CLEAR[1] / 2 - 1e-9


# ---- arithmetic -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in kernel_ops.CASES if case.kind == "lstm_forward"], ids=str)
def test_flops_of_an_lstm(case):
    N, T, D, H = (case[letter] for letter in "NTDH")
    assert kernel_ops.flops(case) == 2 * N * T * (D + H) * 4 * H


def test_flops_by_hand():
    expected = {
        "lstm_backward": 2 * 2 * 3 * 3 * (5 + 8) * 4 * 8,
        "lstm_step": 2 * 1 * (5 + 8) * 4 * 8,
        "lstm_ids_forward": 2 * 3 * 3 * 8 * 4 * 8,
        "lstm_encode": 2 * 1 * 3 * (5 + 8) * 4 * 8,
        "lstm_greedy": 2 * 1 * 3 * ((5 + 8) * 4 * 8 + 8 * 11),
        "gru_forward": 2 * 3 * 3 * (5 + 8) * 3 * 8,
        "rnn_backward": 2 * 2 * 3 * 3 * (5 + 8) * 8,
        "affine_forward": 2 * 3 * 5 * 7,
        "attention_forward": 2 * 2 * 3 * 3 * 3 * 8,
        "attention_backward": 2 * 4 * 3 * 3 * 3 * 8,
    }
    assert {kind: kernel_ops.flops(of_kind(kind)) for kind in expected} == expected


def test_flops_are_counted_where_there_are_products():
    counted = {case.kind for case in kernel_ops.CASES if kernel_ops.flops(case) is not None}
    layers = {
        f"{name}_{way}" for name in ("lstm", "lstm_ids", "gru", "rnn", "affine") for way in ("forward", "backward")
    }
    steps = {"lstm_step", "gru_step", "rnn_step", "lstm_encode", "lstm_greedy"}
    assert counted == layers | steps | {"attention_forward", "attention_backward"}


def test_more_answers_than_there_should_be_are_told() -> None:
    ids = np.zeros((3, 1), np.int64)
    assert judge({"ids": ids}, {"ids": ids[:2]}, "ours")[1] == ["ids has 3 rows, expected at most 2"]
    assert judge({"ids": ids[:2]}, {"ids": ids}, "ours")[1] == []
