"""Replacing methods in place: the same results, whoever imported what and when, and everything back afterwards."""

import gc
import importlib
import pickle
import sys
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackError, FallbackWarning

BACKENDS = ("numpy", "numba")


def _import(*names):
    return [importlib.import_module(name) for name in names]


def _train(kind, steps=3, optimizer="Adam"):
    """Return losses and parameters after a few steps of a model of a chapter's module."""
    module, name = kind
    np.random.seed(1)
    model = getattr(importlib.import_module(module), name)(13, 6, 16)
    (optimizers, util, trainer) = _import("common.optimizer", "common.util", "common.trainer")
    update = getattr(optimizers, optimizer)()
    rng, losses = np.random.default_rng(5), []
    for _ in range(steps):
        x, t = rng.integers(0, 13, (8, 5)), rng.integers(0, 13, (8, 4))
        losses.append(float(model.forward(x, t)))
        model.backward()
        params, grads = trainer.remove_duplicate(model.params, model.grads)
        util.clip_grads(grads, 0.5)
        update.update(params, grads)
    return losses, [p.copy() for p in model.params], model


KINDS = [
    ("seq2seq", "Seq2seq"),
    ("ch07.seq2seq", "Seq2seq"),
    ("peeky_seq2seq", "PeekySeq2seq"),
    ("attention_seq2seq", "AttentionSeq2seq"),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("before", [True, False], ids=["imported before", "imported after"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_training_gives_the_same_numbers(book, kind, before, backend):
    expected, weights, model = _train(kind)
    question = np.array([[1, 2, 3, 4, 5]])
    answer = model.generate(question, 7, 6)
    if not before:
        for name in [n for n in sys.modules if n.partition(".")[0] in {"common", "ch07", "ch08", *_FILES}]:
            del sys.modules[name]
    with fasts2s.patched(backend):
        found, new_weights, model = _train(kind)
        assert model.generate(question, 7, 6) == answer
        report = fasts2s.status()
    assert np.allclose(found, expected, rtol=1e-5, atol=0)
    for a, b in zip(new_weights, weights, strict=True):
        assert np.allclose(a, b, rtol=1e-4, atol=1e-5)
    called = {e.name for e in report.entries if e.calls}
    assert {"TimeSoftmaxWithLoss", "Adam", "clip_grads", "remove_duplicate", "Seq2seq"} <= called
    assert {"Encoder", "AttentionEncoder"} & called
    assert not any(e.fallbacks for e in report.entries)
    assert report.names("left as is") == []


_FILES = {"seq2seq", "peeky_seq2seq", "attention_seq2seq", "attention_layer"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_language_model_and_its_words(book, backend):
    def words(fixed):
        np.random.seed(3)
        model = importlib.import_module("rnnlm_gen").RnnlmGen()
        if not fixed:  # an array of one element is no int on current NumPy
            return model, None
        return model, model.generate(2, [5], 12)

    plain, _ = words(False)
    xs, ts = np.arange(24).reshape(2, 12) % 20, np.arange(24).reshape(2, 12) % 7
    expected = [plain.forward(xs, ts) for _ in range(2)]  # the second continues the state
    plain.backward()
    with fasts2s.patched(backend):
        model, ids = words(True)
        assert len(ids) == 12
        assert all(type(i) is int for i in ids)
        assert 5 not in ids
        model.reset_state()
        assert np.allclose([model.forward(xs, ts) for _ in range(2)], expected, rtol=1e-5, atol=0)
        model.backward()
    for a, b in zip(model.grads, plain.grads, strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("skip", [None, [5, 1]], ids=str)
def test_the_words_of_a_text_are_the_books(book, backend, skip):
    def text(generate):
        np.random.seed(3)
        model = importlib.import_module("rnnlm_gen").RnnlmGen()
        for p in model.params:
            p *= 0.5
        np.random.seed(4)
        ids = generate(model)
        state = model.lstm_layer.h, model.lstm_layer.c
        return ids, state, np.random.random_sample()

    def as_the_book(model):
        ids = [2]
        while len(ids) < 130:
            p = importlib.import_module("common.functions").softmax(model.predict(np.array([ids[-1:]])).flatten())
            (drawn,) = np.random.choice(len(p), size=1, p=p).tolist()
            ids += [drawn] if skip is None or drawn not in skip else []
        return ids

    expected, state, following = text(as_the_book)
    assert len(set(expected)) > 5
    with fasts2s.patched(backend):
        found, new_state, number = text(lambda model: model.generate(2, skip, 130))
    assert found == expected
    assert number == following
    for a, b in zip(new_state, state, strict=True):
        assert np.allclose(a, b, rtol=1e-4, atol=1e-6)


def test_get_batch(book):
    (trainer,) = _import("common.trainer")
    text = np.arange(50)

    def batches():
        t = trainer.RnnlmTrainer(None, None)
        t.time_idx = 0
        return [t.get_batch(text[:-1], text[1:], 4, 7) for _ in range(5)], t.time_idx

    expected = batches()
    with fasts2s.patched("numpy"):
        found = batches()
    assert found[1] == expected[1]
    for a, b in zip(found[0], expected[0], strict=True):
        assert np.array_equal(a, b)
        assert a[0].dtype == b[0].dtype


def test_no_random_number_is_drawn(book):
    def state_after():
        np.random.seed(8)
        _train(("peeky_seq2seq", "PeekySeq2seq"))
        layer = importlib.import_module("common.time_layers").TimeDropout()
        layer.backward(layer.forward(np.ones((2, 3, 4), "f")))
        return np.random.get_state()[1:3]

    expected = state_after()
    with fasts2s.patched("numba"):
        found = state_after()
    assert found[1] == expected[1]
    assert np.array_equal(found[0], expected[0])


def test_unpatch_restores_every_method(book):
    modules = _import(
        "common.time_layers", "common.layers", "common.optimizer", "common.util", "common.trainer", "seq2seq"
    )
    kinds = [c for m in modules for c in vars(m).values() if isinstance(c, type)]
    functions = [modules[3].clip_grads, modules[4].remove_duplicate]
    before = [dict(vars(c)) for c in kinds], [f.__code__ for f in functions]
    for _ in range(3):
        fasts2s.patch("numpy")
        assert modules[0].TimeLSTM.forward is not before[0][kinds.index(modules[0].TimeLSTM)]["forward"]
        assert functions[0].__code__ is not before[1][0]
        fasts2s.unpatch()
        assert [dict(vars(c)) for c in kinds] == before[0]
        assert [f.__code__ for f in functions] == before[1]
    assert not fasts2s.is_patched()


def test_a_hundred_times_leaks_nothing(book):
    _import("seq2seq", "common.optimizer", "common.trainer")

    def count():
        gc.collect()
        return len(gc.get_objects())

    for _ in range(5):
        with fasts2s.patched("numpy"):
            _train(KINDS[0], 1)
    before = count()
    for _ in range(100):
        fasts2s.patch("numpy")
        fasts2s.unpatch()
    assert count() <= before + 50


def test_pickles_go_both_ways(book):
    (module,) = _import("seq2seq")
    with fasts2s.patched("numba"):
        _, _, model = _train(KINDS[0])
        written = pickle.dumps(model)
        names = set(vars(model.encoder.lstm))
        kept = pickle.loads(written)
        assert isinstance(kept, module.Seq2seq)
    _, _, plain = _train(KINDS[0])
    assert names - {"dc"} == set(vars(plain.encoder.lstm))  # dc is the one attribute that the book lacks
    assert b"fasts2s" not in written
    x, t = np.arange(10).reshape(2, 5), np.arange(8).reshape(2, 4)
    expected = pickle.loads(written).forward(x, t)
    with fasts2s.patched("numba"):
        assert np.isclose(pickle.loads(pickle.dumps(plain)).forward(x, t), plain.forward(x, t))
        assert np.isclose(kept.forward(x, t), expected)


def test_living_objects_subclasses_and_names_imported_before(book):
    (layers,) = _import("common.time_layers")
    weights = [np.ones(s, "f") for s in ((3, 8), (2, 8), (8,))]

    class Loud(layers.TimeLSTM):
        heard = 0

        def forward(self, xs):
            self.heard += 1
            return super().forward(xs)

    old, loud = layers.TimeLSTM(*weights), Loud(*weights)
    xs = np.ones((2, 4, 3), "f")
    expected = old.forward(xs)
    with fasts2s.patched("numpy"):
        assert np.allclose(old.forward(xs), expected)
        assert np.allclose(loud.forward(xs), expected)
        (entry,) = [e for e in fasts2s.status().entries if e.name == "TimeLSTM"]
        assert (entry.calls, loud.heard) == (2, 1)
        assert isinstance(loud, layers.TimeLSTM)


def test_backward_after_a_forward_of_the_books_own(book):
    (layers,) = _import("common.time_layers")
    layer = layers.TimeLSTM(*[np.ones(s, "f") for s in ((3, 8), (2, 8), (8,))])
    xs, dhs = np.ones((2, 4, 3), "f"), np.ones((2, 4, 2), "f")
    layer.forward(xs)
    expected = layer.backward(dhs), [g.copy() for g in layer.grads]
    with fasts2s.patched("numpy"):
        assert np.array_equal(layer.backward(dhs), expected[0])
        layer.forward(xs)
    # And the other way round: what ours kept is gone, the book's own is that of its last forward.
    assert np.allclose(layer.backward(dhs), expected[0])


def test_layers_are_made_when_somebody_looks(book):
    (layers,) = _import("common.time_layers")
    layer = layers.TimeLSTM(*[np.full(s, 0.1, "f") for s in ((3, 8), (2, 8), (8,))])
    xs, dhs = np.ones((2, 4, 3), "f"), np.ones((2, 4, 2), "f")
    with fasts2s.patched("numpy"):
        hs, dxs = layer.forward(xs), layer.backward(dhs)
        layer.forward(xs)
        assert len(layer.layers) == 4
        assert np.allclose(layer.layers[3].cache[1], hs[:, 2])
        assert np.allclose(layer.backward(dhs), dxs)  # by the book: its layers may have been changed


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_ours_refuses_the_book_decides(book, backend):
    (layers,) = _import("common.time_layers")
    loss = layers.TimeSoftmaxWithLoss()
    xs, ts = np.arange(24, dtype="f").reshape(2, 3, 4), np.array([[0, 1, -2], [3, 2, 1]])
    expected, gradient = loss.forward(xs, ts), loss.backward()
    with fasts2s.patched(backend):
        with pytest.warns(FallbackWarning, match="TimeSoftmaxWithLoss.*expected labels from 0 to 3"):
            assert loss.forward(xs, ts) == expected
        assert np.array_equal(loss.backward(), gradient)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # said once
            loss.forward(xs, ts)
        (entry,) = [e for e in fasts2s.status().entries if e.name == "TimeSoftmaxWithLoss"]
        assert sum(entry.fallbacks.values()) == 2
        assert "2 times the book's own code" in repr(fasts2s.status())
        with pytest.raises(IndexError, match="out of bounds"):  # NumPy's own words
            loss.forward(xs, ts + 9)
    with fasts2s.patched(backend, strict=True), pytest.raises(FallbackError, match="expected labels"):
        loss.forward(xs, ts)


def test_a_wrong_call_is_the_books_type_error(book):
    (layers,) = _import("common.time_layers")
    layer = layers.TimeLSTM(*[np.ones(s, "f") for s in ((3, 8), (2, 8), (8,))])
    with fasts2s.patched("numpy"), pytest.raises(TypeError, match=r"TimeLSTM\.forward\(\) got an unexpected"):
        layer.forward(np.ones((2, 4, 3), "f"), train_flg=False)


def test_state_after_a_fallback_is_that_of_one_forward(book):
    (layers,) = _import("common.time_layers")

    def states():
        layer = layers.TimeLSTM(*[np.full(s, 0.1, "f") for s in ((3, 8), (2, 8), (8,))], stateful=True)
        layer.forward(np.ones((1, 2, 3), "f"))
        layer.forward(np.ones((2, 2, 3), "f"))  # another batch: NumPy spreads the one row
        return layer.h, layer.c

    expected = states()
    with fasts2s.patched("numpy"), pytest.warns(FallbackWarning):
        found = states()
    assert np.allclose(found[0], expected[0])
    assert np.allclose(found[1], expected[1])


def test_other_modules_called_common_are_left_alone(book):
    (book / "common" / "time_layers.py").write_text("class Clock:\n    def forward(self, x):\n        return x\n")
    with fasts2s.patched("numpy"):
        _import("common.time_layers")
        assert [e for e in fasts2s.status().entries if e.module == "common.time_layers"] == []


def test_unknown_backend():
    with pytest.raises(ValueError, match="expected one of auto, numpy"):
        fasts2s.patch("tensorflow")
    assert not fasts2s.is_patched()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS[1:], ids=str)
def test_weights_that_are_not_finite_are_answered_as_the_book_does(book, kind, backend):
    def answers():
        _, _, model = _train(kind, steps=1)
        model.params[1][:] = np.nan
        question = np.array([[1, 2, 3, 4, 5]])
        h = model.encoder.forward(question)
        return [int(i) for i in model.generate(question, 7, 6)], [int(i) for i in model.decoder.generate(h, 7, 3)]

    expected = answers()
    with fasts2s.patched(backend), pytest.warns(FallbackWarning, match="the best score is NaN or infinite"):
        assert answers() == expected
