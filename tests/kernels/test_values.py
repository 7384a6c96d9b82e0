"""Every function of the contract on every backend, against the float64 reference.

Functions and sizes come from the descriptions of the ops: :mod:`fasts2s_kernels.cases`. What proves the reference:
test_gradients.py, and the loops over single numbers in the tests of the ops.
"""

import numpy as np
import pytest

from fasts2s_kernels.calling import everything, host, reference
from fasts2s_kernels.cases import edges, whole
from fasts2s_kernels.drawing import values
from fasts2s_kernels.letters import SIZES, shape
from tests.kernels.helpers import CLASSES, assert_results

#: In float64 sums may be grouped anew, and nothing else.
EXACT = {"out": 1e-13, "grad": 1e-12}


@pytest.fixture(params=whole(), ids=lambda function: function.name)
def function(request):
    return request.param


def _check(kernels, function, rng, sizes, dtype, **more):
    given = values(function, rng, sizes, dtype=dtype, **more)
    found = host(kernels, everything(kernels, function, given))
    text = f"{function.name} at {sizes} with {', '.join(given)}"
    assert_results(text, found, reference(function, given), EXACT if dtype is np.float64 else CLASSES)
    assert ("grad_row_bias" in found) == ("row_bias" in given and "grad_row_bias" in function.results), text
    for name, a in found.items():
        alone = a.ndim == 0 and name in ("out_loss", "out_norm", "out_rate")
        assert a.dtype == (np.int64 if name.startswith("ids") else np.float64 if alone else dtype), (
            f"{name} of {text}"
        )
    for name, spec in function.results.items():
        assert name not in found or found[name].shape == shape(spec, sizes), f"{name} of {text}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_with_and_without_what_is_optional(function, kernels, dtype):
    for k, given in enumerate((function.inputs, (), None, None)):
        _check(kernels, function, np.random.default_rng([1, k]), SIZES, dtype, given=given)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_the_edges(function, kernels, dtype):
    for k, sizes in enumerate(edges(function)):
        _check(kernels, function, np.random.default_rng([2, k]), sizes, dtype)


def test_where_rounding_piles_up(function, kernels):
    for k, (sizes, scale) in enumerate(function.hard):
        _check(kernels, function, np.random.default_rng([3, k]), SIZES | sizes, np.float32, scale=scale)
