"""Padding must not be seen: not by the loss, not by any gradient, not by the states, not by the attention."""

import numpy as np
import pytest

import fasts2s
from fasts2s.models import AttentionSeq2seq, PeekySeq2seq, Seq2seq
from fasts2s.testing import TOLERANCES, assert_close, relative_error

MODELS = [Seq2seq, PeekySeq2seq, AttentionSeq2seq]
V, D, H, PAD = 13, 5, 7, 3  # vocabulary, word vector, hidden units, the id of padding

each_model = pytest.mark.parametrize("cls", MODELS, ids=lambda c: c.__name__)
each_direction = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reversed"])
each_side = pytest.mark.parametrize("side", ["left", "right"])


def _model(cls, rng, reverse=False, dtype="float32", sizes=(D, H)):
    model = cls(V, *sizes, pad_id=PAD, reverse=reverse, backend=fasts2s.get_backend("numpy", dtype=dtype))
    for p in model.params:
        p[...] = rng.standard_normal(p.shape) / (p.shape[0] if p.ndim == 2 else 1) ** 0.5
    return model


def _words(rng, *shape):
    """Ids without padding."""
    ids = rng.integers(0, V - 1, size=shape)
    return ids + (ids >= PAD)


def _wider(ids, k, side):
    return np.pad(ids, ((0, 0), (k, 0) if side == "left" else (0, k)), constant_values=PAD)


def _loss_and_gradients(model, xs, ts):
    loss = model.forward(xs, ts)
    model.backward()
    return loss, [g.copy() for g in model.grads]


def _worst(first, second):
    """Largest relative error of the loss and of every gradient."""
    errors = [relative_error(g, h) for g, h in zip(first[1], second[1], strict=True)]
    return max([abs(first[0] - second[0]) / abs(second[0]), *errors])


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
@each_side
@each_direction
@each_model
def test_more_padding_changes_nothing(cls, reverse, side, k, rng, record_testsuite_property):
    model = _model(cls, rng, reverse)
    xs, ts = _words(rng, 5, 11), _words(rng, 5, 7)
    xs[1, 6:], xs[2, :4], xs[3, 2:9] = PAD, PAD, PAD  # shorter rows: padded right, left and inside
    ts[1, 3:], ts[4, 2:] = PAD, PAD
    expected = _loss_and_gradients(model, xs, ts)
    assert expected[0] > 0
    assert all(g.any() for g in expected[1])
    worst = _worst(_loss_and_gradients(model, _wider(xs, k, side), ts), expected)
    worst = max(worst, _worst(_loss_and_gradients(model, xs, _wider(ts, k, "right")), expected))
    worst = max(worst, _worst(_loss_and_gradients(model, _wider(xs, k, side), _wider(ts, k, "right")), expected))
    record_testsuite_property(f"columns, {cls.__name__} {reverse=} {side} {k}", worst)
    assert worst <= TOLERANCES["padding"][0]


@each_direction
@each_model
def test_row_of_padding_changes_nothing(cls, reverse, rng, record_testsuite_property):
    model = _model(cls, rng, reverse)
    xs, ts = _words(rng, 5, 11), _words(rng, 5, 7)
    xs[1, 6:], ts[1, 3:] = PAD, PAD
    expected = _loss_and_gradients(model, xs, ts)
    worst = 0.0
    for at in (0, 2, 5):
        found = _loss_and_gradients(model, np.insert(xs, at, PAD, axis=0), np.insert(ts, at, PAD, axis=0))
        worst = max(worst, _worst(found, expected))
    record_testsuite_property(f"row, {cls.__name__} {reverse=}", worst)
    assert worst <= TOLERANCES["padding"][0]


@each_model
def test_nothing_but_padding_is_no_loss(cls, rng):
    model = _model(cls, rng)
    loss, gradients = _loss_and_gradients(model, np.full((3, 5), PAD), np.full((3, 4), PAD))
    assert loss == 0.0
    assert not any(g.any() for g in gradients)


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-6), ("float64", 1e-12)])
@each_side
@each_direction
def test_padded_row_is_that_sentence_alone(reverse, side, dtype, limit, rng, record_testsuite_property):
    # Sizes at which the products of one row and of many take different paths through the BLAS.
    model, longest, worst = _model(Seq2seq, rng, reverse, dtype, sizes=(33, 65)), 40, 0.0
    rows = [_words(rng, T) for T in range(1, longest + 1)]
    batch = np.array([_wider(row[None], longest - len(row), side)[0] for row in rows])
    together = model.encoder.forward(*model._source(batch))
    for row, h in zip(rows, together, strict=True):
        alone = model.encoder.forward(row[None, ::-1] if reverse else row[None])[0]
        worst = max(worst, relative_error(h, alone))
    record_testsuite_property(f"row alone, {dtype} {side} {reverse=}", worst)
    assert worst <= limit


@each_side
@each_direction
@each_model
def test_padded_loss_is_that_of_the_sentences_alone(cls, reverse, side, rng):
    # The mean over all labels is the mean of the single losses, weighted by their labels.
    model = _model(cls, rng, reverse, "float64")
    rows = [(_words(rng, int(rng.integers(1, 9))), _words(rng, int(rng.integers(2, 7)))) for _ in range(7)]
    alone = [_loss_and_gradients(model, x[None], t[None]) for x, t in rows]
    labels = np.array([len(t) - 1 for _, t in rows])
    xs = np.array([_wider(x[None], 8 - len(x), side)[0] for x, _ in rows])
    ts = np.array([_wider(t[None], 6 - len(t), "right")[0] for _, t in rows])
    loss, gradients = _loss_and_gradients(model, xs, ts)
    assert abs(loss - sum(n * one[0] for n, one in zip(labels, alone, strict=True)) / labels.sum()) < 1e-12
    for k, g in enumerate(gradients):
        mean = sum(n * one[1][k] for n, one in zip(labels, alone, strict=True)) / labels.sum()
        assert_close(f"gradient {k}", g, mean, 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_direction
def test_attention_never_looks_at_padding(reverse, dtype, rng, record_testsuite_property):
    model = _model(AttentionSeq2seq, rng, reverse, dtype)
    xs = _words(rng, 7, 11)
    xs[0, 5:], xs[1, :9], xs[2, 3:8], xs[3] = PAD, PAD, PAD, PAD
    model.forward(xs, _words(rng, 7, 6))
    weights = np.array(model.decoder.attention.attention_weights).transpose(1, 0, 2)  # N, T, S
    assert weights.shape == (7, 5, 11)
    padded = (xs[:, ::-1] if reverse else xs) == PAD
    assert not weights[np.repeat(padded[:, None], 5, axis=1)].any()
    assert (weights[np.repeat(~padded[:, None], 5, axis=1)] > 0).all()
    off = np.abs(weights.sum(axis=2) - ~padded.all(axis=1)[:, None]).max()
    record_testsuite_property(f"sum of weights, {dtype} {reverse=}", off)
    assert off <= (1e-6 if dtype == "float32" else 1e-15)


@each_model
def test_answers_do_not_depend_on_padding(cls, rng):
    model = _model(cls, rng, dtype="float64")
    rows = [_words(rng, T) for T in (1, 4, 7, 2)]
    xs = np.array([_wider(row[None], 9 - len(row), "left")[0] for row in rows])
    alone = [model.generate(row[None], 0, 6) for row in rows]
    assert model.generate_batch(xs, 0, 6) == alone
    assert model.generate_batch(_wider(xs, 3, "right"), 0, 6) == alone


@pytest.mark.parametrize("T", [1, 2, 35, 500])
@each_model
def test_shapes_of_states(cls, T, rng):
    model, N = _model(cls, rng), 3
    xs = _words(rng, N, T)
    xs[1, T // 2 :] = PAD
    hs = model.encoder.forward(*model._source(xs))
    if cls is AttentionSeq2seq:
        assert model.encoder.hs is None  # as in the book: forward hands out all of them
    else:
        assert hs.shape == (N, H)
        hs = model.encoder.hs
    assert hs.shape == (N, T, H)
    assert hs.dtype == np.float32
    assert model.encoder.lstm.h.shape == model.encoder.lstm.c.shape == (N, H)
    model.forward(xs, _words(rng, N, 5))
    model.backward()
    assert model.decoder.lstm.h.shape == model.decoder.lstm.dh.shape == (N, H)
    assert all(np.isfinite(g).all() for g in model.grads)
