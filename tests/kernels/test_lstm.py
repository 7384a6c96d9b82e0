"""LSTM kernels: values by loops over single numbers, and saturation."""

import math

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.backends import numpy as reference
from tests.kernels.helpers import compute, draw


def _sigmoid(a):
    return 1 / (1 + math.exp(-a))


def _by_hand(xs, Wx, Wh, b=None, h0=None, c0=None, row_bias=None, mask=None):
    (N, T, D), H = xs.shape, Wh.shape[0]
    h = np.zeros((N, H)) if h0 is None else h0.copy()
    c = np.zeros((N, H)) if c0 is None else c0.copy()
    hs = np.zeros((N, T, H))
    for n in range(N):
        for t in range(T):
            before = h[n].copy()
            for j in range(H):
                if mask is not None and not mask[n, t]:
                    continue
                a = []
                for column in (j, H + j, 2 * H + j, 3 * H + j):
                    s = sum(xs[n, t, d] * Wx[d, column] for d in range(D))
                    s += sum(before[k] * Wh[k, column] for k in range(H))
                    s += 0 if b is None else b[column]
                    s += 0 if row_bias is None else row_bias[n, column]
                    a.append(s)
                f, g, i, o = _sigmoid(a[0]), math.tanh(a[1]), _sigmoid(a[2]), _sigmoid(a[3])
                c[n, j] = f * c[n, j] + g * i
                h[n, j] = o * math.tanh(c[n, j])
            hs[n, t] = h[n]
    return {"hs": hs, "h": h, "c": c}


@pytest.mark.parametrize("given", [None, ()], ids=["everything", "nothing optional"])
def test_values_of_the_reference(rng, given):
    inputs = draw("lstm_forward", rng, 3, 4, 5, 2, given=given)
    found = compute(reference, "lstm_forward", inputs)
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, found[f"out_{name}"], expected, 1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_gates_are_exact(kernels, rng, dtype):
    # All gates at 0 or 1 and all candidates at -1 or 1, so every c is a sum of whole numbers.
    N, T, D, H = 3, 5, 7, 11
    signs = rng.choice([-1.0, 1.0], size=4 * H)
    f, i, o = (signs[k * H : (k + 1) * H] > 0 for k in (0, 2, 3))
    inputs = {
        "xs": rng.standard_normal((N, T, D)).astype(dtype),
        "Wx": np.zeros((D, 4 * H), dtype),
        "Wh": np.zeros((H, 4 * H), dtype),
        "b": (signs * 1e4).astype(dtype),
        "c0": rng.integers(-3, 4, size=(N, H)).astype(dtype),
        "dhs": np.ones((N, T, H), dtype),
        "dc_last": np.ones((N, H), dtype),
    }
    found = compute(kernels, "lstm_backward", inputs)
    c = inputs["c0"].astype(np.float64)
    for _ in range(T):
        c = np.where(f, c, 0) + np.where(i, signs[H : 2 * H], 0)
    assert np.array_equal(found["out_c"], c)
    assert_close("h", found["out_h"], np.where(o, np.tanh(c), 0))
    for name, a in found.items():
        assert np.isfinite(a).all(), name
        if name in ("grad_Wx", "grad_Wh", "grad_b", "grad_xs"):
            assert not a.any(), f"a saturated gate has no slope, but {name} is not 0"
