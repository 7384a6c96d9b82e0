"""Every gradient against central differences, padding included."""

import numpy as np
import pytest

from fasts2s import use_backend
from fasts2s.testing import TOLERANCES, gradient_error
from tests.encoder_decoder import samples

#: Elements of every array that are looked at: drawn, the same in every run.
ELEMENTS = 12


def _differences(loss, p, where, eps=1e-5):
    made = []
    for index in where:
        kept = p[index]
        p[index] = kept + eps
        upper = loss()
        p[index] = kept - eps
        made.append((upper - loss()) / (2 * eps))
        p[index] = kept
    return np.array(made)


def _whole(model):
    """Return the gradients, those of tied weights added up as a trainer does it."""
    grads = [grad.copy() for grad in model.grads]
    if model.settings.tied:
        words, output = (
            next(k for k, grad in enumerate(model.grads) if grad is layer.grads[0])
            for layer in (model.decoder.embed, model.decoder.affine)
        )
        grads[words] = grads[words] + grads[output].T
        grads[output] = grads[words].T
    return grads


@pytest.mark.parametrize("name", samples.OPTIONS)
def test_gradients(name):
    rng = np.random.default_rng(2)
    with use_backend("numpy", dtype="float64"):
        model, (xs, ts) = samples.model(name), samples.batch()

        def loss():
            model._dropper.rng = np.random.default_rng(3)  # the same draws
            return float(model.forward(xs, ts))

        loss()
        model.backward()
        grads = _whole(model)
        model.backward()
        for k, (p, grad, again) in enumerate(zip(model.params, grads, _whole(model), strict=True)):
            np.testing.assert_array_equal(grad, again)  # from the same cache
            order = rng.permutation(p.size)[:ELEMENTS]
            where = [np.unravel_index(i, p.shape) for i in [np.abs(grad).argmax(), *order]]
            numeric = _differences(loss, p, where)
            error = gradient_error(np.array([grad[index] for index in where]), numeric)
            assert error <= TOLERANCES["central difference"][0], f"params[{k}] {p.shape}"
            assert np.abs(numeric).max() > 0, f"params[{k}] {p.shape}"
