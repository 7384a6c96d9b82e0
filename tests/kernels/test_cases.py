"""The descriptions of the ops: all of the contract, as the contract has it, and always the same numbers."""

import importlib
import inspect
import pkgutil
from dataclasses import replace

import numpy as np
import pytest

from fasts2s import models
from fasts2s.optimizers import remove_duplicate
from fasts2s_kernels import ops
from fasts2s_kernels.calling import reference
from fasts2s_kernels.cases import edges, functions, pairs
from fasts2s_kernels.drawing import row_values, values
from fasts2s_kernels.letters import KINDS, SIZES, shape
from tests import contract

FUNCTIONS = functions()
#: Functions of the contract that compute nothing.
MOVES = {"asarray", "to_numpy"}
CONTRACT = {name: f for name, f in contract.functions().items() if name not in MOVES}
ROWS = [(function, row) for function in FUNCTIONS.values() for row in function.rows]


@pytest.fixture(params=FUNCTIONS.values(), ids=FUNCTIONS)
def function(request):
    return request.param


def _ops():
    names = (found.name for found in pkgutil.iter_modules(ops.__path__) if found.ispkg)
    return [n for n in names if importlib.util.find_spec(f"{ops.__name__}.{n}.contract") is not None]


def test_every_function_of_the_contract_is_described():
    missing = CONTRACT.keys() - FUNCTIONS.keys()
    assert not missing, (
        f"{sorted(missing)} are in no ops/<op>/cases.py: describe them, and they are tested and measured"
    )
    assert FUNCTIONS.keys() == CONTRACT.keys()


@pytest.mark.parametrize("op", _ops())
def test_an_op_describes_what_its_part_of_the_contract_has(op):
    part = importlib.import_module(f"{ops.__name__}.{op}.contract")
    (protocol,) = (c for c in vars(part).values() if isinstance(c, type) and c.__module__ == part.__name__)
    entries = {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if name[0] != "_"}
    described = importlib.import_module(f"{ops.__name__}.{op}.cases").FUNCTIONS
    assert {f.name for f in described} == entries


def test_arguments_are_those_of_the_contract(function):
    parameters = dict(inspect.signature(CONTRACT[function.name]).parameters)
    del parameters["self"]
    assert list(function.arguments) == list(parameters), "names and their order"
    for name, parameter in parameters.items():
        a = function.arguments[name]
        may_be_none = "None" in str(parameter.annotation)
        left_out = a.usual is not None and parameter.default is not inspect.Parameter.empty
        described = function.inputs[a.of].optional if a.role == "buffer" else a.optional and not left_out
        assert described == may_be_none, f"{name}: {parameter.annotation}"


def test_what_belongs_to_something_names_it(function):
    forward = function.forward
    for name, a in function.arguments.items():
        assert a.kind in (*KINDS, "float")
        assert (a.role in ("gradient", "buffer", "cache")) <= (forward is not None), name
        assert a.role != "gradient" or a.of in forward.results
        assert a.role != "buffer" or (a.of in forward.arguments and a.spec == forward.arguments[a.of].spec)
        assert a.role != "cache" or forward.cached
    for name in function.results:
        assert name.partition("_")[0] in ("out", "grad", "ids"), name
    if forward is not None:
        floats = {name for name, a in forward.inputs.items() if a.kind == "float"}
        named = {name.removeprefix("grad_") for name in function.results} | set(function.buffers.values())
        assert named == floats, "a gradient for each input that is a float"


def test_sizes_of_results_are_those_of_the_reference(function):
    given = values(function, np.random.default_rng(1), SIZES, given=function.inputs)
    found = reference(function, given)
    own = {} if function.forward is None else dict(function.forward.results)
    for name, spec in (own | dict(function.results)).items():
        assert found[name].shape == shape(spec, SIZES), name
    for name in function.buffers.values():
        assert found[f"grad_{name}"].shape == given[name].shape


def test_values_are_the_same_every_time_and_of_the_right_dtypes(function):
    state = np.random.get_state()[1].copy()
    first, second = (values(function, np.random.default_rng(3), SIZES, dtype=np.float32) for _ in range(2))
    assert (np.random.get_state()[1] == state).all(), "the global generator was used"
    assert first.keys() == second.keys()
    wanted = {
        "float": np.float32,
        "list": np.float32,
        "double": np.float64,
        "ids": np.int64,
        "labels": np.int64,
        "mask": bool,
    }
    for name, value in first.items():
        a, several = function.inputs[name], value if isinstance(value, list) else [value]
        again = second[name] if isinstance(value, list) else [second[name]]
        for one, other in zip(several, again, strict=True):
            np.testing.assert_array_equal(one, other)
            assert np.asarray(one).dtype == wanted.get(a.kind, np.asarray(one).dtype), name
        if a.kind not in ("list", "number", "size"):
            assert value.shape == shape(a.letters, SIZES), name


def test_what_is_optional_is_there_now_and_then(function):
    drawn = [values(function, np.random.default_rng(k), SIZES).keys() for k in range(20)]
    for name, a in function.inputs.items():
        there = sum(name in given for given in drawn)
        assert 5 < there < 20 if a.optional else there == 20, name


def test_edges_have_no_size_and_one_of_every_letter(function):
    found = list(edges(function))
    for letter in function.letters:
        assert {sizes[letter] for sizes in found} >= {1, SIZES[letter]}
        assert letter in function.least or any(sizes[letter] == 0 for sizes in found), letter
    assert all(sizes.keys() == set(function.letters) for sizes in found)


# ---- rows of the benchmarks -----------------------------------------------------------------------------


def test_every_function_is_measured_at_up_to_four_sizes(function):
    names = [function.row_name(row) for row in function.rows]
    assert 1 <= len(set(names)) == len(names) <= 4


@pytest.mark.parametrize(("function", "row"), ROWS, ids=lambda v: getattr(v, "name", "") or v.place)
def test_a_row_names_what_there_is(function, row):
    family = {name for f in (function, *(p for p in pairs() if p.forward is function)) for name in f.inputs}
    assert set(row.given.split()) <= family
    assert set(row.numbers) <= set(function.inputs)
    assert len(row.sizes) == len(function.letters)
    assert function.bytes_moved(row) > 0


SMALL = {"N": 3, "T": 3, "S": 3, "D": 5, "H": 8, "M": 7, "V": 11, "R": 3, "K": 2}
FLOPS = {
    "lstm_forward": 2 * 3 * 3 * (5 + 8) * 4 * 8,
    "lstm_backward": 2 * 2 * 3 * 3 * (5 + 8) * 4 * 8,
    "lstm_step": 2 * 3 * (5 + 8) * 4 * 8,
    "lstm_ids_forward": 2 * 3 * 3 * 8 * 4 * 8,
    "lstm_ids_backward": 2 * 2 * 3 * 3 * 8 * 4 * 8,
    "lstm_ids_step": 2 * 3 * 8 * 4 * 8,
    "lstm_encode": 2 * 3 * 3 * (5 + 8) * 4 * 8,
    "lstm_greedy": 2 * 3 * 3 * ((5 + 8) * 4 * 8 + 8 * 11),
    "attention_greedy": 2 * 3 * 3 * ((5 + 8) * 4 * 8 + 16 * 11 + 2 * 3 * 8),
    "lstm_text": 2 * 3 * ((5 + 8) * 4 * 8 + (8 + 7) * 4 * 7 + 7 * 11),
    "gru_forward": 2 * 3 * 3 * (5 + 8) * 3 * 8,
    "gru_backward": 2 * 2 * 3 * 3 * (5 + 8) * 3 * 8,
    "gru_step": 2 * 3 * (5 + 8) * 3 * 8,
    "rnn_forward": 2 * 3 * 3 * (5 + 8) * 8,
    "rnn_backward": 2 * 2 * 3 * 3 * (5 + 8) * 8,
    "rnn_step": 2 * 3 * (5 + 8) * 8,
    "affine_forward": 2 * 3 * 5 * 7,
    "affine_backward": 2 * 2 * 3 * 5 * 7,
    "attention_forward": 2 * 2 * 3 * 3 * 3 * 8,
    "attention_backward": 2 * 4 * 3 * 3 * 3 * 8,
    "convolution_forward": 2 * 3 * 3 * 3 * 9 * 5 * 7,
    "convolution_backward": 2 * 2 * 3 * 3 * 3 * 9 * 5 * 7,
}


def test_flops_are_counted_where_there_are_products():
    sizes = {name: {letter: SMALL[letter] for letter in f.letters} for name, f in FUNCTIONS.items()}
    assert {name: f.flops(sizes[name]) for name, f in FUNCTIONS.items() if f.flops is not None} == FLOPS


#: Row -> elements of 4 bytes, and of 8.
MOVED = {
    "affine_forward 512x128x13 (addition)": (512 * 128 + 128 * 13 + 13 + 512 * 13, 0),
    "affine_backward 512x128x13 (addition)": (2 * 512 * 128 + 2 * 128 * 13 + 13 + 512 * 13, 0),
    "embedding_forward 20x35x10000x650 (BetterRnnlm)": (2 * 700 * 650, 700),
    "embedding_backward 128x7x13x16 (addition)": (896 * 16 + 13 * 16, 896),
    "lstm_step 1x100x100 (Rnnlm)": (100 + 2 * 40_000 + 400 + 4 * 100, 0),
    "sample 1x10000 (Rnnlm)": (10_000, 2),
    "best 2500x2000x5 (beam search)": (2500 * 2005, 2500 * 5),
    "clip_grads 10000x650x650 (BetterRnnlm)": (10_000 * 651 + 4 * 650 * 2600 + 2 * 2600 + 1, 0),
    "sgd_update 10000x650x650 (BetterRnnlm)": (3 * (10_000 * 651 + 4 * 650 * 2600 + 2 * 2600), 0),
}


def test_bytes_by_hand():
    moved = {function.row_name(row): function.bytes_moved(row) for function, row in ROWS}
    assert {name: moved[name] for name in MOVED} == {name: 4 * a + 8 * b for name, (a, b) in MOVED.items()}


def test_the_tied_matrix_is_a_transpose():
    function = FUNCTIONS["affine_backward"]
    row = replace(next(row for row in function.rows if row.turned), sizes=(3, 5, 7))
    W = row_values(function, row)["W"]
    assert W.flags.f_contiguous
    assert not W.flags.c_contiguous


def test_the_peeky_decoder_has_a_row_bias_and_an_encoder_the_gradient_of_its_last_h_alone():
    rows = {row.place: row for row in FUNCTIONS["lstm_ids_backward"].rows}
    drawn = {
        place: row_values(FUNCTIONS["lstm_ids_backward"], replace(row, sizes=(2, 3, 5, 7)))
        for place, row in rows.items()
    }
    assert drawn["Peeky decoder"].keys() == {"table", "ids", "Wh", "h0", "row_bias", "dhs"}
    assert drawn["addition"].keys() == {"table", "ids", "Wh", "dh_last"}


@pytest.mark.parametrize("name", ["PeekySeq2seq", "BetterRnnlm"])
def test_lists_are_the_parameters_of_the_model(name):
    function = FUNCTIONS["adam_update"]
    row = next(row for row in function.rows if row.place == name)
    V, D, H = (13, 16, 128) if name == "PeekySeq2seq" else (17, 8, 8)
    model = getattr(models, name)(V, D, H, backend="numpy")
    params, _ = remove_duplicate(model.params, model.grads)
    found = row_values(function, replace(row, sizes=(V, D, H)))["params"]
    assert [p.shape for p in found] == [p.shape for p in params]


def test_a_sampled_number_lies_away_from_the_ends_of_its_id():
    function = FUNCTIONS["sample"]
    for k in range(10):
        given = values(function, np.random.default_rng(k), {"R": 20, "V": 300})
        p = np.exp(given["scores"])
        ends = p.cumsum(axis=1) / p.sum(axis=1, keepdims=True)
        assert np.abs(ends - given["uniforms"][:, None]).min() > 1.9e-6


@pytest.mark.parametrize("name", ["lstm_greedy", "attention_greedy"])
def test_greedy_answers_are_not_one_id_again_and_again(name):
    function = FUNCTIONS[name]
    changes = []
    for k in range(10):
        given = values(function, np.random.default_rng(k), SIZES, given=function.inputs)
        answers = reference(function, given)["ids_answers"]
        changes.append((answers[:, 1:] != answers[:, :-1]).mean())
    assert np.mean(changes) > 0.3
