"""The LSTM on ids: equality with the LSTM on an embedding."""

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.backends import numpy as reference
from tests.kernels.helpers import compute, draw


def test_equal_to_the_layer_on_an_embedding(rng):
    N, T, V, D, H = 5, 7, 9, 3, 11
    inputs = draw("lstm_backward", rng, N, T, D, H)
    W, ids = rng.standard_normal((V, D)), rng.integers(-V, V, (N, T))
    expected = compute(reference, "lstm_backward", inputs | {"xs": W[ids]})
    on_ids = inputs | {"table": W @ inputs["Wx"] + inputs["b"], "ids": ids}
    found = compute(reference, "lstm_ids_backward", on_ids)
    table = found.pop("grad_table")
    for name, a in found.items():
        assert_close(name, a, expected[name], 1e-12)
    assert_close("Wx", W.T @ table, expected["grad_Wx"], 1e-12)
    assert_close("b", table.sum(axis=0), expected["grad_b"], 1e-12)


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
