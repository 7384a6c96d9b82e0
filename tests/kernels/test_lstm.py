"""LSTM kernels: gradients by central differences, values by loops over single numbers."""

import math

import numpy as np
import pytest

from fasts2s.testing import TOLERANCES, assert_close
from tests.kernels.ops import LSTM, host, prove


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


def test_gradients_on_random_shapes(kernels, backend, record_testsuite_property):
    worst = prove(LSTM, kernels, seed=1)
    record_testsuite_property(f"{backend} {LSTM.name}", worst)
    assert worst <= TOLERANCES["central difference"][0]


def test_values_with_everything(kernels, rng):
    inputs = LSTM.case(rng, (3, 4, 5, 2))
    outputs = host(kernels, LSTM.run(kernels, inputs)[0])
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, outputs[name], expected, 1e-13)


def test_values_with_nothing_optional(kernels, rng):
    inputs = {k: a for k, a in LSTM.case(rng, (3, 4, 2, 5)).items() if k in ("xs", "Wx", "Wh")}
    outputs = host(kernels, LSTM.run(kernels, inputs)[0])
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, outputs[name], expected, 1e-13)


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
    }
    outputs, cache = LSTM.run(kernels, inputs)
    c = inputs["c0"].astype(np.float64)
    for _ in range(T):
        c = np.where(f, c, 0) + np.where(i, signs[H : 2 * H], 0)
    assert np.array_equal(kernels.to_numpy(outputs["c"]), c)
    assert_close("h", kernels.to_numpy(outputs["h"]), np.where(o, np.tanh(c), 0))
    douts = {"hs": np.ones((N, T, H), dtype), "c": np.ones((N, H), dtype)}
    for name, g in host(kernels, LSTM.back(kernels, inputs, cache, douts)).items():
        assert np.isfinite(g).all(), name
        if name in ("Wx", "Wh", "b", "xs"):
            assert not g.any(), f"a saturated gate has no slope, but d{name} is not 0"
