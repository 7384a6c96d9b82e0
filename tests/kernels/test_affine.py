"""Affine kernels: gradients by central differences, values by loops over single numbers."""

import numpy as np
import pytest

from fasts2s.testing import TOLERANCES, assert_close
from tests.kernels.ops import AFFINE, gradients, host, prove


def test_gradients_on_random_shapes(kernels, backend, record_testsuite_property):
    worst = prove(AFFINE, kernels, seed=4)
    record_testsuite_property(f"{backend} {AFFINE.name}", worst)
    assert worst <= TOLERANCES["central difference"][0]


@pytest.mark.parametrize("with_bias", [True, False])
def test_values(kernels, rng, with_bias):
    x, W, b = rng.standard_normal((3, 5)), rng.standard_normal((5, 7)), rng.standard_normal(7)
    expected = np.zeros((3, 7))
    for r in range(3):
        for m in range(7):
            expected[r, m] = sum(x[r, d] * W[d, m] for d in range(5)) + (b[m] if with_bias else 0)
    inputs = {"x": x, "W": W} | ({"b": b} if with_bias else {})
    assert_close("out", host(kernels, AFFINE.run(kernels, inputs)[0])["out"], expected, 1e-14)


def test_gradient_values(kernels, rng):
    inputs, dout = AFFINE.case(rng, (3, 5, 7)), rng.standard_normal((3, 7))
    found = gradients(AFFINE, kernels, inputs, {"out": dout})
    x, W = inputs["x"], inputs["W"]
    dW = [[sum(x[r, d] * dout[r, m] for r in range(3)) for m in range(7)] for d in range(5)]
    dx = [[sum(dout[r, m] * W[d, m] for m in range(7)) for d in range(5)] for r in range(3)]
    assert_close("dW", found["W"], dW, 1e-14)
    assert_close("dx", found["x"], dx, 1e-14)
    assert_close("db", found["b"], [sum(dout[r, m] for r in range(3)) for m in range(7)], 1e-14)


def test_transposed_weight_with_its_buffer(kernels, rng):
    # Weight tying: W is the transposed view of an embedding matrix, and its buffer has the same memory order.
    E, x, dout = rng.standard_normal((7, 5)), rng.standard_normal((3, 5)), rng.standard_normal((3, 7))
    W, plain = kernels.asarray(E).T, kernels.asarray(E.T.copy())
    dW, dplain = kernels.xp.zeros_like(W), kernels.xp.zeros_like(plain)
    x, dout = kernels.asarray(x), kernels.asarray(dout)
    out, expected = kernels.affine_forward(x, W, None), kernels.affine_forward(x, plain, None)
    assert_close("out", kernels.to_numpy(out), kernels.to_numpy(expected), 1e-14)
    dx = kernels.affine_backward(dout, x, W, dW=dW, db=None)
    expected = kernels.affine_backward(dout, x, plain, dW=dplain, db=None)
    assert_close("dx", kernels.to_numpy(dx), kernels.to_numpy(expected), 1e-14)
    assert_close("dW", kernels.to_numpy(dW), kernels.to_numpy(dplain), 1e-14)
    assert dW.strides == W.strides


@pytest.mark.parametrize("sizes", [(0, 5, 7), (3, 0, 7), (3, 5, 0), (0, 0, 0)], ids=str)
def test_zero_sizes(kernels, rng, sizes):
    R, D, M = sizes
    inputs = AFFINE.case(rng, sizes)
    out = host(kernels, AFFINE.run(kernels, inputs)[0])["out"]
    assert np.array_equal(out, np.broadcast_to(inputs["b"], (R, M)))
    found = gradients(AFFINE, kernels, inputs, {"out": np.ones((R, M))})
    assert found["x"].shape == (R, D)
    assert np.array_equal(found["b"], np.full(M, R))
    assert np.isfinite(found["W"]).all()


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_junk_stays_in_its_row(kernels, rng, junk):
    inputs = AFFINE.case(rng, (3, 5, 7))
    clean = host(kernels, AFFINE.run(kernels, inputs)[0])["out"]
    inputs["x"][1, 2] = junk
    out = host(kernels, AFFINE.run(kernels, inputs)[0])["out"]
    assert not np.isfinite(out[1]).any()
    assert_close("other rows", out[[0, 2]], clean[[0, 2]], 1e-14)


@pytest.mark.parametrize("sizes", [(1, 1), (7, 15), (8, 16), (9, 17), (33, 403), (650, 10007), (1, 70003)], ids=str)
def test_a_single_row_is_as_among_others(kernels, rng, sizes):
    D, M = sizes
    x, W, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((5, D), (D, M), (M,)))
    x, W, b = map(kernels.asarray, (x, W, b))
    rows = kernels.to_numpy(kernels.affine_forward(x, W, b))
    for r in (0, 4):
        alone = kernels.to_numpy(kernels.affine_forward(x[r : r + 1], W, b))
        assert_close("out", alone[0], rows[r], 2e-6)
