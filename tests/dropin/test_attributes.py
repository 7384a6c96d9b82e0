"""What a script finds in the attributes of models and layers after each call: plain and replaced.

All attributes are listed, those of parts and of the layers of single steps as well: names as ``vars`` has them, and
values as they are read. With FASTS2S_BOOK also those of that checkout.
"""

import copy
import importlib
import pickle
import sys
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackWarning
from tests.dropin.test_references import BACKENDS, library

__all__ = ["library"]  # the fixture
V, D, H, N, T = 13, 6, 16, 32, 5
MODELS = {"Seq2seq": "seq2seq", "PeekySeq2seq": "peeky_seq2seq", "AttentionSeq2seq": "attention_seq2seq"}
_LOOP = """
from common.util import eval_seq2seq

def run(model, x, t, chars):
    right = 0
    for i in range(len(x)):
        question, correct = x[[i]], t[[i]]
        right += eval_seq2seq(model, question, correct, chars)
    return right
"""


def _read(value, path="", backwards=False, of_step=False):
    """Return path -> (kind, value) of everything that can be read from a value."""
    if isinstance(value, np.ndarray):
        return {path: ("array", value.dtype, value.copy())}
    if isinstance(value, list | tuple):
        found = {path: (type(value).__name__, len(value))}
        for k, one in enumerate(value):
            found |= _read(one, f"{path}[{k}]", backwards, of_step)
        return found
    if hasattr(value, "__dict__") and not isinstance(value, type | np.generic) and not callable(value):
        names = sorted(vars(value), reverse=backwards)
        found = {path: (type(value).__name__, sorted(names))}
        for name in names:
            got = getattr(value, name)
            if of_step and name == "grads":  # those of single steps, which ours sum up at once
                got = [(g.dtype, g.shape) for g in got]
            found |= _read(got, f"{path}.{name}", backwards, of_step or name == "layers")
        return found
    return {path: (type(value).__name__, value)}


def _differences(expected, found):
    """Return the paths at which two listings differ, and how."""
    wrong = {f"{path}: only in {'plain' if path in expected else 'ours'}" for path in expected.keys() ^ found.keys()}
    for path in expected.keys() & found.keys():
        a, b = expected[path], found[path]
        if a[0] != "array" or b[0] != "array":
            same = a == b or (a[:1] == b[:1] == ("float",) and np.isclose(a[1], b[1], rtol=1e-5))
        else:
            same = a[1] == b[1] and a[2].shape == b[2].shape and np.allclose(a[2], b[2], rtol=1e-4, atol=1e-5)
        if not same:
            wrong.add(f"{path}: {[x if k < 2 else np.shape(x) for k, x in enumerate(a)]} and "
                      f"{[x if k < 2 else np.shape(x) for k, x in enumerate(b)]}")  # fmt: skip
    return sorted(wrong)


def _sources(rows=N):
    # No two begin alike: else the encoder's steps are shared, and what has no meaning for rows is None.
    rng = np.random.default_rng(5)
    first = np.arange(rows)[:, None] % V
    return np.concatenate((first, rng.integers(0, V, (rows, T - 1))), axis=1)


def _targets(rows=N):
    return np.random.default_rng(6).integers(0, V, (rows, 4))


def _forward(model):
    model.forward(_sources(), _targets())


def _backward(model):
    _forward(model)
    model.backward()


def _generate(model):
    model.generate(_sources(3)[2:], 7, 6)


def _generate_nothing(model):
    model.generate(_sources(3)[2:], 7, 0)


def _generate_from_context(model):
    # What was given is changed afterwards: the book has used it up by then.
    context = model.encoder.forward(_sources(3)[1:2]).copy()
    model.decoder.generate(context, 7, 6)
    context *= 0


def _generate_from_a_buffer(model):
    question = _sources(3)[2:].copy()
    model.generate(question, 7, 6)
    question[...] = 1


def _evaluate(model):
    sys.modules["loop_of_test"].run(model, _sources(40), _targets(40), list("abcdefghijklm"))


def _a_question_in_between(model):
    _backward(model)
    _generate(model)


def _a_step_of_the_encoder(model):
    _generate(model)
    model.encoder.forward(_sources(4))


def _a_state_that_is_set(model):
    _generate(model)
    model.decoder.lstm.set_state(np.ones((1, H), "f"))
    model.encoder.lstm.reset_state()


def _a_layer_that_is_used(model):
    _generate(model)
    model.decoder.lstm.forward(np.ones((1, 2, model.decoder.lstm.params[0].shape[0]), "f"))
    model.encoder.embed.forward(_sources(4))


def _shared_encoder(model):
    other = copy.deepcopy(model)
    other.encoder = model.encoder
    _generate(model)
    other.generate(_sources(5)[4:], 3, 2)


def _a_deepcopy(model):
    _generate(model)
    vars(model).update(vars(copy.deepcopy(model)))


def _a_pickle(model):
    _generate(model)
    vars(model).update(vars(pickle.loads(pickle.dumps(model))))


STAGES = (
    _forward, _backward, _generate, _generate_nothing, _generate_from_context, _generate_from_a_buffer, _evaluate,
    _a_question_in_between, _a_step_of_the_encoder, _a_state_that_is_set, _a_layer_that_is_used, _shared_encoder,
    _a_deepcopy, _a_pickle,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _loop(tmp_path, monkeypatch):
    (tmp_path / "loop_of_test.py").write_text(_LOOP)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("loop_of_test", None)


def _model(kind):
    np.random.seed(4)
    return getattr(importlib.import_module(MODELS[kind]), kind)(V, D, H)


def _both(backend, make, *stages, backwards=False):
    """Return what a model holds after some calls, by the book's code and by ours."""
    importlib.invalidate_caches()
    importlib.import_module("common.util")
    listings = []
    for plain in (True, False):
        sys.modules.pop("loop_of_test", None)
        with warnings.catch_warnings(), fasts2s.patched(backend):
            warnings.simplefilter("ignore", FallbackWarning)
            if plain:
                fasts2s.unpatch()
            importlib.import_module("loop_of_test")
            model = make()
            for stage in stages:
                stage(model)
            listings.append(_read(model, backwards=backwards))
            fallbacks = {e.name: e.fallbacks for e in fasts2s.status().entries if e.fallbacks}
        assert not fallbacks
    return listings


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", MODELS)
def test_attributes_of_a_model(library, kind, backend, stage):
    plain, ours = _both(backend, lambda: _model(kind), _backward, stage)
    assert _differences(plain, ours) == []


@pytest.mark.parametrize("stage", [_generate, _evaluate, _a_step_of_the_encoder])
@pytest.mark.parametrize("kind", MODELS)
def test_attributes_read_in_another_order(library, kind, stage):
    plain, ours = _both("numpy", lambda: _model(kind), _backward, stage, backwards=True)
    assert _differences(plain, ours) == []


@pytest.mark.parametrize("kind", MODELS)
def test_attributes_after_every_call(library, kind):
    # What was read is made; the next call goes on from there.
    stages = [call for stage in STAGES for call in (stage, _read)]
    plain, ours = _both("numpy", lambda: _model(kind), *stages)
    assert _differences(plain, ours) == []


# ---- language models ----------------------------------------------------------------------------------------------


def _words(model):
    model.forward(_sources(4)[:, :-1], _sources(4)[:, 1:])


def _words_backward(model):
    _words(model)
    model.backward()


class _Drawn(np.ndarray):
    """What the book makes a word of, which NumPy 2.4 and newer refuse."""

    def __int__(self):
        return int(self.item())


def _text(model):
    model.reset_state()
    np.random.seed(8)
    with pytest.MonkeyPatch.context() as patch:
        if not fasts2s.is_patched():
            draw = np.random.choice
            patch.setattr(np.random, "choice", lambda *args, **kwargs: draw(*args, **kwargs).view(_Drawn))
        model.generate(3, [1, 2], 6)


def _perplexity(model):
    eval_perplexity = importlib.import_module("common.util").eval_perplexity
    model.reset_state()
    eval_perplexity(model, np.arange(200) % V, 2, 5)


@pytest.mark.parametrize("stage", [_words, _words_backward, _text, _perplexity])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["RnnlmGen", "BetterRnnlmGen"])
def test_attributes_of_a_language_model(library, kind, backend, stage):
    found = getattr(importlib.import_module("rnnlm_gen"), kind, None)
    if found is None:
        pytest.skip(f"the small library has no {kind}")

    def make():
        np.random.seed(4)
        return found(V, D, H) if kind == "RnnlmGen" else found(V, H, H)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, ours = _both(backend, make, _words_backward, stage)
    assert _differences(plain, ours) == []
