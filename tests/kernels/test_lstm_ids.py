"""The LSTM on ids: gradients, and equality with the LSTM on an embedding."""

import numpy as np
import pytest

from fasts2s.testing import TOLERANCES, assert_close
from tests.kernels.ops import LSTM, LSTM_IDS, cast, gradients, projection, prove


def test_gradients_on_random_shapes(kernels, backend, record_testsuite_property):
    worst = prove(LSTM_IDS, kernels, seed=14)
    record_testsuite_property(f"{backend} {LSTM_IDS.name}", worst)
    assert worst <= TOLERANCES["central difference"][0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_to_the_layer_on_an_embedding(kernels, rng, dtype):
    N, T, V, D, H = 5, 7, 9, 3, 11
    inputs = LSTM.case(rng, (N, T, D, H))
    W, ids = rng.standard_normal((V, D)), rng.integers(-V, V, (N, T))
    table = W @ inputs["Wx"] + inputs["b"]
    on_ids = {k: v for k, v in inputs.items() if k not in ("xs", "Wx", "b")} | {"table": table, "ids": ids}
    plain, on_ids = cast(inputs | {"xs": W[ids]}, dtype), cast(on_ids, dtype)
    tolerance = (2e-6, 1e-5) if dtype == "float32" else (1e-12, 1e-12)
    outputs, found = LSTM.run(kernels, plain)[0], LSTM_IDS.run(kernels, on_ids)[0]
    for name, expected in outputs.items():
        assert_close(name, found[name], expected, tolerance[0])
    douts = projection(rng, LSTM, outputs, dtype)
    expected, grads = gradients(LSTM, kernels, plain, douts), gradients(LSTM_IDS, kernels, on_ids, douts)
    for name in ("Wh", "h0", "c0", "row_bias"):
        assert_close(name, grads[name], expected[name], tolerance[1])
    assert_close("Wx", W.T @ grads["table"], expected["Wx"], tolerance[1])
    assert_close("b", grads["table"].sum(axis=0), expected["b"], tolerance[1])


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("ids", np.full((2, 3), 7), IndexError, "ids holds 7"),
        ("ids", np.zeros(3, int), ValueError, r"expected \(N, T\)"),
        ("table", np.zeros((7, 12), "f"), ValueError, "table is float32"),
        ("table", np.zeros((7, 20)), ValueError, "table is float64"),
        ("Wh", np.zeros((5, 16), "f"), ValueError, "table is float32"),
    ],
)
def test_bad_input_is_named(kernels, name, value, error, text):
    inputs = {"table": np.zeros((7, 20), "f"), "ids": np.zeros((2, 3), int), "Wh": np.zeros((5, 20), "f")}
    inputs[name] = value
    inputs |= {k: kernels.asarray(inputs[k]) for k in ("table", "Wh")}
    with pytest.raises(error, match=text):
        kernels.lstm_ids_forward(inputs["table"], inputs["ids"], inputs["Wh"])
