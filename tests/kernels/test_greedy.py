"""Reading sources and choosing whole answers: single steps of the reference, equal scores, what is wrong."""

import numpy as np
import pytest

from fasts2s_kernels.backends import numpy as reference
from tests.kernels.helpers import compute, draw


def case(rng, sizes, dtype):
    """Weights by name for N, T, D, H, V."""
    _, _, D, H, V = sizes
    shapes = {"W": (V, D), "Wx": (D, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,), "W_out": (H, V), "b_out": (V,)}
    return {name: (rng.standard_normal(shape) / shape[0] ** 0.5).astype(dtype) for name, shape in shapes.items()}


def _put(kernels, a):
    """What a kernel takes for a host array; ids and masks may come from the host as they are."""
    is_float = isinstance(a, np.ndarray) and a.dtype.kind == "f"
    return kernels.asarray(a) if is_float else a


def encode(kernels, w, ids, **options):
    w = {name: _put(kernels, a) for name, a in w.items()}
    return kernels.to_numpy(kernels.lstm_encode(w["W"], ids, w["Wx"], w["Wh"], w["b"], **options))


def greedy(kernels, w, start_ids, length, **options):
    w, options = ({name: _put(kernels, a) for name, a in given.items()} for given in (w, options))
    weights = (w["Wx"], w["Wh"], w["b"], w["W_out"], w["b_out"])
    return kernels.to_numpy(kernels.lstm_greedy(w["W"], start_ids, length, *weights, **options))


@pytest.mark.parametrize("given", [["b"], ["b", "mask"], []], ids=str)
def test_encoding_is_the_last_h_of_the_layer(rng, given):
    inputs = draw("lstm_encode", rng, 5, 4, 7, 3, 11, given=given)
    xs = inputs["W"][inputs["ids"]]
    expected = compute(reference, "lstm_forward", inputs | {"xs": xs})["out_h"]
    assert np.array_equal(compute(reference, "lstm_encode", inputs)["out_h"], expected)


@pytest.mark.parametrize("given", [None, ()], ids=["everything", "nothing optional"])
def test_answers_are_those_of_single_steps(rng, given):
    w = draw("lstm_greedy", rng, 5, 4, 7, 3, 11, given=given)
    ids, h, c, out = w["start_ids"], w["h"], w.get("c", np.zeros((5, 11))), []
    for _ in range(4):
        h, c = reference.lstm_step(w["W"][ids], w["Wx"], w["Wh"], w.get("b"), h=h, c=c, row_bias=w.get("row_bias"))
        ids = (h @ w["W_out"] + w.get("b_out", 0) + w.get("score_bias", 0)).argmax(axis=1)
        out.append(ids)
    assert np.array_equal(compute(reference, "lstm_greedy", w)["ids_answers"], np.stack(out, axis=1))


def test_the_first_of_equal_scores_is_chosen(kernels, rng):
    w = case(rng, (2, 3, 4, 5, 70), "float32")
    w["W_out"][...] = 0
    w["b_out"][...] = 0
    w["b_out"][[17, 40]] = 1
    assert greedy(kernels, w, np.array([1, 2]), 3, h=np.zeros((2, 5), "f")).tolist() == [[17] * 3] * 2


def test_absent_states_and_biases_are_zero(kernels, rng):
    w, ids = case(rng, (3, 4, 5, 16, 7), "float32"), np.array([0, 3, 6])
    h, zero = rng.standard_normal((3, 16)).astype("f"), np.zeros((3, 16), "f")
    plain = greedy(kernels, w, ids, 4, h=h)
    full = greedy(kernels, w, ids, 4, h=h, c=zero, row_bias=np.zeros((3, 64), "f"), score_bias=np.zeros((3, 7), "f"))
    assert np.array_equal(plain, full)
    no_bias = {**w, "b": None, "b_out": None}
    zero_bias = {**w, "b": np.zeros(64, "f"), "b_out": np.zeros(7, "f")}
    assert np.array_equal(greedy(kernels, no_bias, ids, 4, h=h), greedy(kernels, zero_bias, ids, 4, h=h))


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_nothing_to_read_or_to_answer(kernels, rng, shape):
    N, T = shape
    w = case(rng, (N, T, 3, 5, 4), "float32")
    assert np.array_equal(encode(kernels, w, np.zeros(shape, int)), np.zeros((N, 5)))
    assert greedy(kernels, w, np.zeros(N, int), T, h=np.zeros((N, 5), "f")).shape == shape


BAD = {
    "ids beyond V": ({"ids": np.full((2, 3), 7)}, IndexError, "ids holds 7"),
    "ids below -V": ({"ids": np.full((2, 3), -8)}, IndexError, "ids holds -8"),
    "float ids": ({"ids": np.zeros((2, 3))}, ValueError, "ids has dtype float64"),
    "one axis": ({"ids": np.zeros(3, int)}, ValueError, "expected \\(N, T\\)"),
    "other table": ({"W": np.zeros((7, 4), "f")}, ValueError, "with D = 5"),
    "table of float64": ({"W": np.zeros((7, 5))}, ValueError, "W is float64"),
    "mask": ({"mask": np.ones((3, 2), bool)}, ValueError, "mask has shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_to_encoding_is_named(kernels, rng, name):
    changed, error, text = BAD[name]
    w = case(rng, (2, 3, 5, 16, 7), "float32") | {k: v for k, v in changed.items() if k == "W"}
    ids, mask = changed.get("ids", np.zeros((2, 3), int)), changed.get("mask")
    with pytest.raises(error, match=text):
        encode(kernels, w, ids, mask=mask)


BAD_ANSWERS = {
    "start beyond V": ({"start_ids": np.array([0, 7])}, IndexError, "start_ids holds 7"),
    "two axes": ({"start_ids": np.zeros((2, 1), int)}, ValueError, "expected \\(N,\\)"),
    "negative length": ({"length": -1}, ValueError, "length is -1"),
    "no h": ({"h": None}, ValueError, "h is None"),
    "h of another batch": ({"h": np.zeros((3, 16), "f")}, ValueError, "state h has shape"),
    "row_bias": ({"row_bias": np.zeros((2, 16), "f")}, ValueError, "row_bias has shape"),
    "score_bias": ({"score_bias": np.zeros((2, 8), "f")}, ValueError, "score_bias has shape"),
    "W_out": ({"W_out": np.zeros((16, 8), "f")}, ValueError, "W_out has shape"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_input_to_answers_is_named(kernels, rng, name):
    changed, error, text = BAD_ANSWERS[name]
    changed = dict(changed)
    w = case(rng, (2, 3, 5, 16, 7), "float32")
    w["W_out"] = changed.pop("W_out", w["W_out"])
    options = {"h": np.zeros((2, 16), "f"), **changed}
    start, length = options.pop("start_ids", np.zeros(2, int)), options.pop("length", 3)
    with pytest.raises(error, match=text):
        greedy(kernels, w, start, length, **options)


def test_a_table_without_rows_has_nothing_to_choose(kernels, rng):
    w = case(rng, (0, 3, 5, 16, 1), "float32") | {"W": np.zeros((0, 5), "f"), "W_out": np.zeros((16, 0), "f")}
    w["b_out"] = np.zeros(0, "f")
    with pytest.raises(ValueError, match="nothing to choose from"):
        greedy(kernels, w, np.zeros(0, int), 3, h=np.zeros((0, 16), "f"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["W", "Wx", "Wh", "b", "W_out", "b_out", "h", "score_bias"])
def test_where_the_best_score_is_not_finite_nothing_is_chosen(kernels, rng, name, dtype):
    sizes = N, T, _, H, V = 5, 3, 4, 9, 13
    given = case(rng, sizes, dtype) | {"h": rng.standard_normal((N, H)), "score_bias": rng.standard_normal((N, V))}
    given = {key: a.astype(dtype) for key, a in given.items()}
    start = np.zeros(N, int)
    answer = lambda w: greedy(kernels, w, start, T, h=w["h"], score_bias=w["score_bias"])
    assert (answer(given) >= 0).all()
    one_row = name in ("h", "score_bias")
    given[name][2 if one_row else ...] = np.nan
    found = answer(given)
    assert (found[2] == -1).all()
    assert (np.delete(found, 2, axis=0) >= 0).all() == one_row
    if name == "b_out":
        for bad in (np.inf, -np.inf):
            given[name][...] = bad
            assert (answer(given) == -1).all()


def test_what_the_start_does_not_meet_is_not_looked_at(kernels, rng):
    w = case(rng, (1, 4, 3, 5, 6), "float32") | {"b_out": np.arange(6, dtype="f") * 50}  # always 5
    w["W"][[1, 2, 3, 4]] = np.nan
    assert greedy(kernels, w, np.array([0]), 4, h=np.zeros((1, 5), "f")).tolist() == [[5, 5, 5, 5]]
    w["W"][5] = np.nan
    assert greedy(kernels, w, np.array([0]), 4, h=np.zeros((1, 5), "f")).tolist() == [[5, -1, -1, -1]]
