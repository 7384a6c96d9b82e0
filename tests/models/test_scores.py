"""What models compute: scores at once and step by step, generation, errors. (Gradients and padding: beside it.)"""

import numpy as np
import pytest

from fasts2s.models import (
    AttentionEncoder,
    AttentionSeq2seq,
    BetterRnnlm,
    Decoder,
    Encoder,
    PeekyDecoder,
    PeekySeq2seq,
    Rnnlm,
    Seq2seq,
    SimpleRnnlm,
)
from fasts2s.testing import assert_close
from tests.sides import fetch, put

V, D, H = 11, 5, 7
SEQ2SEQ = [Seq2seq, PeekySeq2seq, AttentionSeq2seq]
LANGUAGE = [SimpleRnnlm, Rnnlm, BetterRnnlm]


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(20260101)


def model_backend(model):
    return getattr(model, "embed", model).backend


def large(model, factor=3):
    """Weights at which the gates work, unlike those near zero that a model begins with."""
    drawn = model.params if not isinstance(model, BetterRnnlm) else [*model.params[:7], model.params[8]]
    for p in drawn:
        p *= factor
        p += put(model_backend(model), np.random.RandomState(p.size).standard_normal(p.shape).astype(p.dtype) * 0.1)
    return model


def plain_lstm(xs, Wx, Wh, b):
    """All h of an LSTM in float64, gates f, g, i, o."""
    h = c = np.zeros((xs.shape[0], Wh.shape[0]))
    hs = []
    for t in range(xs.shape[1]):
        f, g, i, o = np.split(xs[:, t] @ Wx.astype(float) + h @ Wh.astype(float) + b, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        hs.append(h)
    return np.stack(hs, axis=1)


@pytest.mark.parametrize("T", [1, 2, 9])
def test_encoder_gives_the_last_h_and_the_attention_encoder_all(T, backend, rng):
    encoder, attentive = large(Encoder(V, D, H, backend=backend)), AttentionEncoder(V, D, H, backend=backend)
    for p, q in zip(attentive.params, encoder.params, strict=True):
        p[...] = q
    xs = rng.integers(0, V, (3, T))
    embed, *lstm = fetch(encoder.params)
    expected = plain_lstm(embed[xs].astype(float), *lstm)
    assert_close("h", encoder.forward(xs), expected[:, -1])
    assert_close("hs", attentive.forward(xs), expected)
    assert np.array_equal(*fetch([encoder.hs[:, -1], encoder.forward(xs)]))  # a second forward starts at zero again


@pytest.mark.parametrize("make", [Encoder, AttentionEncoder])
def test_an_encoder_refuses_an_empty_source(make):
    with pytest.raises(ValueError, match="T >= 1"):
        make(V, D, H).forward(np.zeros((3, 0), dtype=int))


@pytest.mark.parametrize("make", LANGUAGE)
def test_scores_step_by_step_are_the_scores_of_predict(make, backend, rng):
    model = large(make(V, H, H, backend=backend))
    xs = rng.integers(0, V, (3, 9))
    expected = model.predict(xs)
    state, came = None, []
    for t in range(9):
        scores, state = model.step(xs[:, t], state)
        came.append(scores)
    assert_close("scores", np.stack(came, axis=1), expected)
    model.reset_state()
    parts = [model.predict(xs[:, :4]), model.predict(xs[:, 4:])]  # the state is carried on
    assert_close("scores in two parts", np.concatenate(parts, axis=1), expected)


@pytest.mark.parametrize("make", [*LANGUAGE, *SEQ2SEQ])
def test_a_step_leaves_the_state_it_is_given_as_it_is(make, rng):
    model = large(make(V, H, H))
    xs = rng.integers(0, V, (3, 4))
    stepper = model if make in LANGUAGE else model.decoder
    _, state = stepper.step(xs[:, 0], None if make in LANGUAGE else stepper.start(model.encoder.forward(xs)))
    first, after = stepper.step(xs[:, 1], state)
    again, _ = stepper.step(xs[:, 1], state)
    assert np.array_equal(first, again)
    assert not np.array_equal(stepper.step(xs[:, 1], after)[0], first)


@pytest.mark.parametrize("make", SEQ2SEQ)
@pytest.mark.parametrize("options", [{}, {"reverse": True}, {"pad_id": 0}], ids=str)
def test_generation_takes_the_best_of_the_teacher_forced_scores(make, options, backend, rng):
    model = large(make(V, D, H, backend=backend, **options))
    xs = rng.integers(0, V, (23, 3))
    answers = model.generate_batch(xs, 4, 6)
    assert answers == [model.generate(xs[[n]], 4, 6) for n in range(23)]
    fed = np.concatenate((np.full((23, 1), 4), np.array(answers)[:, :-1]), axis=1)
    source, mask = (xs[:, ::-1] if options.get("reverse") else xs), (xs != 0 if "pad_id" in options else None)
    encoded = model.encoder.forward(source, mask)
    scores = model.decoder.forward(fed, encoded, mask)
    assert scores.argmax(axis=2).tolist() == answers
    state, came = model.decoder.start(encoded, mask), []
    for t in range(6):
        out, state = model.decoder.step(fed[:, t], state)
        came.append(out)
    assert_close("scores", np.stack(came, axis=1), scores)


@pytest.mark.parametrize("make", SEQ2SEQ)
def test_a_decoder_generates_from_what_the_encoder_gives(make, backend, rng):
    model = large(make(V, D, H, backend=backend))
    xs = rng.integers(0, V, (1, 3))
    came = model.decoder.generate(model.encoder.forward(xs), 4, 6)
    assert came == model.generate(xs, 4, 6)
    assert {type(i) for i in came} == {int}


def test_generate_takes_one_source_and_stops_where_asked(rng):
    model = large(Seq2seq(V, D, H))
    xs = rng.integers(0, V, (5, 3))
    with pytest.raises(ValueError, match=r"xs has shape \(5, 3\), expected \(1, T\)"):
        model.generate(xs, 4, 6)
    whole = model.generate_batch(xs, 4, 6)
    stop = whole[0][1]
    expected = [row[: row.index(stop) + 1] if stop in row else row for row in whole]
    assert model.generate_batch(xs, 4, 6, stop_id=stop) == expected


def test_a_decoder_that_starts_at_zero_is_a_language_model(backend, rng):
    decoder, language = large(Decoder(V, D, H, backend=backend)), Rnnlm(V, D, H, backend=backend)
    language.set_params(decoder.params)
    xs = rng.integers(0, V, (3, 9))
    # The decoder sums products of the whole vocabulary, the language model those of the batch.
    assert_close("scores", decoder.forward(xs, put(backend, np.zeros((3, H), np.float32))), language.predict(xs))


@pytest.mark.parametrize("make", SEQ2SEQ)
def test_reverse_reads_the_source_backwards(make, rng):
    plain, reverse = large(make(V, D, H)), make(V, D, H, reverse=True)
    reverse.set_params(plain.params)
    xs, ts = rng.integers(0, V, (3, 5)), rng.integers(0, V, (3, 4))
    assert reverse.forward(xs, ts) == plain.forward(xs[:, ::-1], ts)
    assert reverse.forward(xs, ts) != plain.forward(xs, ts)


@pytest.mark.parametrize("make", [*SEQ2SEQ, *LANGUAGE])
def test_bad_ids_are_errors_that_leave_the_gradients_alone(make, rng):
    model = make(V, H, H)
    xs, ts = rng.integers(0, V, (3, 4)), rng.integers(0, V, (3, 4))
    for wrong, error in [(xs + V, IndexError), (xs - 2 * V, IndexError), (xs * 1.0, ValueError), (xs[0], ValueError)]:
        for given in ((wrong, ts), (xs, wrong)):
            with pytest.raises(error):
                model.forward(*given)
    with pytest.raises(ValueError, match=r"shape"):
        model.forward(xs, ts[:2])
    assert not any(g.any() for g in model.grads)
    assert np.isfinite(make(V, H, H).forward(xs, ts))


@pytest.mark.parametrize("make", [*SEQ2SEQ, *LANGUAGE])
def test_backward_before_forward_is_a_value_error(make):
    with pytest.raises(ValueError, match="before forward"):
        make(V, H, H).backward()


def test_a_peeky_decoder_wants_as_many_rows_of_h_as_of_ids(rng):
    h = np.zeros((1, H), np.float32)
    with pytest.raises(ValueError, match=r"h has shape \(1, 7\), expected \(N, H\) with N = 3"):
        PeekyDecoder(V, D, H).forward(rng.integers(0, V, (3, 4)), h)
