"""The checks for readers' own layers: what is sound passes, every planted fault is caught and named."""

import numpy as np
import pytest

from fasts2s import layers
from fasts2s.testing import (
    TOLERANCES,
    assert_close,
    check_gradients,
    check_layer,
    gradient_error,
    numerical_gradient,
    relative_error,
)

N, D = 3, 5


class Scale:
    """y = tanh(x) w: the sound layer, from which the faulty ones derive."""

    def __init__(self, w):
        self.params, self.grads = [w], [np.zeros_like(w)]
        self.x = self.y = None

    def forward(self, x):
        (w,) = self.params
        self.x, self.y = x, np.tanh(x)
        return self.y * w

    def backward(self, dout):
        if self.x is None:
            raise ValueError("backward() before forward()")
        self.grads[0][...] = (dout * self.y).sum(axis=0)
        return dout * self.params[0] * (1 - self.y**2)


class Accumulates(Scale):
    def backward(self, dout):
        kept = self.grads[0].copy()
        dx = super().backward(dout)
        self.grads[0] += kept
        return dx


class WritesToItsInput(Scale):
    def forward(self, x):
        np.maximum(x, -1, out=x)
        return super().forward(x)


class WritesToDout(Scale):
    def backward(self, dout):
        np.maximum(dout, -1, out=dout)
        return super().backward(dout)


class RecyclesItsOutput(Scale):
    buffer = np.zeros((N, D))

    def forward(self, x):
        self.buffer[...] = super().forward(x)
        return self.buffer


class RecyclesAView(RecyclesItsOutput):
    def forward(self, x):
        return super().forward(x)[:, ::-1]


class RecyclesOneOfTwo(RecyclesItsOutput):
    def forward(self, x):
        return x + 1, super().forward(x)


class RecyclesItsGradient(Scale):
    buffer = np.zeros((N, D))

    def backward(self, dout):
        self.buffer[...] = super().backward(dout)
        return self.buffer


class ReturnsItsInput(Scale):
    def forward(self, x):
        super().forward(x)
        return x


class ReturnsDout(Scale):
    def backward(self, dout):
        super().backward(dout)
        return dout


class ReplacesAGradient(Scale):
    def backward(self, dout):
        dx = super().backward(dout)
        self.grads[0] = self.grads[0].copy()
        return dx


class ReplacesItsList(Scale):
    def backward(self, dout):
        dx = super().backward(dout)
        self.grads = [g.copy() for g in self.grads]
        return dx


class AddsAGradient(Scale):
    def backward(self, dout):
        dx = super().backward(dout)
        self.grads = [self.grads[0], np.zeros(D)]
        return dx


class SpoilsItsCache(Scale):
    def backward(self, dout):
        dx = super().backward(dout)
        self.y *= 0.5
        return dx


class IsRandom(Scale):
    def forward(self, x):
        return super().forward(x) * (np.random.rand(*x.shape) > 0.5)


class AcceptsBackwardFirst(Scale):
    def backward(self, dout):
        return np.zeros((N, D)) if self.x is None else super().backward(dout)


class FailsBackwardFirstLikeTheBook(Scale):
    def backward(self, dout):
        return None if self.x[0] is None else super().backward(dout)


FAULTS = {
    Accumulates: "backward overwrites the gradients",
    WritesToItsInput: "inputs are never written to",
    WritesToDout: "inputs are never written to",
    RecyclesItsOutput: "forward returns a fresh array each time",
    RecyclesAView: "forward returns a fresh array each time",
    RecyclesOneOfTwo: "forward returns a fresh array each time",
    RecyclesItsGradient: "backward returns fresh arrays each time",
    ReturnsItsInput: "forward returns a fresh array each time",
    ReturnsDout: "backward returns fresh arrays each time",
    ReplacesAGradient: "grads are the same array objects for life",
    ReplacesItsList: "grads are the same array objects for life",
    AddsAGradient: "grads are the same array objects for life",
    SpoilsItsCache: "backward twice gives the same",
    IsRandom: "forward twice gives the same",
    AcceptsBackwardFirst: "must raise ValueError where backward comes before forward",
    FailsBackwardFirstLikeTheBook: "must raise ValueError where backward comes before forward",
}


@pytest.fixture
def arrays(rng):
    """Input, dout and weight; some elements of each are below -1."""
    return [rng.standard_normal((N, D)) - 0.5, rng.standard_normal((N, D)) - 0.5, rng.standard_normal(D)]


def test_a_sound_layer_passes(arrays):
    x, dout, w = arrays
    check_layer(Scale(w), [x], dout)
    check_layer(Scale(w.astype("f")), [x.astype("f")], dout.astype("f"))
    check_layer(layers.TimeSoftmaxWithLoss(), [x[None], np.zeros((1, N), int)], 1.0)
    check_layer(layers.TimeEmbedding(w[:, None]), [np.array([[1, 1, 0]])], np.ones((1, 3, 1)))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_caught_and_named(fault, arrays):
    x, dout, w = arrays
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        check_layer(fault(w), [x], dout)


def loss_and_gradients(layer, x, dout):
    """The projected output as a function of nothing, and what the layer says of its gradients."""

    def function():
        return float((layer.forward(x) * dout).sum())

    function()
    dx = layer.backward(dout)
    return function, {"x": x, "w": layer.params[0]}, {"x": dx, "w": layer.grads[0].copy()}


def test_right_gradients_pass_and_the_largest_error_is_returned(arrays):
    x, dout, w = arrays
    function, varied, found = loss_and_gradients(Scale(w), x, dout)
    kept = x.copy()
    worst = check_gradients(function, varied, found)
    assert 0 < worst < 1e-8
    assert np.array_equal(x, kept)
    assert check_gradients(function, {"x": x}, found) <= worst


@pytest.mark.parametrize("name", ["x", "w"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda g: -g,
        lambda g: 2 * g,
        lambda g: g * np.nan,
        lambda g: g + 1e-6 * np.abs(g).max() * (np.arange(g.size).reshape(g.shape) == 1),
        lambda g: g[..., ::-1],
        np.zeros_like,
    ],
    ids=["sign", "factor", "NaN", "one element", "order", "zero"],
)
def test_a_wrong_gradient_is_caught_and_named(name, spoil, arrays):
    x, dout, w = arrays
    function, varied, found = loss_and_gradients(Scale(w), x, dout)
    with pytest.raises(AssertionError, match=f"gradient of {name} is off by .*, expected at most 1e-07"):
        check_gradients(function, varied, {**found, name: spoil(found[name])})


def test_a_gradient_of_another_shape_is_an_error_even_where_it_would_broadcast(arrays):
    x, dout, w = arrays
    function, varied, found = loss_and_gradients(Scale(w), x, dout)
    with pytest.raises(AssertionError, match=r"gradient has shape \(1, 5\), expected \(5,\)"):
        check_gradients(function, varied, {**found, "w": found["w"][None]})
    with pytest.raises(AssertionError, match=r"gradient has shape \(\), expected \(3, 5\)"):
        gradient_error(np.zeros(()), np.zeros((3, 5)))


def test_numerical_gradient_of_known_functions(rng):
    x = rng.standard_normal((3, 5))
    kept = x.copy()
    assert_close("cubes", numerical_gradient(lambda: float((x**3).sum()), x), 3 * x**2, 1e-9)
    assert_close("line", numerical_gradient(lambda: 7.0 * x[1, 2], x), 7.0 * (np.arange(15).reshape(3, 5) == 7), 1e-9)
    assert np.array_equal(x, kept)
    single = np.array(2.0)
    assert_close("one number", numerical_gradient(lambda: float(single**2), single), np.array(4.0), 1e-9)
    assert numerical_gradient(lambda: 1.0, np.zeros((0, 3))).shape == (0, 3)


def test_numerical_gradient_takes_strided_arrays_and_another_step(rng):
    x = rng.standard_normal((5, 3))
    view = x.T[::-1]
    assert_close("view", numerical_gradient(lambda: float((x**2).sum()), view, eps=1e-4), 2 * view, 1e-7)


def test_gradient_error_is_relative_to_the_largest_element():
    assert gradient_error(np.array([100.0, 1.0]), np.array([100.0, 2.0])) == 0.01
    assert gradient_error(np.array([0.0]), np.array([0.0])) == 0
    assert gradient_error(np.array([1e-9]), np.array([0.0])) == pytest.approx(1e-6)  # relative to at least 1e-3
    assert gradient_error(np.zeros((0, 3)), np.zeros((0, 3))) == 0
    assert np.isnan(gradient_error(np.array([np.nan]), np.array([0.0])))


def test_relative_error_is_a_quotient_of_norms(rng):
    desired = rng.standard_normal((3, 5))
    assert relative_error(desired, desired) == 0
    assert relative_error(1.01 * desired, desired) == pytest.approx(0.01)
    assert relative_error(np.full(4, 0.5), np.zeros(4)) == 1.0  # absolute where all is zero
    assert relative_error(np.float32(2), 1) == 1
    assert np.isnan(relative_error(np.array([np.nan]), np.array([1.0])))


def test_assert_close_knows_numbers_and_names_of_tolerances():
    a = np.ones(5)
    assert_close("a", a, a)
    assert_close("a", a + 1.5e-6, a)
    assert_close("a", a + 9e-6, a, "gradient float32")
    assert_close("a", 1.4 * a, a, 0.5)
    with pytest.raises(AssertionError, match=r"a: relative error 2\.5e-06, expected at most 2e-06"):
        assert_close("a", a + 2.5e-6, a)
    with pytest.raises(AssertionError, match="relative error"):
        assert_close("a", a + 1e-12, a, 0)
    with pytest.raises(ValueError, match="tolerance is 'no such tolerance', expected one of forward float32"):
        assert_close("a", a, a, "no such tolerance")


@pytest.mark.parametrize("wrong", [np.ones((1, 5)), np.ones(()), np.ones(4)])
def test_assert_close_compares_shapes(wrong):
    with pytest.raises(AssertionError, match=r"db has shape .*, expected \(5,\)"):
        assert_close("db", wrong, np.ones(5))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_assert_close_refuses_what_is_not_finite(wrong):
    actual = np.ones(5)
    actual[2] = wrong
    for pair in ((actual, np.ones(5)), (np.ones(5), actual)):
        with pytest.raises(AssertionError, match="b: relative error"):
            assert_close("b", *pair)


def test_every_tolerance_has_a_reason():
    for limit, reason in TOLERANCES.values():
        assert 0 < limit <= 1e-5
        assert len(reason) > 20
