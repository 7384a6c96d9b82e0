"""Padding of the LSTM and what is not finite."""

import numpy as np
import pytest

from fasts2s_kernels.backends import numpy as reference
from fasts2s_kernels.calling import Call, host
from fasts2s_kernels.cases import functions
from tests.kernels.helpers import compute, draw


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_infinite_weight_stays_out_of_rows_that_end_before_it(kernels, rng, value):
    """After padding no gradient comes back through Wh, however wrong its numbers are."""
    N, T, D, H = 3, 5, 4, 17
    clean = draw("lstm_backward", rng, N, T, D, H, dtype=np.float32)
    clean["mask"] = np.arange(T) < np.array([[1], [T], [0]])
    forward = Call(kernels, functions()["lstm_forward"], clean)
    forward()
    wrong = {**clean, "Wh": clean["Wh"].copy()}
    wrong["Wh"][2, 3] = value
    found = host(kernels, Call(kernels, functions()["lstm_backward"], wrong, forward.cache)())
    expected = compute(reference, "lstm_backward", clean)
    for row in (0, 2):  # one valid step, none: nothing has passed Wh on its way to the inputs
        assert np.isfinite(found["grad_xs"][row]).all()
        np.testing.assert_allclose(found["grad_xs"][row], expected["grad_xs"][row], rtol=1e-4, atol=1e-5)
    assert np.isfinite(found["grad_h0"][2]).all()
