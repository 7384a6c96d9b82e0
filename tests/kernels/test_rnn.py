"""RNN kernels: gradients by central differences, values by loops over single numbers."""

import math

import numpy as np
import pytest

from fasts2s.testing import TOLERANCES, assert_close
from tests.kernels.ops import RNN, host, prove


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


def test_gradients_on_random_shapes(kernels, backend, record_testsuite_property):
    worst = prove(RNN, kernels, seed=3)
    record_testsuite_property(f"{backend} {RNN.name}", worst)
    assert worst <= TOLERANCES["central difference"][0]


def test_values_with_everything(kernels, rng):
    inputs = RNN.case(rng, (3, 4, 5, 2))
    outputs = host(kernels, RNN.run(kernels, inputs)[0])
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, outputs[name], expected, 1e-13)


def test_values_with_nothing_optional(kernels, rng):
    inputs = {k: a for k, a in RNN.case(rng, (3, 4, 2, 5)).items() if k in ("xs", "Wx", "Wh")}
    outputs = host(kernels, RNN.run(kernels, inputs)[0])
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, outputs[name], expected, 1e-13)


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
    }
    outputs, cache = RNN.run(kernels, inputs)
    assert np.array_equal(kernels.to_numpy(outputs["hs"]), np.broadcast_to(signs, (N, T, H)))
    for name, g in host(kernels, RNN.back(kernels, inputs, cache, {"hs": np.ones((N, T, H), dtype)})).items():
        assert not g.any(), f"a saturated unit has no slope, but d{name} is not 0"
