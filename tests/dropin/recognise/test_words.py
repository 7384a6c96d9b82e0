"""Chapter 4 in readers' own words: its classes, its loop and its functions, by what they do."""

import contextlib
import importlib
import io
import random
import sys

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin.recognise import book_code, draws
from fasts2s.dropin.replace import originals
from fasts2s.dropin.settings import installed
from tests.dropin.recognise import mutants, word_judge
from tests.dropin.recognise.conftest import WORDS, entries
from tests.dropin.recognise.variations import varied
from tests.dropin.recognise.word_variations import DIFFERENT, SAME

#: Those that a loop goes past, and those in which something is replaced: these alone are in the report.
PASSED, NAMES = (
    {"SigmoidWithLoss", "EmbeddingDot", "NegativeSamplingLoss", "CBOW", "SkipGram"},
    {"UnigramSampler", "Trainer"},
)


def _is_replaced(found):
    return found in installed if isinstance(found, type) else bool(originals.of(found))


def test_all_of_it_is_known(words):
    module = words(WORDS)
    found = entries()
    assert {n: (found[n].status, found[n].reason) for n in NAMES} == dict.fromkeys(NAMES, ("replaced", ""))
    assert {name for name in NAMES if found[name].by_meaning} == NAMES
    assert not PASSED & found.keys()
    assert all(_is_replaced(getattr(module, name)) for name in (*PASSED, *NAMES, "ppmi", "remove_duplicate"))


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_replaced(words, name):
    kind, *pairs = SAME[name]
    module = words(varied(WORDS, *pairs))
    assert kind in PASSED or (entries()[kind].status, entries()[kind].reason) == ("replaced", "")
    assert _is_replaced(getattr(module, kind))
    _compare(module, kind)


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_left(words, name):
    kind, reason, *pairs = DIFFERENT[name]
    module = words(varied(WORDS, *pairs))
    assert entries()[kind].status == "left as is"
    assert reason in entries()[kind].reason
    assert not _is_replaced(getattr(module, kind))


def _compare(module, kind):
    ours = mutants.behaviour(getattr(module, kind), kind)
    if kind != "ppmi":
        assert entries()["Trainer"].calls > 0  # the chain is whole: the loop is ours
    fasts2s.unpatch()
    assert mutants.alike(mutants.behaviour(getattr(module, kind), kind), ours)


@pytest.mark.parametrize("name", mutants.WORDS)
def test_no_mutant_is_replaced_wrongly(words, name):
    for what, mutant in random.Random(3).sample(mutants.mutants(WORDS, name), 3):
        module = words(mutant)
        found = getattr(module, name)
        ours = mutants.behaviour(found, name)
        replaced = _is_replaced(found)
        fasts2s.unpatch()
        assert not replaced or mutants.alike(mutants.behaviour(found, name), ours), what
        del sys.modules["my_words"]


_LAST = ("for iters in range(max_iters):", "for iters in range(max_iters + 1):")
_SCALAR = (
    "            self.current_epoch += 1\n",
    "            self.current_epoch += 1\n            x, t = x - 100, t - 100\n",
)


@pytest.mark.parametrize("pair", [_LAST, _SCALAR], ids=["an empty batch", "ids that are none"])
def test_a_batch_that_ours_is_not_made_for_is_the_models_own(words, pair):
    """From then on the model runs, as if it had always: weights, gradients, layers, generator."""
    module = words(varied(WORDS, pair))
    assert entries()["Trainer"].status == "replaced"

    def train():
        found = []
        corpus = np.random.default_rng(4).permutation(np.arange(60) % word_judge.V)
        contexts, target = np.stack([corpus[:-1], corpus[1:]], axis=1)[:45], corpus[:45].copy()
        np.random.seed(6)
        model = module.CBOW(word_judge.V, 4, 1, corpus)
        trainer = module.Trainer(model, module.SGD())
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"), contextlib.suppress(IndexError):
            trainer.fit(contexts, target, max_epoch=2, batch_size=9, eval_interval=1)
        assert trainer.model is model
        word_judge._note([model, trainer, np.random.random_sample(3)], found)
        return found

    ours = train()
    assert entries()["Trainer"].calls == 1
    fasts2s.unpatch()
    assert mutants.alike(train(), ours)


def test_layers_that_share_what_they_keep_are_the_models_own(words):
    """One loss for all words: in backward each finds what the last has left."""
    own = "            self.loss_layers.append(SigmoidWithLoss())\n"
    shared = ("            self.loss_layers.append(one)\n", "        one = SigmoidWithLoss()\n        for _ in")
    module = words(varied(WORDS, (own, shared[0]), ("        for _ in", shared[1])))
    ours = mutants.behaviour(module.CBOW, "CBOW")
    assert entries()["Trainer"].calls == 0
    fasts2s.unpatch()
    assert mutants.alike(mutants.behaviour(module.CBOW, "CBOW"), ours)


class _Gathers:
    """Stands for ``remove_duplicate``."""

    heard = 0

    def __new__(cls, params, grads):
        cls.heard += 1
        return params[:1], grads[:1]


def test_classes_that_a_loop_goes_past_are_judged_when_one_begins(words):
    module = words(varied(WORDS, ("        self.y = sigmoid", "        self.x = x\n        self.y = sigmoid")))
    fasts2s.unpatch()
    fasts2s.patch("numpy")
    assert not any(_is_replaced(getattr(module, name)) for name in PASSED)
    assert "SigmoidWithLoss" not in entries()
    word_judge._training(module, "CBOW", 0, [])
    assert _is_replaced(module.EmbeddingDot)
    assert not _is_replaced(module.SigmoidWithLoss)
    assert "attributes" in entries()["SigmoidWithLoss"].reason


def test_strict_judges_them_at_once(words):
    text = varied(WORDS, ("        self.y = sigmoid", "        self.x = x\n        self.y = sigmoid"))
    words(text)
    fasts2s.unpatch()
    with pytest.raises(fasts2s.FallbackError, match="SigmoidWithLoss was left as it is"):
        fasts2s.patch("numpy", strict=True)


def test_an_exchanged_function_is_heard(words):
    module, heard = words(WORDS), []
    theirs = module.remove_duplicate
    module.remove_duplicate = _Gathers
    word_judge._training(module, "CBOW", 0, [])
    assert _Gathers.heard
    module.remove_duplicate = lambda params, grads: (heard.append(1), theirs(params, grads))[1]
    word_judge._training(module, "CBOW", 0, [])
    assert entries()["Trainer"].calls == 0
    assert heard


@pytest.mark.parametrize("size", ["np.array(sample_size)", "np.int64(sample_size)"])
def test_a_number_of_words_that_is_no_number_of_pythons(words, size):
    line = "        self.sample_size = {}\n        self.sampler"
    module = words(varied(WORDS, (line.format("sample_size"), line.format(size))))
    ours = mutants.behaviour(module.CBOW, "CBOW")
    assert entries()["Trainer"].calls == 0
    fasts2s.unpatch()
    assert mutants.alike(mutants.behaviour(module.CBOW, "CBOW"), ours)


def test_an_exchanged_generator_is_heard(words, monkeypatch):
    sampler = words(WORDS).UnigramSampler(np.arange(9), 1.0, 3)
    monkeypatch.setattr(np.random, "choice", lambda *args, **kwargs: [7, 7, 7])
    assert (sampler.get_negative_sample(np.array([1, 2])) == 7).all()


def test_trying_a_sampler_leaves_the_generator_alone(words):
    np.random.seed(1)
    expected = np.random.random_sample()
    np.random.seed(1)
    choice = np.random.choice
    words(WORDS)
    assert np.random.choice is choice
    assert np.random.random_sample() == expected


@pytest.mark.parametrize("sizes", [(12, 3), (200, 5), (5, 4)], ids=str)
@pytest.mark.parametrize("power", [0.0, 0.75, 1.0])
def test_a_sampler_draws_the_same_words_and_leaves_the_same_generator(words, sizes, power):
    module, (V, size) = words(WORDS), sizes
    corpus = np.random.default_rng(2).permutation(np.append(np.arange(V), np.arange(7 * V) // 5 % V))

    def draw():
        np.random.seed(5)
        sampler = module.UnigramSampler(corpus, power, size)
        return [sampler.get_negative_sample(np.arange(n) % V) for n in (1, 40, 7)], np.random.random_sample()

    ours, after = draw()
    assert entries()["UnigramSampler"].calls == 3
    fasts2s.unpatch()
    theirs, same = draw()
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(ours, theirs, strict=True))
    assert after == same


def test_what_cannot_be_tried_is_said():
    def get_negative_sample(self, target):
        raise KeyError("no")

    assert "cannot be tried (KeyError" in draws.difference(type("Sampler", (), {}), get_negative_sample)


# ---- functions ----------------------------------------------------------------------------------------------------

_COUNTS = np.random.default_rng(3).integers(0, 3, (11, 11)).astype(np.int32)


@pytest.mark.parametrize(
    "call", [{"C": _COUNTS}, {"verbose": True, "C": _COUNTS}, {"C": _COUNTS, "eps": 1e-3}], ids=len
)
def test_ppmi_by_names(words, capsys, call):
    module = words(WORDS)
    ours, said = module.ppmi(**call), capsys.readouterr().out
    assert entries()["ppmi"].calls == 1
    fasts2s.unpatch()
    assert np.array_equal(module.ppmi(**call), ours)
    assert capsys.readouterr().out == said
    assert bool(said) == call.get("verbose", False)


def test_a_remainder_of_zero_is_the_readers_own_error(words):
    """``total // 10`` of nine pairs: the first edition of the book raises, where it is to say how far it is."""
    module = words(varied(WORDS, ("total // 10 + 1", "total // 10")))
    assert np.array_equal(module.ppmi(_COUNTS[:3, :3]), module.ppmi(_COUNTS[:3, :3], False))
    with pytest.raises(ZeroDivisionError):
        module.ppmi(_COUNTS[:3, :3], True)


_GATHER = """
def remove_duplicate(params, grads):
    '''One of each.'''
    params, grads = params[:], grads[:]
    for i in range(0, len(params)):
        for j in reversed(range(i + 1, len(params))):
            if params[i].ndim == 2 and params[j].ndim == 2 and params[i] is params[j]:
                grads[i] += grads[j]
                del params[j], grads[j]
    return params, grads
"""
_IF = "            if params[i].ndim == 2 and params[j].ndim == 2 and params[i] is params[j]:\n"
_NESTED = "            if params[i].ndim == 2 and params[j].ndim == 2:\n              if params[i] is params[j]:\n"
_FROM_0 = ("range(0, len(params))", "range(len(params))")
_OTHER_WORDS = {
    "range without a start": (True, _FROM_0),
    "one if inside another": (True, (_IF, _NESTED)),
    "a text that is no docstring": (True, ("    params, grads =", "    'Begin.'\n    params, grads =")),
    "all of it": (True, _FROM_0, (_IF, _NESTED), ("    return", "    'End.'\n    return")),
    "an else": (False, (_IF, _NESTED), ("    return", "              else:\n                continue\n    return")),
    "another start": (False, ("range(0, len(params))", "range(1, len(params))")),
    "a range of its own": (False, _FROM_0, ("\ndef", "range = list\n\ndef")),
}  # fmt: skip


@pytest.mark.parametrize("name", _OTHER_WORDS)
def test_the_same_in_other_words(reader, monkeypatch, name):
    same, *pairs = _OTHER_WORDS[name]
    monkeypatch.setattr(book_code, "_known", word_judge.known(_GATHER).copy)
    module = reader(varied(_GATHER, *pairs), "trainer")
    assert entries()["remove_duplicate"].status == ("replaced" if same else "left as is")
    assert _is_replaced(module.remove_duplicate) == same
    assert "trainer" in sys.modules and importlib.import_module("trainer") is module
