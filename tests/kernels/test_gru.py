"""GRU kernels: values by loops over single numbers, and saturation."""

import math

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.backends import numpy as reference
from tests.kernels.helpers import compute, draw


def _sigmoid(a):
    return 1 / (1 + math.exp(-a))


def _by_hand(xs, Wx, Wh, b=None, h0=None, row_bias=None, mask=None):
    (N, T, D), H = xs.shape, Wh.shape[0]
    h = np.zeros((N, H)) if h0 is None else h0.copy()
    hs = np.zeros((N, T, H))
    for n in range(N):
        for t in range(T):
            before = [float(v) for v in h[n]]

            def outer(column, n=n, t=t):
                s = sum(xs[n, t, d] * Wx[d, column] for d in range(D))
                s += 0 if b is None else b[column]
                return s + (0 if row_bias is None else row_bias[n, column])

            def inner(column, values):
                return sum(values[k] * Wh[k, column] for k in range(H))

            reset = [_sigmoid(outer(H + k) + inner(H + k, before)) * before[k] for k in range(H)]
            for j in range(H):
                if mask is not None and not mask[n, t]:
                    continue
                z = _sigmoid(outer(j) + inner(j, before))
                candidate = math.tanh(outer(2 * H + j) + inner(2 * H + j, reset))
                h[n, j] = (1 - z) * before[j] + z * candidate
            hs[n, t] = h[n]
    return {"hs": hs, "h": h}


@pytest.mark.parametrize("given", [None, ()], ids=["everything", "nothing optional"])
def test_values_of_the_reference(rng, given):
    inputs = draw("gru_forward", rng, 3, 4, 5, 2, given=given)
    found = compute(reference, "gru_forward", inputs)
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, found[f"out_{name}"], expected, 1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_gates_are_exact(kernels, rng, dtype):
    N, T, D, H = 3, 5, 7, 11
    signs = rng.choice([-1.0, 1.0], size=3 * H)
    inputs = {
        "xs": rng.standard_normal((N, T, D)).astype(dtype),
        "Wx": np.zeros((D, 3 * H), dtype),
        "Wh": np.zeros((H, 3 * H), dtype),
        "b": (signs * 1e4).astype(dtype),
        "h0": rng.standard_normal((N, H)).astype(dtype),
        "dhs": np.ones((N, T, H), dtype),
    }
    found = compute(kernels, "gru_backward", inputs)
    # An open update gate takes the candidate, a closed one keeps the state.
    expected = np.where(signs[:H] > 0, signs[2 * H :], inputs["h0"])
    assert np.array_equal(found["out_h"], expected)
    for name in ("Wx", "Wh", "b", "xs"):
        assert not found[f"grad_{name}"].any(), f"a saturated gate has no slope, but d{name} is not 0"
    assert np.array_equal(found["grad_h0"], np.where(signs[:H] > 0, 0, T) * np.ones((N, 1)))
