"""Affine kernels: values by loops over single numbers, and what is special about them."""

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.backends import numpy as reference
from tests.kernels.helpers import compute, draw


@pytest.mark.parametrize("given", [("b",), ()])
def test_values_of_the_reference(rng, given):
    inputs = draw("affine_forward", rng, 3, 5, 7, given=given)
    x, W, b = inputs["x"], inputs["W"], inputs.get("b", np.zeros(7))
    expected = [[sum(x[r, d] * W[d, m] for d in range(5)) + b[m] for m in range(7)] for r in range(3)]
    assert_close("out", compute(reference, "affine_forward", inputs)["out"], expected, 1e-14)


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


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_junk_stays_in_its_row(kernels, rng, junk):
    inputs = draw("affine_forward", rng, 3, 5, 7)
    clean = compute(kernels, "affine_forward", inputs)["out"]
    inputs["x"][1, 2] = junk
    out = compute(kernels, "affine_forward", inputs)["out"]
    assert not np.isfinite(out[1]).any()
    assert_close("other rows", out[[0, 2]], clean[[0, 2]], 1e-14)


@pytest.mark.parametrize("sizes", [(1, 1), (7, 15), (8, 16), (9, 17), (33, 403), (650, 10007), (1, 70003)], ids=str)
@pytest.mark.parametrize("order", "CF")
def test_a_single_row_is_as_among_others(kernels, rng, sizes, order):
    D, M = sizes
    x, W, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((5, D), (D, M), (M,)))
    x, W, b = map(kernels.asarray, (x, W if order == "C" else W.T.copy(), b))
    W = W if order == "C" else W.T
    rows = kernels.to_numpy(kernels.affine_forward(x, W, b))
    for r in (0, 4):
        alone = kernels.to_numpy(kernels.affine_forward(x[r : r + 1], W, b))
        assert_close("out", alone[0], rows[r], 2e-6)
