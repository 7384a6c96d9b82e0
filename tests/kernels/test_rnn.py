"""RNN kernels: values by loops over single numbers, and saturation."""

import math

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.backends import numpy as reference
from tests.kernels.helpers import compute, draw


def _by_hand(xs, Wx, Wh, b=None, h0=None, row_bias=None, mask=None):
    (N, T, D), H = xs.shape, Wh.shape[0]
    h = np.zeros((N, H)) if h0 is None else h0.copy()
    hs = np.zeros((N, T, H))
    for n in range(N):
        for t in range(T):
            before = h[n].copy()
            for j in range(H):
                if mask is not None and not mask[n, t]:
                    continue
                s = sum(xs[n, t, d] * Wx[d, j] for d in range(D)) + sum(before[k] * Wh[k, j] for k in range(H))
                s += 0 if b is None else b[j]
                s += 0 if row_bias is None else row_bias[n, j]
                h[n, j] = math.tanh(s)
            hs[n, t] = h[n]
    return {"hs": hs, "h": h}


@pytest.mark.parametrize("given", [None, ()], ids=["everything", "nothing optional"])
def test_values_of_the_reference(rng, given):
    inputs = draw("rnn_forward", rng, 3, 4, 5, 2, given=given)
    found = compute(reference, "rnn_forward", inputs)
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, found[f"out_{name}"], expected, 1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_units_are_exact(kernels, rng, dtype):
    N, T, D, H = 3, 5, 7, 11
    signs = rng.choice([-1.0, 1.0], size=H)
    inputs = {
        "xs": rng.standard_normal((N, T, D)).astype(dtype),
        "Wx": rng.standard_normal((D, H)).astype(dtype),
        "Wh": rng.standard_normal((H, H)).astype(dtype),
        "b": (signs * 1e4).astype(dtype),
        "h0": rng.standard_normal((N, H)).astype(dtype),
        "dhs": np.ones((N, T, H), dtype),
    }
    found = compute(kernels, "rnn_backward", inputs)
    assert np.array_equal(found["out_hs"], np.broadcast_to(signs, (N, T, H)))
    for name, a in found.items():
        assert name.startswith("out") or not a.any(), f"a saturated unit has no slope, but {name} is not 0"
