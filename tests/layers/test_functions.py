"""sigmoid, relu, softmax and cross entropy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fasts2s.layers import cross_entropy_error, relu, sigmoid, softmax
from fasts2s.layers.functions import class_ids
from fasts2s.testing import assert_close

N, V = 7, 11
FLOATS = [np.float16, np.float32, np.float64]
matrices = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-1e4, 1e4))


@pytest.mark.parametrize(
    ("function", "exact"), [(sigmoid, lambda x: 0.5 + np.tanh(x / 2) / 2), (relu, lambda x: x * (x > 0))]
)
def test_values_element_by_element(function, exact, rng):
    for shape in ((), (5,), (3, 7, 2), (3, 0)):
        x = rng.uniform(-20, 20, size=shape)
        kept = x.copy()
        assert_close("float64", function(x), exact(x), 1e-12)
        assert_close("x", x, kept, 0)
        for dtype in FLOATS[:2]:
            rounded = x.astype(dtype)
            out = function(rounded)
            assert np.asarray(out).dtype == dtype
            assert_close(str(dtype), out, exact(rounded.astype(np.float64)), 2 * np.finfo(dtype).eps)


def test_numbers_are_welcome():
    assert sigmoid(0) == 0.5
    assert_close("sigmoid", sigmoid(-1.5), 1 / (1 + np.exp(1.5)), 1e-15)
    assert [relu(-2), relu(3.5)] == [0, 3.5]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_relu_at_the_ends(dtype):
    x = np.array([-np.inf, -1e4, -100, 100, 1e4, np.inf, np.nan], dtype)
    assert_close("sigmoid", sigmoid(x)[:6], np.array([0, 0, 0, 1, 1, 1]), 1e-40)
    assert_close("relu", relu(x)[:5], np.array([0, 0, 0, 100, 1e4]), 0)
    assert relu(x)[5] == np.inf
    assert np.isnan([sigmoid(x)[6], relu(x)[6]]).all()


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u8"])
def test_integers_are_numbers(dtype):
    # Minus an unsigned 3 is not minus 3.
    x = np.array([[3, 0, 5]], dtype)
    assert_close("sigmoid", sigmoid(x), sigmoid(x.astype(np.float64)), 1e-15)
    assert_close("softmax", softmax(x), softmax(x.astype(np.float64)), 1e-15)


@settings(max_examples=200)
@given(x=matrices)
def test_softmax_of_rows(x):
    kept = x.copy()
    p = softmax(x)
    assert p.shape == x.shape
    assert np.array_equal(x, kept)
    assert not np.shares_memory(p, x)
    assert ((p >= 0) & (p <= 1)).all()
    assert_close("sums", p.sum(axis=1), np.ones(len(x)), 1e-12)
    assert_close("shifted", softmax(x + 1000), p, 1e-9)
    for row, expected in zip(x, p, strict=True):
        assert_close("one row", softmax(row), expected, 1e-12)
        assert expected[np.argmax(row)] == expected.max()


def test_softmax_is_exp_over_sum(rng):
    x = rng.standard_normal((N, V))
    expected = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    assert_close("float64", softmax(x), expected, 1e-14)
    for dtype in FLOATS[:2]:
        p = softmax(x.astype(dtype))
        assert p.dtype == dtype
        assert_close("rounded", p, expected, 8 * np.finfo(dtype).eps)


def test_softmax_of_extreme_scores():
    p = softmax(np.array([[1e4, -1e4, 0], [-np.inf, 0, 0], [3e38, 3e38, -3e38]], "f"))
    assert_close("p", p, np.array([[1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]]), 0)
    assert np.isnan(softmax(np.array([[np.nan, 0], [np.inf, 0], [-np.inf, -np.inf]]))).any(axis=1).all()


def test_softmax_of_nothing_is_nothing():
    for shape in ((0,), (0, V), (N, 0)):
        assert softmax(np.zeros(shape, "f")).shape == shape


@pytest.mark.parametrize("shape", [(), (2, 3, 5), (1, 1, 1, 1)])
def test_softmax_of_other_shapes_is_an_error(shape):
    with pytest.raises(ValueError, match=r"x has shape .*, expected \(N, V\) or \(V,\)"):
        softmax(np.zeros(shape))


@pytest.mark.parametrize(
    "x", [[1.0, 2.0], None, "text", 3.0, np.ma.masked_array([1.0]), np.array(["a"]), np.array([1j])]
)
def test_softmax_of_no_numbers_is_an_error(x):
    with pytest.raises(ValueError, match=r"x .*expected"):
        softmax(x)


def test_class_ids_of_ids_and_of_one_hot_rows(rng):
    y, ids = rng.random((N, V)), rng.integers(0, V, N)
    for dtype in ("u1", "i4", "i8", "u8"):
        assert np.array_equal(class_ids(y, ids.astype(dtype)), ids)
    for dtype in ("?", "u1", "i8", "f4"):
        assert np.array_equal(class_ids(y, np.eye(V, dtype=dtype)[ids]), ids)


@pytest.mark.parametrize(
    "t",
    [
        np.zeros(N),  # ids that are floats
        np.zeros(N, bool),
        np.zeros(N - 1, int),
        np.zeros((N, 1), int),
        np.zeros((N, V - 1), int),
        np.eye(V, N, dtype=int),  # one-hot, but transposed: as many elements, other labels
        np.zeros(N * V, int),
        np.full((N, V), "1"),  # one-hot, but of no numbers
        np.ones((N, V), complex),
        np.array(1),
    ],
    ids=lambda t: f"{t.dtype} {t.shape}",
)
def test_class_ids_of_another_shape_or_type_are_an_error(t):
    with pytest.raises(ValueError, match=r"t .*expected"):
        class_ids(np.zeros((N, V)), t)


@pytest.mark.parametrize("wrong", [-1, V, 2**31 - 1, -(2**63)])
def test_class_ids_out_of_range_are_an_index_error(wrong):
    t = np.zeros(N, np.int64)
    t[3] = wrong
    for function in (class_ids, cross_entropy_error):
        with pytest.raises(IndexError, match=f"t holds {wrong}, expected class ids from 0 to {V - 1}"):
            function(np.ones((N, V)), t)


def test_cross_entropy_is_the_mean_of_minus_log(rng):
    y, t = softmax(rng.standard_normal((N, V))), rng.integers(0, V, N)
    expected = np.mean([-np.log(y[n, t[n]] + 1e-7) for n in range(N)])
    assert_close("ids", cross_entropy_error(y, t), expected, 1e-14)
    assert_close("one-hot", cross_entropy_error(y, np.eye(V)[t]), expected, 1e-14)
    assert_close("float32", cross_entropy_error(y.astype("f"), t), expected)


def test_cross_entropy_of_one_row(rng):
    y, expected = softmax(rng.standard_normal(V)), []
    for label in (0, V - 1):
        expected = -np.log(y[label] + 1e-7)
        for t in (np.array([label]), np.array(label), np.eye(V, dtype=int)[label]):
            assert_close("loss", cross_entropy_error(y, t), expected, 1e-14)


def test_cross_entropy_of_probability_zero_is_finite_and_nan_goes_through():
    y = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert_close("loss", cross_entropy_error(y, np.array([0, 0])), -np.log(1e-7) / 2, 1e-6)
    y[0, 0] = np.nan
    assert np.isnan(cross_entropy_error(y, np.array([0, 0])))


def test_cross_entropy_of_no_rows_is_zero():
    for t in (np.zeros(0, int), np.zeros((0, V), int)):
        assert cross_entropy_error(np.zeros((0, V)), t) == 0


def test_cross_entropy_of_other_shapes_is_an_error():
    with pytest.raises(ValueError, match=r"y has shape \(2, 3, 5\), expected \(N, V\) or \(V,\)"):
        cross_entropy_error(np.zeros((2, 3, 5)), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=r"t .*expected"):
        cross_entropy_error(np.zeros((N, V)), np.zeros(N + 1, int))
    with pytest.raises(ValueError, match=r"t .*expected"):
        cross_entropy_error(np.zeros((N, 0)), np.zeros((N, 0), int))  # no class to choose
