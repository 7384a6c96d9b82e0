"""Calls that are left to the book without a word: too small to gain, or of a kind that it alone has an answer for."""

import importlib
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackWarning
from fasts2s.dropin.replace import sizes
from fasts2s.dropin.run.verify import difference
from fasts2s.dropin.settings import settings


def _layers(name="common.layers"):
    return importlib.import_module(name)


def _random(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("f")


def _entry(name):
    (entry,) = [e for e in fasts2s.status().entries if e.name == name]
    return entry


@pytest.mark.parametrize(
    "x", [_random(2, 3, 4), _random(4), np.arange(6).reshape(2, 3)], ids=["3-D", "1-D", "integers"]
)
def test_softmax_of_what_are_no_rows(book, x):
    expected = _layers().Softmax().forward(x)
    with fasts2s.patched("numpy"), warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = _layers().Softmax()
        found = layer.forward(x)
        assert layer.out is found
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


#: Layer, weights, input: the book has an answer, with its own shape and dtype.
KINDS = {
    "a vector": ("common.layers", "Affine", [_random(4, 5), _random(5)], _random(4)),
    "a stack": ("common.layers", "Affine", [_random(4, 5), _random(5)], _random(2, 3, 4)),
    "float64": ("common.layers", "Affine", [_random(4, 5), _random(5)], _random(3, 4).astype(float)),
    "integers": ("common.layers", "Affine", [_random(4, 5), _random(5)], np.arange(12).reshape(3, 4)),
    "a bias of one row": ("common.layers", "Affine", [_random(4, 5), _random(1, 5)], _random(3, 4)),
    "float64 over time": ("common.time_layers", "TimeAffine", [_random(4, 5), _random(5)], np.ones((2, 3, 4))),
    "one bias for all": ("common.time_layers", "TimeAffine", [_random(4, 5), _random(1)], _random(2, 3, 4)),
    "LSTM, a bias of one row": (
        "common.time_layers", "TimeLSTM", [_random(4, 12), _random(3, 12), _random(1, 12)], _random(2, 3, 4),
    ),
    "one id": ("common.layers", "Embedding", [_random(7, 4)], 3),
    "a list of ids": ("common.layers", "Embedding", [_random(7, 4)], [3, 0, 3]),
    "a mask": ("common.layers", "Embedding", [_random(3, 4)], np.array([True, False, True])),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_that_only_the_book_has_an_answer_for(book, kind):
    module, name, weights, x = KINDS[kind]

    def forward():
        return getattr(_layers(module), name)(*weights).forward(x)

    expected = forward()
    with fasts2s.patched("numpy"), warnings.catch_warnings():
        warnings.simplefilter("error")
        found = forward()
        assert _entry(name).fallbacks == {}
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(found, expected)


def test_what_is_wrong_is_still_refused_with_a_word(book):
    loss = _layers("common.time_layers").TimeSoftmaxWithLoss()
    with fasts2s.patched("numpy"), pytest.warns(FallbackWarning):
        loss.forward(_random(2, 3, 4), np.array([[0, 1, -2], [3, 2, 1]]))


def _steps(sizes):
    """Return all that a TimeAffine gives for batches of these sizes."""
    layer, found = _layers("common.time_layers").TimeAffine(_random(40, 200), _random(200)), []
    for N, T in sizes:
        xs, dout = _random(N, T, 40), _random(N, T, 200)
        found += [layer.forward(xs), layer.backward(dout), *(g.copy() for g in layer.grads)]
    return found


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_small_calls_run_the_books_code_and_large_ones_ours(book, monkeypatch, backend):
    monkeypatch.setattr(settings, "all_sizes", False)
    # (8, 5) is soon done, but by several threads of a BLAS, which then are in the way of the kernels.
    sizes = [(1, 1), (64, 20), (1, 1), (1, 2), (64, 20), (8, 5)]
    expected = _steps(sizes)
    with fasts2s.patched(backend):
        found = _steps(sizes)
        assert _entry("TimeAffine").calls == 6  # forward and backward of the three large ones
    assert difference(found, expected) < 1e-5


def test_a_small_forward_leaves_nothing_of_a_large_one(book, monkeypatch):
    monkeypatch.setattr(settings, "all_sizes", False)
    with fasts2s.patched("numpy"):
        layer = _layers("common.time_layers").TimeAffine(_random(40, 200), _random(200))
        layer.forward(_random(64, 20, 40))
        layer.forward(_random(1, 1, 40))
        assert layer.backward(_random(1, 1, 200)).shape == (1, 1, 40)


def test_attributes_are_plain_until_ours_have_run(book, monkeypatch):
    monkeypatch.setattr(settings, "all_sizes", False)
    monkeypatch.setattr(sizes, "_done", sizes._WORTH)
    steps = _layers("common.time_layers")
    with fasts2s.patched("numpy"):
        layer = steps.TimeEmbedding(_random(13, 4))
        layer.forward(np.array([[1]]))
        assert "layers" not in vars(steps.TimeEmbedding)
        assert len(layer.layers) == 1
        layer.forward(np.arange(2 * 70).reshape(2, 70) % 13)
        assert "layers" in vars(steps.TimeEmbedding)
        assert len(layer.layers) == 70  # the book's own, made when they were asked for
    assert "layers" not in vars(steps.TimeEmbedding)


def test_small_gradients_and_weights(book, monkeypatch):
    util, optimizer = _layers("common.util"), _layers("common.optimizer")
    monkeypatch.setattr(settings, "all_sizes", False)

    def numbers(*shape):
        p, g = [_random(*shape), _random(3)], [_random(*shape), _random(3)]
        util.clip_grads(g, 0.5)
        optimizer.SGD(0.1).update(p, g)
        return p + g

    for shape, calls in (((4, 5), 0), ((600, 800), 1)):
        expected = numbers(*shape)
        with fasts2s.patched("numpy"):
            found = numbers(*shape)
            assert (_entry("clip_grads").calls, _entry("SGD").calls) == (calls, calls)
        for a, b in zip(found, expected, strict=True):
            assert np.allclose(a, b, rtol=1e-5, atol=1e-7)


def test_verify_compares_small_calls_too(book, monkeypatch):
    monkeypatch.setattr(settings, "all_sizes", False)
    with fasts2s.patched("numpy", verify=True):
        _steps([(1, 1)])
        assert (_entry("TimeAffine").calls, _entry("TimeAffine").checked) == (2, 2)


def test_a_wrong_call_of_a_small_layer_is_the_books_type_error(book, monkeypatch):
    monkeypatch.setattr(settings, "all_sizes", False)
    with fasts2s.patched("numpy"), pytest.raises(TypeError, match=r"Affine\.forward\(\)"):
        _layers().Affine(_random(4, 5), _random(5)).forward()


@pytest.mark.parametrize(("module", "name"), [("attention_seq2seq", "AttentionSeq2seq"), ("seq2seq", "Seq2seq")])
def test_questions_to_small_models_are_ours(book, monkeypatch, module, name):
    monkeypatch.setattr(settings, "all_sizes", False)
    model = getattr(_layers(module), name)(13, 3, 4)
    question = np.array([[1]])
    expected = model.generate(question, 1, 5)
    with fasts2s.patched("numpy"):
        assert [int(k) for k in model.generate(question, 1, 5)] == [int(k) for k in expected]
        assert sum(e.calls for e in fasts2s.status().entries if e.name == "Seq2seq") == 1


def test_sums_of_many_gradients_are_ours(book, monkeypatch):
    monkeypatch.setattr(settings, "all_sizes", False)
    W = _random(300, 100)
    for count, calls in ((3, 0), (4, 1)):
        grads = [_random(300, 100) for _ in range(count)]
        with fasts2s.patched("numpy"):
            _, (found,) = _layers("common.trainer").remove_duplicate([W] * count, grads)
            assert _entry("remove_duplicate").calls == calls
        assert np.array_equal(found, grads[0])


def test_work_that_is_certain_to_come_is_no_early_work(monkeypatch):
    monkeypatch.setattr(sizes, "_done", 0.0)
    monkeypatch.setattr(sizes, "auto_is_open", lambda: True)
    sizes.foresee(sizes._WORTH_TO_COME / 2)
    assert sizes.is_early()
    sizes.foresee(sizes._WORTH_TO_COME)
    assert not sizes.is_early()


@pytest.mark.parametrize("T", [1, 2])
def test_a_decoder_that_is_run_word_by_word_is_the_books(book, monkeypatch, T):
    monkeypatch.setattr(settings, "all_sizes", False)
    decoder = _layers("seq2seq").Decoder(13, 3, 8)
    xs, h, dout = np.arange(T).reshape(1, T), _random(1, 8), _random(1, T, 13)
    expected = [decoder.forward(xs, h), decoder.backward(dout), *(g.copy() for g in decoder.grads)]
    with fasts2s.patched("numpy"):
        found = [decoder.forward(xs, h), decoder.backward(dout), *(g.copy() for g in decoder.grads)]
        assert _entry("Decoder").calls == 2 * (T - 1)
    assert difference(found, expected) < 1e-5


def test_what_ours_cannot_run_is_no_reason_to_load_kernels(monkeypatch):
    monkeypatch.setattr(sizes, "is_early", lambda: True)
    monkeypatch.setattr(sizes, "_done", 0.0)
    monkeypatch.setattr(sizes, "before_first_call", [])
    ready = sizes.left_to_the_book("a model", ready=lambda obj: "")
    unready = sizes.left_to_the_book("a model", ready=lambda obj: "its lstm was left as it is")
    assert unready(object(), np.ones(3))
    assert sizes._done == 0
    assert ready(object(), np.ones(3))
    assert sizes._done > 0


def test_a_small_call_has_the_books_parameters(book, monkeypatch):
    monkeypatch.setattr(settings, "all_sizes", False)
    affine, loss = _layers().Affine(_random(4, 5), _random(5)), _layers("common.time_layers").TimeSoftmaxWithLoss()
    xs, ts = _random(2, 3, 4), np.array([[0, 1, 2], [3, 2, 1]])

    def numbers():
        found = [affine.forward(x=_random(2, 4)), affine.backward(dout=_random(2, 5))]
        return [*found, loss.forward(ts=ts, xs=xs), loss.backward()]

    expected = numbers()
    with fasts2s.patched("numpy"):
        found = numbers()
        assert _entry("Affine").calls == _entry("TimeSoftmaxWithLoss").calls == 0
        with pytest.raises(TypeError, match=r"Affine\.forward\(\) got an unexpected keyword argument 'y'"):
            affine.forward(y=_random(2, 4))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_backward_without_a_gradient_is_that_of_one(book):
    loss = _layers("common.time_layers").TimeSoftmaxWithLoss()
    xs, ts = _random(2, 3, 4), np.array([[0, 1, 2], [3, 2, 1]])
    with fasts2s.patched("numpy"):
        loss.forward(xs, ts)
        expected = loss.backward(1)
        loss.forward(xs, ts)
        assert np.array_equal(loss.backward(), expected)
        assert _entry("TimeSoftmaxWithLoss").calls == 4


@pytest.mark.parametrize(("rows", "V", "calls"), [(1, 15_000, 0), (1, 30_000, 1), (90, 13, 0), (200, 13, 1)])
def test_losses_of_many_rows_are_ours(book, monkeypatch, rows, V, calls):
    monkeypatch.setattr(settings, "all_sizes", False)
    loss = _layers("common.time_layers").TimeSoftmaxWithLoss()
    with fasts2s.patched("numpy"):
        loss.forward(_random(1, rows, V), np.zeros((1, rows), int))
        assert _entry("TimeSoftmaxWithLoss").calls == calls
