"""Gradients of the reference by central differences in float64. test_values.py compares other backends with it."""

import numpy as np
import pytest

from fasts2s.testing import TOLERANCES
from fasts2s_kernels.backends import numpy as kernels
from fasts2s_kernels.calling import Call, host
from fasts2s_kernels.cases import pairs
from fasts2s_kernels.drawing import values
from tests.kernels.helpers import cases, check_shape


def _sizes(function, rng):
    """Draw sizes: small, for the reference runs hundreds of times; N and T above 1, the others unlike one another."""
    others = iter(rng.permutation([1, 2, 3, 5, 7]))
    return {letter: int(rng.choice([2, 3]) if letter in "NT" else next(others)) for letter in function.letters}


@pytest.mark.parametrize("function", pairs(), ids=lambda function: function.forward.name)
def test_gradients_on_random_shapes(function, record_testsuite_property):
    worst, forward = 0.0, function.forward
    douts = {name: a.of for name, a in function.arguments.items() if a.role == "gradient"}
    for rng, every_element in cases(len(forward.name)):
        given = values(function, rng, _sizes(function, rng))
        found = host(kernels, Call(kernels, function, given)())

        call = Call(kernels, forward, given)  # reads the arrays themselves, which are varied

        def projected(given=given, call=call):
            outputs = call()
            return float(sum(np.sum(outputs[of] * given[name]) for name, of in douts.items() if name in given))

        varied = {name: given[name] for name, a in forward.inputs.items() if a.kind == "float" and name in given}
        gradients = {name.removeprefix("grad_"): g for name, g in found.items()}
        worst = max(worst, check_shape(projected, varied, gradients, rng, every_element))
    record_testsuite_property(forward.name, worst)
    assert worst <= TOLERANCES["central difference"][0]
