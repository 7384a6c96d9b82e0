"""Gradients of every layer by central differences in float64, on many random shapes."""

import inspect

import numpy as np
import pytest

import fasts2s
from fasts2s import layers
from fasts2s.testing import TOLERANCES, assert_close
from tests.kernels.helpers import cases, check_composed
from tests.layers.gradient_cases import BUILDERS, binary_cross_entropy, cross_entropy


@pytest.fixture(autouse=True)
def _float64():
    """The book's layers return float32, too coarse for differences."""
    with fasts2s.use_backend("numpy", dtype="float64"):
        yield


def test_no_layer_is_left_out():
    assert set(BUILDERS) == {name for name in layers.__all__ if inspect.isclass(getattr(layers, name))}


@pytest.mark.parametrize("name", BUILDERS)
def test_gradients_on_random_shapes(name, record_testsuite_property):
    worst = 0.0
    for rng, thorough in cases(sum(map(ord, name))):
        case = BUILDERS[name](rng)
        douts = [rng.standard_normal(np.shape(out)) for out in case.outputs()]
        douts = [d if d.ndim else float(d) for d in map(np.asarray, douts)]

        def projected(case=case, douts=douts):
            return float(sum(np.sum(out * d) for out, d in zip(case.outputs(), douts, strict=True)))

        found = {k: np.array(g, copy=True) for k, g in case.backward(douts).items()}
        worst = max(worst, check_composed(projected, case.arrays, found, rng, thorough))
    record_testsuite_property(name, worst)
    assert worst <= TOLERANCES["central difference"][0]


def test_softmax_with_loss_is_the_cross_entropy(rng):
    x, t = rng.uniform(-0.5, 0.5, size=(11, 5)), rng.integers(0, 5, size=11)
    loss, exact = layers.SoftmaxWithLoss().forward(x, t), cross_entropy(x, t)
    assert 0 < exact - loss < 1e-6 * exact


@pytest.mark.parametrize(("layer", "shape"), [(layers.SigmoidWithLoss, 11), (layers.TimeSigmoidWithLoss, (3, 7))])
def test_sigmoid_with_loss_is_the_cross_entropy(rng, layer, shape):
    x, t = rng.uniform(-1, 1, size=shape), rng.integers(0, 2, size=shape)
    loss, exact = layer().forward(x, t), binary_cross_entropy(x, t)
    assert 0 < exact - loss < 1e-6 * exact


@pytest.mark.parametrize("side", ["left", "right"])
def test_bidirectional_layer_does_not_see_padding(rng, side):
    # A mask that is not turned around with the sequence has right gradients of a wrong function.
    draw = rng.standard_normal
    weights = [a for _ in range(2) for a in (draw((5, 12)), draw((3, 12)), draw(12))]
    layer, xs = layers.TimeBiLSTM(*weights), draw((3, 7, 5))
    mask, longest = np.zeros((3, 7), dtype=bool), 7
    for n, length in enumerate((7, 4, 1)):
        mask[n, slice(length) if side == "right" else slice(longest - length, None)] = True
    hs = layer.forward(xs, mask)
    for n in range(3):
        alone = layer.forward(xs[n : n + 1, mask[n]])
        assert_close(f"row {n}", hs[n : n + 1, mask[n]], alone, 1e-14)
