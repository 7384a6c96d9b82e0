"""Models learn what they should, and a copy of a half-trained model learns on as the original does."""

import copy
import pickle

import numpy as np
import pytest

from fasts2s.backend import to_cpu
from fasts2s.corpus import tiny_corpus
from fasts2s.evaluation import exact_answers
from fasts2s.generation import greedy
from fasts2s.layers import softmax
from fasts2s.models import (
    AttentionSeq2seq,
    BetterRnnlm,
    BetterRnnlmGen,
    PeekySeq2seq,
    Rnnlm,
    RnnlmGen,
    Seq2seq,
    SimpleRnnlm,
)
from fasts2s.optimizers import Adam
from fasts2s.sequence import encode
from fasts2s.trainer import Trainer
from tests.sides import skip_on_the_stand_in

SEQ2SEQ = [Seq2seq, PeekySeq2seq, AttentionSeq2seq]
LANGUAGE = [SimpleRnnlm, Rnnlm, BetterRnnlm, RnnlmGen, BetterRnnlmGen]


def test_a_language_model_learns_a_sentence_that_needs_a_memory(backend):
    skip_on_the_stand_in(backend)  # its first steps are below
    corpus, word_to_id, id_to_word = tiny_corpus()
    np.random.seed(1)
    model = Rnnlm(len(word_to_id), 8, 16, backend=backend)
    trainer = Trainer(model, Adam(lr=0.02, backend=backend))
    losses = []
    for _ in range(150):
        model.reset_state()
        losses.append(trainer.train_step(corpus[None, :-1], corpus[None, 1:], max_grad=5.0))
    assert losses[0] > 1.5
    assert losses[-1] < 0.05

    def probabilities(words):
        model.reset_state()
        return softmax(to_cpu(model.predict(np.array([[word_to_id[w] for w in words.split()]])))[0, -1])

    assert id_to_word[int(probabilities("you say goodbye and i").argmax())] == "say"
    assert probabilities("you say")[word_to_id["goodbye"]] > 0.9
    assert probabilities("you say goodbye and i say")[word_to_id["hello"]] > 0.9
    start, stop = np.array([word_to_id["you"]]), word_to_id["<eos>"]
    (said,) = greedy(model.step, None, start, 50, stop_id=stop, backend=backend)
    assert " ".join(id_to_word[i] for i in said) == "say goodbye and i say hello <eos>"


LETTERS = {c: i for i, c in enumerate("0123456789+_ ")}


def ten_additions(rng):
    """The operands, questions (10, 7), answers (10, 5)."""
    sums = [(int(a), int(b)) for a, b in rng.integers(0, 1000, (10, 2))]
    xs = np.array([encode(f"{a}+{b}", LETTERS, 7) for a, b in sums])
    return sums, xs, np.array([encode(f"_{a + b}", LETTERS, 5) for a, b in sums])


def trainer_of(make, backend, **options):
    np.random.seed(1)
    return Trainer(make(13, 16, 32, backend=backend), Adam(lr=0.02, backend=backend), **options)


@pytest.mark.parametrize("make", SEQ2SEQ)
def test_a_model_overfits_ten_additions(make, backend, rng):
    skip_on_the_stand_in(backend)  # its first steps are below
    sums, xs, ts = ten_additions(rng)
    trainer = trainer_of(make, backend)
    model = trainer.model
    assert exact_answers(model, xs, ts).sum() <= 1
    trainer.fit(xs, ts, max_epoch=300, batch_size=10, max_grad=5.0, eval_interval=None)
    assert exact_answers(model, xs, ts).sum() == 10
    letter_of = {i: c for c, i in LETTERS.items()}
    answer = "".join(letter_of[i] for i in model.generate(xs[:1], LETTERS["_"], 4))
    assert answer.strip() == str(sum(sums[0]))


@pytest.mark.parametrize("make", [*SEQ2SEQ, Rnnlm])
def test_the_first_steps_of_learning_are_those_of_numpy(make, backend, rng):
    # Whoever learns as numpy does learns what numpy learns: the stand-in for a GPU takes minutes for all of it.
    _, xs, ts = ten_additions(rng)
    came = {}
    for name in {"numpy", backend}:
        losses = came[name] = []
        trainer = trainer_of(make, name, on_step=losses.append)
        for _ in range(12):
            trainer.train_step(xs, ts if make is not Rnnlm else xs, max_grad=5.0)
    assert came[backend] == pytest.approx(came["numpy"], rel=1e-4)
    assert came[backend][-1] < 0.95 * came[backend][0]


def by_pickle(value):
    return pickle.loads(pickle.dumps(value))


def trained(make):
    np.random.seed(1)
    model = make(11, 7, 7)
    trainer = Trainer(model, Adam(lr=0.01))
    steps(trainer, 3, seed=1)
    return trainer


def steps(trainer, count, seed):
    np.random.seed(seed)  # dropout
    rng = np.random.default_rng(seed)
    return [trainer.train_step(*rng.integers(0, 11, (2, 3, 5)), max_grad=0.5) for _ in range(count)]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])
@pytest.mark.parametrize("make", [*SEQ2SEQ, *LANGUAGE])
def test_a_copy_learns_on_as_the_original(make, duplicate):
    trainer = trained(make)
    other = duplicate(trainer)
    before = [p.copy() for p in trainer.model.params]
    mine = steps(other, 3, seed=2)
    assert all(np.array_equal(p, q) for p, q in zip(trainer.model.params, before, strict=True))  # no memory shared
    assert steps(trainer, 3, seed=2) == mine
    for k, (p, q) in enumerate(zip(trainer.model.params, other.model.params, strict=True)):
        assert np.array_equal(p, q), f"params[{k}]"


@pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])
@pytest.mark.parametrize("make", [BetterRnnlm, BetterRnnlmGen])
def test_a_copy_keeps_its_tied_weights(make, duplicate):
    model = duplicate(trained(make).model)
    model.params[0][2, 3] = 5
    assert model.params[7][3, 2] == 5
    assert model.layers[0].W is model.layers[0].params[0] is model.params[0]
    assert model.layers[-1].params[0] is model.params[7]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])
@pytest.mark.parametrize("make", [*SEQ2SEQ, *LANGUAGE])
def test_lists_of_a_copy_are_the_arrays_of_its_layers(make, duplicate):
    model = duplicate(trained(make).model)
    held = [(a, b) for _, layer in model.named_layers() for a, b in zip(layer.params, layer.grads, strict=True)]
    assert [(id(a), id(b)) for a, b in held] == [
        (id(p), id(g)) for p, g in zip(model.params, model.grads, strict=True)
    ]
    assert model.backend == trained(make).model.backend
