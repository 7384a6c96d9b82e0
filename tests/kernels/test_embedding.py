"""Embedding kernels: values by loops over single numbers, and every kind of id."""

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.ops.embedding.reference import add_by_id
from tests.kernels.helpers import compute


def _forward(kernels, W, ids):
    return kernels.to_numpy(kernels.embedding_forward(kernels.asarray(W), kernels.asarray(ids)))


def _gradient(kernels, W, ids, dout):
    return compute(kernels, "embedding_backward", {"W": W, "ids": ids, "dout": dout})["grad_W"]


def _ones_by_id(kernels, W, ids):
    """The gradient of W where that of every row is one, without a forward pass."""
    dW, dout = kernels.asarray(np.full_like(W, np.nan)), kernels.asarray(np.ones((*ids.shape, W.shape[1])))
    kernels.embedding_backward(dout, kernels.asarray(ids), dW=dW)
    return kernels.to_numpy(dW)


def test_values(kernels, rng):
    W, ids = rng.standard_normal((7, 5)), rng.integers(0, 7, size=(3, 4))
    out = _forward(kernels, W, ids)
    for n in range(3):
        for t in range(4):
            for d in range(5):
                assert out[n, t, d] == W[ids[n, t], d]


def test_gradient_sums_repeated_ids(kernels, rng):
    ids = np.array([[2, 2, 0], [2, -5, 6]])  # -5 is 2 again, 6 is -1
    W, dout = rng.standard_normal((7, 5)), rng.standard_normal((2, 3, 5))
    expected = np.zeros((7, 5))
    for n in range(2):
        for t in range(3):
            for d in range(5):
                expected[ids[n, t] % 7, d] += dout[n, t, d]
    assert_close("dW", _gradient(kernels, W, ids, dout), expected, 1e-15)


@pytest.mark.parametrize("sizes", [(0, 3, 2), (1, 1, 1), (5, 1, 3), (200, 3, 7), (64, 500, 2), (30, 40, 0)], ids=str)
def test_the_reference_adds_rows_to_what_was_there(rng, sizes):
    R, V, D = sizes
    ids, rows, table = rng.integers(0, V, size=R), rng.standard_normal((R, D)), rng.standard_normal((V, D))
    expected = table.copy()
    for k in range(R):
        expected[ids[k]] += rows[k]
    add_by_id(table, ids, rows)
    assert_close("table", table, expected, 1e-14)


def test_negative_ids_count_from_the_end(kernels, rng):
    W, ids, dout = rng.standard_normal((7, 5)), rng.integers(-7, 0, size=(3, 4)), rng.standard_normal((3, 4, 5))
    assert np.array_equal(_forward(kernels, W, ids), _forward(kernels, W, ids + 7))
    assert np.array_equal(_gradient(kernels, W, ids, dout), _gradient(kernels, W, ids + 7, dout))


@pytest.mark.parametrize("wrong", [7, -8, 2**31 - 1, -(2**31), 2**62])
def test_other_ids_are_refused(kernels, rng, wrong):
    W, ids = rng.standard_normal((7, 5)), np.zeros((3, 4), dtype=np.int64)
    ids[2, 1] = wrong
    with pytest.raises(IndexError, match=rf"ids holds {wrong} at position \(2, 1\).*V = 7"):
        _forward(kernels, W, ids)
    with pytest.raises(IndexError, match=rf"ids holds {wrong} at position \(2, 1\).*V = 7"):
        _ones_by_id(kernels, W, ids)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_ids_of_every_integer_type(kernels, rng, dtype):
    W, ids = rng.standard_normal((7, 5)), rng.integers(0, 7, size=(3, 4))
    assert np.array_equal(_forward(kernels, W, ids.astype(dtype)), _forward(kernels, W, ids))
    assert np.array_equal(_ones_by_id(kernels, W, ids.astype(dtype)), _ones_by_id(kernels, W, ids))


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 3, 2)], ids=str)
def test_ids_of_every_shape(kernels, rng, shape):
    W, ids = rng.standard_normal((7, 5)), np.asarray(rng.integers(0, 7, size=shape))
    assert np.array_equal(_forward(kernels, W, ids), W[ids])
    assert_close("dW", _ones_by_id(kernels, W, ids).sum(axis=1), np.bincount(ids.ravel(), minlength=7) * 5.0)


def test_many_repeats_give_the_same_bits_each_time(kernels, rng):
    ids = rng.integers(0, 3, size=(11, 63))
    W, dout = np.zeros((3, 5), np.float32), rng.standard_normal((11, 63, 5)).astype(np.float32)
    first = _gradient(kernels, W, ids, dout)
    for _ in range(5):
        assert np.array_equal(_gradient(kernels, W, ids, dout), first)


def test_nan_is_read_only_where_its_id_stands(kernels, rng):
    W = rng.standard_normal((7, 5))
    W[3] = np.nan
    ids = np.array([[0, 3], [6, 1]])
    assert np.array_equal(np.isnan(_forward(kernels, W, ids)).any(axis=2), ids == 3)
