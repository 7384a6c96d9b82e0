"""Single weights and double data, or the other way round: results have the dtypes that the book's have."""

import importlib
import itertools
from inspect import signature

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackWarning
from fasts2s.dropin.replace import wrappers

N, T, S, D, H, V = 3, 5, 4, 6, 4, 9
SINGLE, DOUBLE = "f", "d"


class Dice:
    """Draws arrays: the same ones for the book and for ours."""

    def __init__(self):
        self._rng = np.random.default_rng(0)

    def __call__(self, dtype, *shape):
        return self._rng.normal(0, 0.5, shape).astype(dtype)

    def ids(self, *shape):
        return self._rng.integers(0, V, shape)


def _class(module, name):
    return getattr(importlib.import_module(module), name)


def _answers(layer, args, dtype, states=()):
    """Return what a layer leaves and returns."""
    out = layer.forward(*args)
    after = [_part(layer, name) for name in states]
    back = layer.backward(Dice()(dtype, *out.shape) if np.ndim(out) else np.dtype(dtype).type(0.5))
    back = back if isinstance(back, tuple) else (back,)
    return [
        out,
        *after,
        *back,
        *(_part(layer, name) for name in states if name.endswith("dh")),
        *getattr(layer, "grads", ()),
    ]


def _part(obj, name):
    first, _, last = name.rpartition(".")
    return getattr(getattr(obj, first) if first else obj, last)


def _recurrent(name, blocks, *states):
    def run(weights, given, gradient, state):
        dice = Dice()
        shapes = (D, blocks * H), (H, blocks * H), (blocks * H,)
        kind = _class("common.time_layers", name)
        given_to_it = [dice(weights, *shape) for shape in shapes][: len(signature(kind).parameters) - 1]
        layer = kind(*given_to_it, True)  # the Korean TimeGRU has no bias
        if state is not None:
            layer.set_state(dice(state, N, H))
        return _answers(layer, [dice(given, N, T, D)], gradient, states)

    return run


def _affine(module, name, *axes):
    def run(weights, given, gradient, state):
        dice = Dice()
        layer = _class(module, name)(dice(weights, D, V), dice(state or weights, V))
        return _answers(layer, [dice(given, *axes, D)], gradient)

    return run


def _product(weights, given, gradient, state):
    dice = Dice()
    return _answers(_class("common.layers", "MatMul")(dice(weights, D, V)), [dice(given, N, D)], gradient)


def _embedding(weights, given, gradient, state):
    dice = Dice()
    return _answers(_class("common.time_layers", "TimeEmbedding")(dice(weights, V, D)), [dice.ids(N, T)], gradient)


def _attention(weights, given, gradient, state):
    dice = Dice()
    layer = _class("attention_layer", "TimeAttention")()
    return _answers(layer, [dice(weights, N, S, H), dice(given, N, T, H)], gradient)


def _loss(weights, given, gradient, state):
    dice = Dice()
    layer = _class("common.time_layers", "TimeSoftmaxWithLoss")()
    return _answers(layer, [dice(given, N, T, V), dice.ids(N, T)], gradient)


def _signs(weights, given, gradient, state):
    dice = Dice()
    layer = _class("common.time_layers", "TimeSigmoidWithLoss")()
    return _answers(layer, [dice(given, N, T), dice.ids(N, T) % 2], gradient)


def _model(module, name, *shape):
    def run(weights, given, gradient, state):
        dice = Dice()
        np.random.seed(0)
        model = _class(module, name)(V, D, H)
        layers = [getattr(model, part) for part in ("embed", "lstm", "affine") if hasattr(model, part)]
        for layer in layers:
            layer.params = [p.astype(weights) for p in layer.params]
            layer.grads = [np.zeros_like(p) for p in layer.params]
        if hasattr(layers[0], "W"):
            layers[0].W = layers[0].params[0]
        model.grads = [g for layer in layers for g in layer.grads]
        args = [dice.ids(N, T), *([dice(given, *shape)] if shape else [])]
        states = ("lstm.h", "lstm.c", "lstm.dh")
        return _answers(model, args, gradient, states if shape else states[2:])

    return run


LAYERS = {
    "TimeLSTM": _recurrent("TimeLSTM", 4, "h", "c", "dh"),
    "TimeRNN": _recurrent("TimeRNN", 1, "h", "dh"),
    "TimeGRU": _recurrent("TimeGRU", 3, "h", "dh"),
    "TimeAffine": _affine("common.time_layers", "TimeAffine", N, T),
    "Affine": _affine("common.layers", "Affine", N),
    "MatMul": _product,
    "TimeEmbedding": _embedding,
    "TimeAttention": _attention,
    "TimeSoftmaxWithLoss": _loss,
    "TimeSigmoidWithLoss": _signs,
    "Encoder": _model("seq2seq", "Encoder"),
    "Decoder": _model("seq2seq", "Decoder", N, H),
    "PeekyDecoder": _model("peeky_seq2seq", "PeekyDecoder", N, H),
    "AttentionEncoder": _model("attention_seq2seq", "AttentionEncoder"),
    "AttentionDecoder": _model("attention_seq2seq", "AttentionDecoder", N, S, H),
}


#: Those that the small library has not.
OF_THE_CHECKOUT = {"TimeRNN", "TimeGRU", "MatMul", "TimeSigmoidWithLoss"}


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", sorted(LAYERS.keys() - OF_THE_CHECKOUT))
def test_dtypes_are_the_books(book, backend, name):
    _compare(LAYERS[name], backend)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", LAYERS)
def test_dtypes_are_those_of_the_checkout(checkout, backend, name):
    _compare(LAYERS[name], backend)


def _compare(run, backend):
    for dtypes in itertools.product((SINGLE, DOUBLE), (SINGLE, DOUBLE), (SINGLE, DOUBLE), (SINGLE, DOUBLE, None)):
        expected = run(*dtypes)
        with fasts2s.patched(backend):
            found = run(*dtypes)
        for a, b in zip(found, expected, strict=True):
            assert (type(a), getattr(a, "dtype", None)) == (type(b), getattr(b, "dtype", None)), dtypes
            assert a is b is None or np.allclose(a, b, rtol=1e-4, atol=1e-5), dtypes


@pytest.mark.filterwarnings("ignore:overflow")  # which is the book's
def test_double_gradients_that_no_single_number_can_be(book):
    with fasts2s.patched("numpy"), pytest.warns(FallbackWarning, match="too large for float32"):
        layer = _class("common.time_layers", "TimeAffine")(Dice()(SINGLE, D, V), Dice()(SINGLE, V))
        layer.forward(Dice()(SINGLE, N, T, D))
        assert np.isfinite(layer.backward(np.full((N, T, V), 1e200))).all()


def test_no_time_leaves_the_state_as_it_is(book):
    """Of a sequence without a step the book reads nothing: what it is given then has no say."""
    make = _class("common.time_layers", "TimeLSTM")

    def run():
        dice = Dice()
        layer = make(dice(SINGLE, D, 4 * H), dice(SINGLE, H, 4 * H), dice(SINGLE, 4 * H), True)
        layer.set_state(dice(SINGLE, N, H))
        layer.forward(dice(DOUBLE, N, 0, D))
        return layer.h.dtype, layer.c.dtype

    expected = run()
    with fasts2s.patched("numpy"):
        assert run() == expected == (np.float32, np.float32)


def test_a_backward_in_vain_ends_forwards_in_vain(book):
    """Our forward is of no use where the book's backward always follows: it would be run twice."""
    with fasts2s.patched("numpy"), pytest.warns(FallbackWarning, match="again and again"):
        model = _class("seq2seq", "Decoder")(V, D, H)
        (entry,) = [e for e in fasts2s.status().entries if e.name == "Decoder"]
        for _ in range(8):
            out = model.forward(Dice().ids(N, T), Dice()(SINGLE, N, H))
            model.backward(Dice()(np.float16, *out.shape))
        assert entry.calls == wrappers._OFTEN + 1
        assert entry.fallbacks["the gradient is float16, expected float32"] == wrappers._OFTEN + 1
        assert sum(entry.fallbacks.values()) == 8
