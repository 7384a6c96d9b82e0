"""What a script may do between forward and backward, beside changing arrays: own code, copies, a second call."""

import copy
import importlib
import pickle
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackWarning
from fasts2s.dropin.run.verify import difference
from tests.dropin.test_references import (
    BACKENDS,
    CASES,
    D,
    H,
    N,
    T,
    _arrays_of,
    _frozen,
    alike,
    build,
    floats,
    ids,
    library,
)

__all__ = ["library"]  # the fixture
both = pytest.mark.parametrize("backend", BACKENDS)


def _class(module, name):
    return getattr(importlib.import_module(module), name)


def _results(*layers):
    return _frozen([[getattr(layer, "grads", []), list(_arrays_of(layer).values())] for layer in layers])


def _same_by_both(backend, scene):
    """Check that a function returns the same where the book's classes are replaced; errors count as results."""

    def run():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FallbackWarning)
                return scene()
        except (TypeError, ValueError, IndexError, FloatingPointError) as error:
            return type(error)

    expected = run()
    with fasts2s.patched(backend):
        found = run()
    assert alike(expected, found)
    return expected


# ---- a forward that is sometimes the script's own ---------------------------------------------------------------


@both
def test_a_subclass_with_a_loop_of_its_own_now_and_then(library, backend):
    time_layers = importlib.import_module("common.time_layers")

    class Halved(time_layers.TimeLSTM):
        def forward(self, xs, own=False):
            if not own:
                return super().forward(xs)
            self.layers, hs = [], np.empty((N, xs.shape[1], H), "f")
            h = c = np.zeros((N, H), "f")
            for t in range(xs.shape[1]):
                layer = time_layers.LSTM(*self.params)
                h, c = layer.forward(0.5 * xs[:, t], h, c)
                hs[:, t] = h
                self.layers.append(layer)
            return hs

    def scene():
        layer, seen = Halved(floats(D, 4 * H), floats(H, 4 * H), floats(4 * H)), []
        for own in (False, True, False, True, True):
            seen += [layer.forward(floats(N, T, D), own), layer.backward(floats(N, T, H)), *_results(layer)]
        return _frozen(seen)

    _same_by_both(backend, scene)


@both
@pytest.mark.parametrize("kind", ["Encoder", "AttentionEncoder"])
def test_an_encoder_with_a_forward_of_its_own_now_and_then(library, backend, kind):
    module = "seq2seq" if kind == "Encoder" else "attention_seq2seq"
    base = _class(module, kind)

    class Louder(base):
        def forward(self, xs, own=False):
            if not own:
                return super().forward(xs)
            self.hs = self.lstm.forward(2 * self.embed.forward(xs))
            return self.hs[:, -1, :] if kind == "Encoder" else self.hs

    def scene():
        np.random.seed(3)
        encoder, seen = Louder(7, D, H), []
        dout = floats(N, H) if kind == "Encoder" else floats(N, T, H)
        for own in (False, True, False, True):
            seen += [encoder.forward(ids(7, N, T), own), encoder.backward(dout), *_results(encoder)]
        encoder.forward(ids(7, N, T))
        encoder.lstm.forward(floats(N, T, D))  # only a part of it
        return _frozen([*seen, encoder.backward(dout), *_results(encoder)])

    _same_by_both(backend, scene)


@both
@pytest.mark.parametrize("kind", ["Decoder", "AttentionDecoder"])
def test_a_decoder_with_a_backward_of_its_own(library, backend, kind):
    base = _class("seq2seq" if kind == "Decoder" else "attention_seq2seq", kind)

    class OneByOne(base):
        def backward(self, dscore):
            dout = self.affine.backward(dscore)
            if kind == "AttentionDecoder":
                self.attention.backward(dout[:, :, :H])
                dout = dout[:, :, H:]
            self.embed.backward(self.lstm.backward(dout))
            return self.lstm.dh

    def scene():
        np.random.seed(3)
        decoder = OneByOne(7, D, H)
        h = floats(N, H) if kind == "Decoder" else floats(N, T, H)
        out = decoder.forward(ids(7, N, T), h)
        return _frozen([out, decoder.backward(floats(N, T, 7)), *_results(decoder)])

    _same_by_both(backend, scene)


# ---- copies and pickles -------------------------------------------------------------------------------------------


def _through_pickle(layer):
    return pickle.loads(pickle.dumps(layer))


def _shape_of(layer):
    """Return the names of all attributes, of parts and of the layers of single steps as well; dc is ours alone."""
    found = {}
    for name in vars(layer):
        value = getattr(layer, name)
        if name != "dc":
            parts = value if isinstance(value, list) else [value]
            found[name] = [_shape_of(part) for part in parts if hasattr(part, "forward")]
    return found


@both
@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, _through_pickle], ids=["deepcopy", "copy", "pickle"])
@pytest.mark.parametrize("name", CASES)
def test_a_copy_in_the_middle_of_a_step(library, name, copied, backend):
    def scene():
        layer, inputs, dout = build(name, 7)
        seen = [layer.forward(*inputs)]
        twin = copied(layer)
        attributes = _shape_of(twin)
        seen += [*_results(twin), twin.backward(dout), *_results(twin), layer.backward(dout), *_results(layer)]
        return [attributes == _expected.setdefault(name, attributes), *_frozen(seen)]

    _expected = {}
    _same_by_both(backend, scene)


@pytest.mark.parametrize("name", CASES)
def test_a_pickle_from_the_middle_of_a_step_is_plain(library, name):
    layer, inputs, dout = build(name, 7)
    with fasts2s.patched("numpy"):
        out = layer.forward(*inputs)
        written = pickle.dumps(layer)
    assert b"fasts2s" not in written
    twin = pickle.loads(written)  # nothing is replaced now
    plain, _, _ = build(name, 7)
    assert alike(_frozen(plain.forward(*inputs)), _frozen(out)) or name == "TimeDropout"
    assert alike(
        _frozen([plain.backward(dout), *_results(plain)]), _frozen([twin.backward(dout), *_results(twin)])
    ) or (name == "TimeDropout")


# ---- one more call ------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("kind", ["Seq2seq", "AttentionSeq2seq"])
@pytest.mark.parametrize("rows", [N, N - 1])
def test_a_forward_of_the_encoder_alone_between(library, backend, kind, rows):
    def scene():
        model, inputs, _ = build(kind, 7)
        loss = model.forward(*inputs)
        model.encoder.forward((inputs[0][:rows] + 1) % 7)
        model.backward()
        return [loss, *_results(model)]

    _same_by_both(backend, scene)


@both
@pytest.mark.parametrize("kind", ["Seq2seq", "PeekySeq2seq", "AttentionSeq2seq"])
@pytest.mark.parametrize("shared", ["embedding", "matrix"])
def test_an_embedding_or_its_matrix_shared_by_encoder_and_decoder(library, backend, kind, shared):
    def scene():
        model, inputs, _ = build(kind, 7)
        if shared == "embedding":
            model.decoder.embed = model.encoder.embed
        else:
            model.decoder.embed.W = model.decoder.embed.params[0] = model.encoder.embed.W
        seen = []
        for _ in range(3):
            seen += [model.forward(*inputs), *_results(model)]
            model.backward()
            seen += _results(model, model.encoder.embed, model.decoder.embed)
            for p, g in zip(model.params, model.grads, strict=True):
                p -= g
        return seen

    _same_by_both(backend, scene)


@both
@pytest.mark.parametrize("name", ["TimeLSTM", "Encoder", "Seq2seq"])
def test_what_the_book_makes_of_errors_that_are_asked_for(library, backend, name):
    def scene():
        layer, inputs, _ = build(name, 7)
        for p in getattr(layer, "params", []):
            p *= 1000
        with np.errstate(all="raise"):
            return _frozen(layer.forward(*inputs))

    assert _same_by_both(backend, scene) is FloatingPointError


@pytest.mark.parametrize("whole", [False, True], ids=["a layer", "a model"])
def test_weights_that_are_exchanged_between_forward_and_backward(book, whole):
    def numbers():
        np.random.seed(2)
        model = importlib.import_module("seq2seq").Seq2seq(9, 4, 5)
        lstm, rng = model.encoder.lstm, np.random.default_rng(1)
        run, given, upstream = lstm, rng.normal(size=(2, 3, 4)).astype("f"), rng.normal(size=(2, 3, 5)).astype("f")
        if whole:
            run, given, upstream = model.encoder, np.arange(6).reshape(2, 3), upstream[:, 0]
        found = [run.forward(given)]
        others = [p * 0.5 for p in lstm.params]
        lstm.params[:] = others
        found += [run.backward(upstream), *(g.copy() for g in lstm.grads)]
        assert all(a is b for a, b in zip(lstm.params, others, strict=True))
        return [*found, run.forward(given), run.backward(upstream), *(g.copy() for g in lstm.grads)]

    expected = numbers()
    with fasts2s.patched("numpy"), pytest.warns(fasts2s.FallbackWarning, match="has changed since forward"):
        found = numbers()
    assert difference(found, expected) < 1e-5
