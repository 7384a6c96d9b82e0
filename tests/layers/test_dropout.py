"""Dropout: what it draws from the global generator, and what it passes on."""

import numpy as np
import pytest

import fasts2s
from fasts2s import layers
from fasts2s.testing import assert_close
from tests.records import HOST

N, T, D = 3, 7, 5


@pytest.fixture(autouse=True, params=HOST)
def _backend(request):
    with fasts2s.use_backend(request.param):
        yield


def xs_of(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


def test_time_dropout_draws_once_per_training_forward(rng):
    layer, xs = layers.TimeDropout(0.3), xs_of(rng, N, T, D)
    np.random.seed(11)
    draws = [np.random.rand(N, T, D), np.random.rand(N, T, D)]
    after = np.random.rand()
    np.random.seed(11)
    for draw in draws:
        expected = xs * ((draw > 0.3).astype(np.float32) * (1 / (1.0 - 0.3)))
        assert_close("out", layer.forward(xs), expected, 0)
        layer.backward(xs)
        layer.train_flg = False
        assert_close("evaluation", layer.forward(xs), xs, 0)
        layer.train_flg = True
    assert np.random.rand() == after


def test_dropout_draws_once_and_scales_in_evaluation(rng):
    layer, x = layers.Dropout(0.3), xs_of(rng, N, D)
    np.random.seed(11)
    expected = x * (np.random.rand(N, D) > 0.3)
    after = np.random.rand()
    np.random.seed(11)
    assert_close("out", layer.forward(x), expected, 0)
    assert_close("dx", layer.backward(np.ones_like(x)), layer.mask.astype("f"), 0)
    assert_close("evaluation", layer.forward(x, train_flg=False), x * 0.7)
    assert np.random.rand() == after


def test_backward_after_evaluation_passes_the_gradient_through(rng):
    layer, xs, dout = layers.TimeDropout(0.5), xs_of(rng, N, T, D), xs_of(rng, N, T, D)
    layer.forward(xs)
    mask = layer.mask
    layer.train_flg = False
    layer.forward(xs)
    assert layer.mask is mask  # that of the last training forward, as in the book
    assert_close("dxs", layer.backward(dout), dout, 0)


@pytest.mark.parametrize("cls", [layers.Dropout, layers.TimeDropout])
@pytest.mark.parametrize("ratio", [-0.1, 1.1, np.nan, "0.5", None, [0.5]])
def test_a_ratio_that_is_no_probability_is_an_error(cls, ratio):
    with pytest.raises(ValueError, match=r"dropout_ratio is .*, expected a number from 0"):
        cls(ratio)


def test_everything_dropped_is_only_possible_without_scaling(rng):
    x = xs_of(rng, N, D)
    assert not layers.Dropout(1).forward(x).any()
    with pytest.raises(ValueError, match="below 1"):
        layers.TimeDropout(1)


@pytest.mark.parametrize("cls", [layers.Dropout, layers.TimeDropout])
def test_a_ratio_of_zero_keeps_everything(cls, rng):
    layer, x = cls(0), xs_of(rng, N, D)
    assert_close("out", layer.forward(x), x, 0)
    assert_close("dx", layer.backward(x), x, 0)
