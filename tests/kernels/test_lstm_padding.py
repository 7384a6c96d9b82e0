"""Padding of the LSTM and what is not finite."""

import numpy as np
import pytest

from fasts2s_kernels.backends import numpy as reference
from tests.kernels.ops import LSTM, cast, gradients, host, projection


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_infinite_weight_stays_out_of_rows_that_end_before_it(kernels, rng, value):
    """After padding no gradient comes back through Wh, however wrong its numbers are."""
    N, T, D, H = 3, 5, 4, 17
    inputs = cast(LSTM.case(rng, (N, T, D, H)), np.float32)
    inputs["mask"] = np.arange(T) < np.array([[1], [T], [0]])
    clean = dict(inputs)
    _, cache = LSTM.run(kernels, clean)
    outputs, _ = LSTM.run(reference, clean)
    douts = projection(rng, LSTM, outputs, np.float32)
    wrong = {**clean, "Wh": clean["Wh"].copy()}
    wrong["Wh"][2, 3] = value
    found = host(kernels, LSTM.back(kernels, wrong, cache, douts))
    expected = gradients(LSTM, reference, clean, douts)
    for row in (0, 2):  # one valid step, none: nothing has passed Wh on its way to the inputs
        assert np.isfinite(found["xs"][row]).all()
        np.testing.assert_allclose(found["xs"][row], expected["xs"][row], rtol=1e-4, atol=1e-5)
    assert np.isfinite(found["h0"][2]).all()
