"""Layers of pictures: values beside other formulas, and what is special about them."""

import numpy as np
import pytest

import fasts2s
from fasts2s import layers
from fasts2s.testing import assert_close
from tests.records import HOST


@pytest.mark.parametrize("backend", HOST)
def test_an_edge_is_found(backend):
    with fasts2s.use_backend(backend):
        W = np.array([[[[-1.0, 0.0, 1.0]] * 3]], "f")
        layer = layers.Convolution(W, np.array([0.5], "f"), stride=1, pad=1)
        x = np.zeros((1, 1, 4, 5), "f")
        x[..., 3:] = 1
        expected = [[0, 0, 2, 2, -2], [0, 0, 3, 3, -3], [0, 0, 3, 3, -3], [0, 0, 2, 2, -2]]
        assert_close("out", layer.forward(x), np.array([[expected]]) + 0.5, 1e-6)


@pytest.mark.parametrize("backend", HOST)
def test_the_largest_number_gets_the_gradient(backend):
    with fasts2s.use_backend(backend):
        layer = layers.Pooling(2, 2, stride=2)
        x = np.array([[[[1, 5, 2, 2], [3, 4, 2, 2]]]], "f")
        assert layer.forward(x).tolist() == [[[[5, 2]]]]
        dx = layer.backward(np.array([[[[10, 20]]]], "f"))
    assert dx.tolist() == [[[[0, 10, 20, 0], [0, 0, 0, 0]]]]  # of equal numbers the first


def test_relu_passes_what_is_above_zero():
    layer = layers.Relu()
    assert layer.forward(np.array([-1.0, 0.0, 2.0, np.inf], "f")).tolist() == [0, 0, 2, np.inf]
    assert layer.backward(np.array([5.0, 5.0, 5.0, np.inf], "f")).tolist() == [0, 0, 5, np.inf]
    assert np.isnan(layer.forward(np.array([np.nan], "f")))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 7), (0, 3, 2), (2, 0, 5), (4,)])
def test_flatten(rng, shape):
    layer, x = layers.Flatten(), rng.standard_normal(shape).astype("f")
    out = layer.forward(x)
    assert out.shape == (shape[0], x[:1].size if shape[0] else int(np.prod(shape[1:])))
    assert_close("dx", layer.backward(out), x, 0)


def test_flatten_refuses_a_number():
    with pytest.raises(ValueError, match=r"x has shape \(\), expected \(N, ...\)"):
        layers.Flatten().forward(np.float32(1).reshape(()))


@pytest.mark.parametrize("shape", [(9, 4), (3, 4, 5, 2)])
def test_batch_normalization_has_mean_0_and_variance_1(rng, shape):
    gamma, beta = rng.uniform(1, 2, 4), rng.standard_normal(4)
    layer, x = layers.BatchNormalization(gamma, beta), 3 * rng.standard_normal(shape) + 7
    axes = (0,) if len(shape) == 2 else (0, 2, 3)
    out = layer.forward(x)
    assert_close("means", out.mean(axis=axes), beta, 1e-9)
    assert_close("deviations", out.std(axis=axes), gamma, 1e-6)
    assert_close("running mean", layer.running_mean, 0.1 * x.mean(axis=axes), 1e-12)
    assert_close("running variance", layer.running_var, 0.9 + 0.1 * x.var(axis=axes), 1e-12)


def test_batch_normalization_in_evaluation_is_an_affine_map(rng):
    mean, var, gamma, beta = rng.standard_normal((4, 3)) ** 2 + 0.5
    layer = layers.BatchNormalization(gamma, beta, 0.9, mean, var)
    x = rng.standard_normal((5, 3))
    assert_close("out", layer.forward(x, False), gamma * (x - mean) / np.sqrt(var + 1e-6) + beta, 1e-12)
    assert layer.running_mean is mean
    assert_close("dx", layer.backward(np.ones((5, 3))), np.tile(gamma / np.sqrt(var + 1e-6), (5, 1)), 1e-12)


def test_batch_normalization_of_nothing_keeps_its_averages():
    layer = layers.BatchNormalization(np.ones(3, "f"), np.zeros(3, "f"))
    assert layer.forward(np.ones((0, 3), "f")).shape == (0, 3)
    assert layer.running_mean.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Pooling(0, 2), "pool_h is 0"),
        (lambda: layers.Convolution(np.ones((1, 1, 1, 1)), np.ones(1), stride=0), "stride is 0"),
        (lambda: layers.BatchNormalization(np.ones(2), np.ones(2), momentum=2), "momentum is 2"),
        (
            lambda: layers.BatchNormalization(np.ones(2), np.ones(2), running_mean=np.ones(3)),
            "running_mean has shape",
        ),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
