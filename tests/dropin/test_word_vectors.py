"""Chapter 4: word2vec with negative sampling, trained by the book's own loop, computes the book's numbers."""

import importlib
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackWarning
from fasts2s.dropin.run.verify import difference

MODELS = {"CBOW": "ch04.cbow", "SkipGram": "ch04.skip_gram"}
V, H, WINDOW = 30, 5, 2


def _entry(name):
    (entry,) = [e for e in fasts2s.status().entries if e.name == name]
    return entry


def _corpus():
    return np.append(np.arange(V), np.random.default_rng(5).zipf(1.5, 170) % V)


class _Training:
    """A model and all that is needed to train it."""

    def __init__(self, name, optimizer="Adam", corpus=None, hidden=H):
        np.random.seed(3)
        corpus = _corpus() if corpus is None else corpus
        util, trainer = importlib.import_module("common.util"), importlib.import_module("common.trainer")
        self.contexts, self.target = util.create_contexts_target(corpus, WINDOW)
        self.model = getattr(importlib.import_module(MODELS[name]), name)(V, hidden, WINDOW, corpus)
        self.optimizer = getattr(importlib.import_module("common.optimizer"), optimizer)(0.01)
        self.trainer = trainer.Trainer(self.model, self.optimizer)

    def fit(self, **options):
        self.trainer.fit(self.contexts, self.target, **{"max_epoch": 2, "batch_size": 20, **options})

    def left(self):
        """Return everything that somebody can see afterwards."""
        model = self.model
        words = getattr(model, "in_layers", None) or [model.in_layer]
        losses = model.loss_layers if hasattr(model, "in_layer") else [model.ns_loss]
        dots = [dot for layer in losses for dot in layer.embed_dot_layers]
        sigmoids = [loss for layer in losses for loss in layer.loss_layers]
        return {
            "losses": self.trainer.loss_list,
            "params": model.params,
            "grads": model.grads,
            "idx": [layer.idx for layer in [*words, *(dot.embed for dot in dots)]],
            "cache": [list(dot.cache) for dot in dots],
            "y, t, loss": [[loss.y, loss.t, loss.loss] for loss in sigmoids],
            "shares": [layer.sampler.word_p for layer in losses],
            "random": [np.random.random_sample()],
        }


def _compare(found, expected):
    for name, value in expected.items():
        assert difference(found[name], value) < 1e-5, name


@pytest.mark.parametrize("options", [{}, {"max_grad": 0.05}, {"batch_size": 7, "max_epoch": 1}], ids=str)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", MODELS)
def test_a_training_is_the_books(book, capsys, name, backend, options):
    plain = _Training(name)
    plain.fit(**options)
    expected, printed = plain.left(), capsys.readouterr().out
    with fasts2s.patched(backend), warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = _Training(name)
        ours.fit(**options)
        assert _entry("Trainer").calls == 1
        assert ours.trainer.model is ours.model
        found = ours.left()
        assert not vars(ours.model).keys() - vars(plain.model).keys()
        assert capsys.readouterr().out == printed
    _compare(found, expected)
    assert [a.dtype for a in found["idx"]] == [a.dtype for a in expected["idx"]]
    pairs = zip(found["y, t, loss"], expected["y, t, loss"], strict=True)
    assert all([a.dtype for a in ours] == [a.dtype for a in theirs] for ours, theirs in pairs)


@pytest.mark.parametrize("name", MODELS)
def test_a_loop_of_no_steps_leaves_everything_as_it_was(book, name):
    with fasts2s.patched("numpy"):
        training = _Training(name)
        training.model.grads[0][...] = 7
        training.trainer.fit(training.contexts, training.target, 0)
        assert training.trainer.model is training.model
        assert (training.model.grads[0] == 7).all()


@pytest.mark.parametrize("name", MODELS)
def test_it_goes_on_by_hand_as_in_the_book(book, name):
    """A step by hand before, and a backward by itself after the loop: nothing of ours is in its way."""

    def train():
        training = _Training(name)
        model = training.model
        model.forward(training.contexts[:4], training.target[:4])
        model.backward()
        training.fit()
        model.backward()
        left = training.left()
        left["grads"] = [g.copy() for g in model.grads]
        left["loss"] = [model.forward(training.contexts[:4], training.target[:4])]
        training.fit(max_epoch=1)
        return left, training.left()

    expected = train()
    with fasts2s.patched("numpy"):
        found = train()
        assert _entry("Trainer").calls == 2
    for ours, theirs in zip(found, expected, strict=True):
        _compare(ours, theirs)


def test_arguments_may_be_given_by_name_alone(book):
    with fasts2s.patched("numpy"):
        training = _Training("CBOW")
        training.trainer.fit(max_grad=0.5, t=training.target, x=training.contexts)
        assert _entry("Trainer").calls == 1


class _Decay:
    """An optimiser of a reader's own, which changes gradients."""

    def update(self, params, grads):
        for p, g in zip(params, grads, strict=True):
            g += 0.1 * p
            p -= g


def _own_optimizer(training):
    training.trainer.optimizer = _Decay()


def _own_update(training):
    training.optimizer.update = _Decay().update


def _own_forward(training):
    forward = training.model.forward
    training.model.forward = lambda *batch: 2 * forward(*batch)


def _own_layer_method(training):
    words = getattr(training.model, "in_layers", None) or [training.model.in_layer]
    forward = words[0].forward
    words[0].forward = lambda idx: 2 * forward(idx)


def _words_from_the_end(training):
    training.contexts = training.contexts - V


def _one_gradient_for_two(training):
    training.model.grads[0] = training.model.grads[0].copy()


CHANGES = {
    "an optimiser of its own": _own_optimizer,
    "an update of its own": _own_update,
    "a forward of its own": _own_forward,
    "a layer with a forward of its own": _own_layer_method,
    "ids that count from the end": _words_from_the_end,
    "gradients that are not the layers'": _one_gradient_for_two,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_the_books_trains_by_the_books_code(book, change):
    def train():
        training = _Training("CBOW")
        CHANGES[change](training)
        training.fit()
        return training.left()

    expected = train()
    with fasts2s.patched("numpy"):
        found = train()
        assert _entry("Trainer").calls == 0
    _compare(found, expected)


def test_a_square_matrix_is_left_to_the_book(book):
    """As wide as there are words: the book looks whether one matrix is the transpose of the other."""

    def train():
        training = _Training("CBOW", hidden=V)
        training.fit(max_epoch=1)
        return training.left()

    expected = train()
    with fasts2s.patched("numpy"):
        _compare(train(), expected)
        assert _entry("Trainer").calls == 0


def test_an_exchanged_function_is_heard(book):
    with fasts2s.patched("numpy"):
        training, heard = _Training("CBOW"), []
        trainer = importlib.import_module("common.trainer")
        theirs = trainer.remove_duplicate
        trainer.remove_duplicate = lambda params, grads: (heard.append(1), theirs(params, grads))[1]
        training.fit(max_epoch=1)
        assert _entry("Trainer").calls == 0
        assert heard


class _Stops(list):
    """A list of losses that somebody interrupts at the third."""

    def append(self, loss):
        super().append(loss)
        if len(self) == 3:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_the_model_whole(book):
    with fasts2s.patched("numpy"):
        training = _Training("SkipGram")
        training.trainer.loss_list = _Stops()
        with pytest.raises(KeyboardInterrupt):
            training.fit()
        assert _entry("Trainer").calls == 1
        assert training.trainer.model is training.model
        found = training.left()
    plain = _Training("SkipGram")
    plain.trainer.loss_list = _Stops()
    with pytest.raises(KeyboardInterrupt):
        plain.fit()
    _compare(found, plain.left())


def test_verify_compares_the_steps(book):
    with fasts2s.patched("numpy", verify=True):
        training = _Training("CBOW")
        training.fit(max_epoch=1)
        assert _entry("Embedding").checked > 0
        assert _entry("UnigramSampler").checked > 0
        assert _entry("Trainer").calls == 0


def _sampler(size=3, corpus=None):
    module = importlib.import_module("ch04.negative_sampling_layer")
    return module.UnigramSampler(_corpus() if corpus is None else corpus, 0.75, size)


def test_a_sampler_whose_shares_are_changed(book):
    def draw():
        np.random.seed(8)
        sampler = _sampler()
        first = sampler.get_negative_sample(np.arange(20))
        sampler.word_p[:20] = 0
        return first, sampler.get_negative_sample(np.arange(20))

    expected = draw()
    with fasts2s.patched("numpy"):
        found = draw()
        assert _entry("UnigramSampler").calls == 3
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(found, expected, strict=True))


def test_a_sampler_with_too_few_words_raises_the_books_error(book):
    corpus = np.array([0, 1, 1, 2])
    with pytest.raises(ValueError, match="p") as plain:
        _sampler(3, corpus).get_negative_sample(np.array([0]))
    with fasts2s.patched("numpy"), pytest.raises(ValueError, match="p") as found:
        _sampler(3, corpus).get_negative_sample(np.array([0]))
    assert str(found.value) == str(plain.value)


@pytest.mark.parametrize("target", [[V], [-1], [[1, 2]]], ids=str)
def test_targets_that_are_no_words(book, target):
    def draw():
        np.random.seed(2)
        try:
            return _sampler().get_negative_sample(np.array(target))
        except (IndexError, ValueError) as error:
            return str(error)

    expected = draw()
    with fasts2s.patched("numpy"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(draw(), expected)


def test_another_choice_is_heard(book, monkeypatch):
    with fasts2s.patched("numpy"):
        sampler = _sampler()
        monkeypatch.setattr(np.random, "choice", lambda *args, **kwargs: [7, 7, 7])
        assert (sampler.get_negative_sample(np.array([1, 2])) == 7).all()


def test_where_numpy_raises_errors_the_books_code_runs(book):
    with fasts2s.patched("numpy"):
        training = _Training("CBOW")
        with np.errstate(all="raise"), pytest.warns(FallbackWarning, match="asked to raise"):  # of the layers
            training.fit(max_epoch=1)
        entry = _entry("Trainer")
        assert (entry.calls, list(entry.fallbacks)) == (
            0,
            ["NumPy has been asked to raise errors, as by np.errstate"],
        )
