"""Models on the backend cupy: the losses, gradients, weights, answers and files of the numpy backend."""

import copy
import pickle

import numpy as np
import pytest

from fasts2s import evaluation, generation, models
from fasts2s.backend import to_cpu
from fasts2s.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    Momentum,
    Nesterov,
    RMSprop,
    clip_grads,
    clip_rate,
    remove_duplicate,
)
from fasts2s.testing import assert_close
from fasts2s.trainer import RnnlmTrainer, Trainer
from tests.device_cases import HOST, LANGUAGE, MODELS, H, N, T, V, device, draw, model_and_batch
from tests.sides import fetch

pytestmark = pytest.mark.usefixtures("shim")


@pytest.mark.parametrize("rows", [N, 9], ids=["few", "many"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_model_computes_what_it_computes_on_the_host(kind, rows):
    results = []
    for name in ("numpy", "cupy"):
        for put_ids in (HOST, device) if name == "cupy" else (HOST,):
            model, xs, ts = model_and_batch(kind, name, rows)
            np.random.seed(8)
            loss = model.forward(put_ids(xs), put_ids(ts))
            model.backward()
            results.append((to_cpu(loss), fetch(model.grads)))
    for loss, grads in results[1:]:
        assert float(loss) == pytest.approx(float(results[0][0]), rel=2e-6)
        for k, (came, expected) in enumerate(zip(grads, results[0][1], strict=True)):
            assert_close(f"gradient {k}", came, expected, "gradient float32")


@pytest.mark.parametrize("kind", MODELS)
def test_training_gives_the_weights_of_the_host(kind, capsys):
    weights, lines = [], []
    for name in ("numpy", "cupy"):
        model, _, _ = model_and_batch(kind, name)
        fit(kind, model, Adam(lr=0.01, backend=name), 3)
        weights.append(fetch(model.params))
        lines.append([line.split("|")[-1] for line in capsys.readouterr().out.splitlines()])
    assert lines[0] == lines[1]
    for k, (came, expected) in enumerate(zip(weights[1], weights[0], strict=True)):
        assert_close(f"parameter {k}", came, expected, 1e-4)


def fit(kind, model, optimizer, steps, **options):
    rng = np.random.default_rng(4)
    np.random.seed(9)
    if kind in LANGUAGE:
        ids = rng.integers(0, V, N * T * steps + 1)
        trainer = RnnlmTrainer(model, optimizer, **options)
        trainer.fit(ids[:-1], ids[1:], 1, N, T, max_grad=0.5, eval_interval=2)
    else:
        xs, ts = rng.integers(1, V, (N * steps, T)), rng.integers(1, V, (N * steps, T + 1))
        trainer = Trainer(model, optimizer, **options)
        trainer.fit(xs, ts, 1, N, max_grad=0.5, eval_interval=2)
    return trainer


@pytest.mark.parametrize("kind", [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam])
def test_optimizers_do_what_they_do_on_the_host(kind):
    f, _ = draw()
    host = [f(5, 7), f(7), f(9, 5).T]
    grads = [f(5, 7), f(7), f(9, 5).T]
    own, own_grads = [device(p) for p in host], [device(g) for g in grads]
    first, second = kind(0.1, backend="numpy"), kind(0.1, backend="cupy")
    for _ in range(3):
        norm, own_norm = clip_grads(grads, None), clip_grads(own_grads, None)
        assert own_norm.shape == ()
        assert float(own_norm) == pytest.approx(norm, rel=1e-6)
        first.update(host, grads, scale=clip_rate(norm, 1.0))
        second.update(own, own_grads, scale=clip_rate(own_norm, 1.0))
    for k, (came, expected) in enumerate(zip(own, host, strict=True)):
        assert_close(f"parameter {k}", came, expected, 1e-5)


def test_weights_are_tied_on_a_device_by_their_memory_alone():
    model, xs, ts = model_and_batch("BetterRnnlm", "cupy")
    model.forward(xs, ts)
    model.backward()
    host = fetch(model.grads)
    params, grads = remove_duplicate(model.params, model.grads)
    assert len(params) == len(model.params) - 1
    assert_close("shared gradient", grads[0], host[0] + host[-2].T, 1e-6)
    assert model.parameter_count() == model_and_batch("BetterRnnlm", "numpy")[0].parameter_count()
    zeros = [device(np.zeros((3, 4))), device(np.zeros((4, 3)))]
    assert len(remove_duplicate(zeros, [device(np.zeros((3, 4))), device(np.zeros((4, 3)))])[0]) == 2


def trained(kind, backend):
    """A model with weights large enough to have opinions, the same on every backend."""
    model, xs, ts = model_and_batch(kind, backend, 6)
    rng = np.random.default_rng(12)
    model.set_params([rng.standard_normal(p.shape).astype(np.float32) for p in model.params])
    return model, xs, ts


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind not in LANGUAGE])
def test_answers_are_those_of_the_host(kind):
    host, xs, ts = trained(kind, "numpy")
    model, _, _ = trained(kind, "cupy")
    answers = host.generate_batch(xs, 1, 8)
    for given in (xs, device(xs)):
        assert model.generate_batch(given, 1, 8) == answers
        assert model.generate_batch(given, 1, 8, stop_id=4) == host.generate_batch(xs, 1, 8, stop_id=4)
        assert model.generate(given[:1], 1, 8) == host.generate(xs[:1], 1, 8)
    context = model.encoder.encode(*model._source(xs))
    assert model.decoder.generate(context[2:3], 1, 8) == answers[2]  # a row without padding
    right = evaluation.exact_answers(host, xs, ts, batch_size=4)
    assert evaluation.exact_answers(model, device(xs), device(ts), batch_size=4).tolist() == right.tolist()
    characters = dict(enumerate("abcdefghijk"))
    asked = [evaluation.eval_seq2seq(model, q[None], t[None], characters) for q, t in zip(xs, ts, strict=True)]
    assert asked == right.astype(int).tolist()
    assert evaluation.eval_seq2seq(model, device(xs[:1]), device(ts[:1]), characters, verbose=True) == asked[0]


@pytest.mark.parametrize("kind", ["Rnnlm", "SimpleRnnlm", "BetterRnnlm"])
def test_text_and_perplexity_are_those_of_the_host(kind):
    host, _, _ = trained(kind, "numpy")
    model, _, _ = trained(kind, "cupy")
    start = np.array([1, 5, 2])
    for options in ({}, {"stop_id": 3}, {"skip_ids": [2, 7]}):
        expected = generation.greedy(host.step, None, start, 9, **options)
        for ids in (start, device(start)):
            assert generation.greedy(model.step, None, ids, 9, **options) == expected
        drawn = [
            generation.sample(m.step, None, start, 9, rng=4, temperature=1.5, **options, backend=m.backend)
            for m in (host, model)
        ]
        assert drawn[0] == drawn[1]
    corpus = np.random.default_rng(1).integers(0, V, 100)
    expected = evaluation.perplexity(host, corpus, 3, 4)
    for ids in (corpus, device(corpus)):
        model.reset_state()
        assert evaluation.perplexity(model, ids, 3, 4) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("make", [models.RnnlmGen, models.BetterRnnlmGen])
def test_the_books_generate_draws_the_same_words(make):
    texts = []
    for name in ("numpy", "cupy"):
        np.random.seed(2)
        model = make(V, H, H, backend=name)
        model.set_params([10 * to_cpu(p) for p in model.params])
        first = model.generate(3, [1], 12)
        state = model.get_state()
        second = model.generate(4, [1], 12)
        model.set_state(state)
        texts.append((first, second))
    assert texts[0] == texts[1]


def fresh_loss(model, xs, ts):
    """The loss from an empty state, with the dropout of a seed."""
    if hasattr(model, "reset_state"):
        model.reset_state()
    np.random.seed(1)
    return float(model.forward(xs, ts))


@pytest.mark.parametrize("kind", ["BetterRnnlm", "AttentionSeq2seq pad"])
def test_a_model_goes_to_a_file_and_comes_back_on_either_side(kind, tmp_path):
    model, xs, ts = model_and_batch(kind, "cupy")
    models.save_model(tmp_path / "m.npz", model)
    for name in ("numpy", "cupy"):
        back, _ = models.load_model(tmp_path / "m.npz", backend=name)
        for a, b in zip(fetch(back.params), fetch(model.params), strict=True):
            np.testing.assert_array_equal(a, b)
        assert fresh_loss(back, xs, ts) == pytest.approx(fresh_loss(model, xs, ts), rel=1e-6)
    model.save_params(tmp_path / "m.pkl")
    other, _, _ = model_and_batch(kind, "cupy")
    other.load_params(tmp_path / "m.pkl")
    for a, b in zip(fetch(other.params), fetch(model.params), strict=True):
        np.testing.assert_array_equal(a, b.astype(np.float16).astype(np.float32))
    other.set_params([p.astype(p.dtype.newbyteorder()) for p in fetch(model.params)])
    host, _, _ = model_and_batch(kind, "numpy")
    host.set_params(other.params)
    for a, b in zip(host.params, fetch(model.params), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["BetterRnnlm", "PeekySeq2seq"])
def test_a_model_pickles_and_copies(kind):
    model, xs, ts = model_and_batch(kind, "cupy")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert fresh_loss(other, xs, ts) == fresh_loss(model, xs, ts)
        other.backward()
        params, grads = remove_duplicate(other.params, other.grads)
        assert len(params) == len(model.params) - (kind == "BetterRnnlm")
        SGD(backend="cupy").update(params, grads)
        assert fresh_loss(other, xs, ts) != fresh_loss(model, xs, ts)  # a copy of its own
