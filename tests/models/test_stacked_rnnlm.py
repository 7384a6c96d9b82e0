"""The language model of any cell and number of layers."""

import numpy as np
import pytest

from fasts2s import use_backend
from fasts2s.generation import sample
from fasts2s.models import BetterRnnlm, Rnnlm, StackedRnnlm, load_model, save_model
from fasts2s.testing import TOLERANCES, gradient_error, numerical_gradient

KINDS = [("lstm", 1, False), ("lstm", 2, True), ("gru", 2, False), ("gru", 1, True), ("rnn", 3, False)]
V, H = 6, 4


def _model(cell, layers, tied, **options):
    np.random.seed(3)
    model = StackedRnnlm(V, H if tied else 3, H, cell=cell, layers=layers, tied=tied, **options)
    for p in model.params[: None if not tied else -2]:
        p += (np.random.randn(*p.shape) / 2).astype(p.dtype)
    return model


def _batch():
    rng = np.random.default_rng(0)
    return rng.integers(0, V, (3, 5)), rng.integers(0, V, (3, 5))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_gradients(kind):
    with use_backend("numpy", dtype="float64"):
        model, (xs, ts) = _model(*kind, dropout_ratio=0.3), _batch()

        def loss():
            np.random.seed(5)  # the same dropout
            model.reset_state()
            return float(model.forward(xs, ts))

        loss()
        model.backward()
        grads = [grad.copy() for grad in model.grads]
        if kind[2]:
            grads[0] = grads[0] + grads[-2].T  # one matrix, two buffers
            grads[-2] = grads[0].T
        for k, (p, grad) in enumerate(zip(model.params, grads, strict=True)):
            assert gradient_error(grad, numerical_gradient(loss, p)) <= TOLERANCES["central difference"][0], k


def test_the_books_models_are_cases_of_it():
    xs, ts = _batch()
    pairs = [(Rnnlm(V, 3, H), _model("lstm", 1, False)), (BetterRnnlm(V, H, H, 0.0), _model("lstm", 2, True))]
    for book, ours in pairs:
        assert [p.shape for p in book.params] == [p.shape for p in ours.params]
        for p, q in zip(book.params, ours.params, strict=True):
            p[...] = q
        assert float(book.forward(xs, ts)) == float(ours.forward(xs, ts))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_steps_files_and_texts(kind, tmp_path):
    model, (xs, _) = _model(*kind, dropout_ratio=0.5), _batch()
    save_model(tmp_path / "m.npz", model)
    again, _ = load_model(tmp_path / "m.npz")
    assert again.config == model.config
    scores, state = again.predict(xs), None
    for t in range(xs.shape[1]):
        one, state = model.step(xs[:, t], state)
        np.testing.assert_allclose(one, scores[:, t], atol=1e-5)
    texts = sample(model.step, None, np.array([1, 2]), 8, rng=0, skip_ids=[0])
    assert [len(text) for text in texts] == [8, 8]
    assert not any(0 in text for text in texts)


def test_dropout_is_for_training():
    model, (xs, ts) = _model("gru", 2, False, dropout_ratio=0.5), _batch()
    losses = []
    for train in (False, False, True):
        model.reset_state()
        losses.append(float(model.forward(xs, ts, train_flg=train)))
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cell": "LSTM"}, "cell is 'LSTM', expected one of lstm, gru, rnn"),
        ({"layers": 0}, "layers is 0"),
        ({"tied": True}, "wordvec_size is 3, expected hidden_size = 4"),
        ({"dropout_ratio": 1}, "dropout_ratio is 1"),
    ],
)
def test_options_that_do_not_fit(options, said):
    with pytest.raises(ValueError, match=said):
        StackedRnnlm(V, 3, H, **options)
