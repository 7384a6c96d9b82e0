"""Frames and pictures as sources: the decoder is the one that words have, only the encoder differs."""

import numpy as np
import pytest

from fasts2s import use_backend
from fasts2s.generation import GenerationOptions, generate
from fasts2s.models import (
    EncoderDecoderSettings,
    FrameEncoderDecoder,
    Frames,
    PictureEncoderDecoder,
    load_model,
    save_model,
)
from fasts2s.testing import TOLERANCES, assert_close, check_gradients
from tests.encoder_decoder import samples

SIZES = {"target_size": 9, "wordvec_size": 5, "hidden_size": 6}
FRAMES = {
    "lstm": {},
    "gru, both ways, no attention": {"cell": "gru", "bidirectional": True, "attention": "none"},
    "rnn, reverse, peeky": {"cell": "rnn", "reverse": True, "decoder": "peeky", "attention": "none"},
    "as they are": {"source_size": 5, "projected": False},
}
PICTURES = {
    "dot": {},
    "no attention": {"attention": "none"},
    "gru, two layers, peeky": {"cell": "gru", "layers": 2, "decoder": "peeky", "attention": "general"},
    "feeding": {"input_feeding": True, "attention": "additive", "dropout": 0.3},
}


def grown(model):
    for p in model.params:
        p[...] += 0.4 * np.random.randn(*p.shape)
    return model


def frames(**options):
    np.random.seed(1)
    more = {name: options.pop(name) for name in ("projected",) if name in options}
    return grown(FrameEncoderDecoder(EncoderDecoderSettings(**{"source_size": 3, **SIZES, **options}), **more))


def pictures(freeze=False, **options):
    np.random.seed(1)
    settings = EncoderDecoderSettings(**{"source_size": 4, **SIZES, **options})
    return grown(PictureEncoderDecoder(settings, picture=(2, 6, 4), filters=(3, 4), freeze=freeze))


def sounds(D=3):
    rng = np.random.default_rng(5)
    return Frames.of([rng.standard_normal((T, D)) for T in (5, 2, 4)])


def check(model, xs, every=7):
    """All gradients of a model, in some elements of every parameter."""
    _, ts = samples.batch()

    def loss():
        model._dropper.rng = np.random.default_rng(3)
        return float(model.forward(xs, ts))

    loss()
    model.backward()
    for k, (p, grad) in enumerate(zip(model.params, [g.copy() for g in model.grads], strict=True)):
        rows = np.random.default_rng(k).standard_normal((every, p.size))
        steps, kept = np.zeros(every), p.copy()

        def moved(p=p, rows=rows, steps=steps, kept=kept):
            p[...] = kept + (steps @ rows).reshape(p.shape)
            return loss()

        worst = check_gradients(moved, {f"params[{k}]": steps}, {f"params[{k}]": rows @ grad.ravel()}, 3e-6)
        p[...] = kept
        assert worst <= TOLERANCES["central difference"][0]
        assert np.abs(grad).max() > 0, k


@pytest.mark.parametrize("name", FRAMES)
def test_gradients_of_frames(name):
    with use_backend("numpy", dtype="float64"):
        model = frames(**FRAMES[name])
        check(model, sounds(model.settings.source_size))


@pytest.mark.parametrize("name", PICTURES)
def test_gradients_of_pictures(name):
    with use_backend("numpy", dtype="float64"):
        check(pictures(**PICTURES[name]), np.random.default_rng(5).standard_normal((3, 2, 6, 4)))


@pytest.mark.parametrize("name", ["dot", "peeky", "deep"])
def test_words_as_frames_of_one_and_zeros_give_what_words_give(name):
    with use_backend("numpy", dtype="float64"):
        words, (xs, ts) = samples.model(name), samples.batch()
        model = FrameEncoderDecoder(words.settings)
        model.set_params([words.params[0], np.zeros(5), *words.params[1:]])
        lengths = (xs != 0).sum(axis=1)
        spelled = Frames(np.eye(11)[xs], lengths)
        assert abs(model.forward(spelled, ts) - words.forward(xs, ts)) < 1e-12
        options = GenerationOptions(start_id=2, max_length=6, beam=3, nbest=2, attention=True)
        for one, other in zip(generate(model, spelled, options), generate(words, xs, options), strict=True):
            assert [a.ids for a in one] == [a.ids for a in other]


def test_padding_of_frames_is_not_read():
    with use_backend("numpy", dtype="float64"):
        model, whole, (_, ts) = frames(), sounds(), samples.batch()
        spoiled = Frames(whole.values.copy(), whole.lengths)
        spoiled.values[1, 2:] = 1e3
        assert model.forward(spoiled, ts) == model.forward(whole, ts)
        alone = model.step(ts[1:2, 0], model.start(whole[1:2]))[0]
        assert_close("row 1", model.step(ts[:, 0], model.start(whole))[0][1:2], alone, 1e-12)
        assert whole[1:2].values.shape == (1, 2, 3)


def test_features_stand_for_pictures():
    model, (_, ts) = pictures(freeze=True), samples.batch()
    xs = np.random.default_rng(5).random((3, 2, 6, 4), np.float32)
    maps = model.features(xs)
    assert maps.shape == (3, 6, 4)
    losses, gradients = [], []
    for source in (xs, maps):
        losses.append(model.forward(source, ts))
        model.backward()
        gradients.append([g.copy() for g in model.grads])
    assert losses[0] == losses[1]
    for k, (a, b) in enumerate(zip(*gradients, strict=True)):
        assert_close(f"grads[{k}]", a, b, 0)
        assert a.any() == (k >= 4)  # those of the convolutions are zeros


def test_a_map_of_somebody_elses_network():
    settings = EncoderDecoderSettings(source_size=7, **SIZES)
    model = PictureEncoderDecoder(settings, picture=(7, 2, 3), filters=())
    _, ts = samples.batch()
    assert model.forward(np.ones((3, 6, 7), "f"), ts) > 0
    model.backward()
    with pytest.raises(ValueError, match=r"xs has shape \(3, 7, 2, 3\), expected \(N, 6, 7\)"):
        model.forward(np.ones((3, 7, 2, 3), "f"), ts)


@pytest.mark.parametrize("make", [frames, pictures])
def test_files_and_summary(tmp_path, make, capsys):
    model, (_, ts) = make(), samples.batch()
    xs = sounds() if make is frames else np.random.default_rng(5).random((3, 2, 6, 4), np.float32)
    save_model(tmp_path / "model.npz", model)
    again, _ = load_model(tmp_path / "model.npz")
    assert type(again) is type(model)
    assert again.forward(xs, ts) == model.forward(xs, ts)
    model.summary()
    assert f"{sum(p.size for p in model.params):,}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            lambda: frames().forward(np.ones((3, 4, 2)), samples.batch()[1]),
            r"xs has shape \(3, 4, 2\), expected .* D = 3",
        ),
        (lambda: frames().forward([[1.0]], samples.batch()[1]), "xs is of type list, expected Frames"),
        (lambda: frames(projected=False), "source_size is 3 and wordvec_size 5"),
        (lambda: Frames(np.ones((2, 3, 1)), np.array([1, 4])), "lengths are 1 to 4, expected 1 to T = 3"),
        (lambda: Frames(np.ones((2, 3)), np.array([1, 3])), "values and lengths have shapes"),
        (lambda: Frames.of([np.ones((2, 3)), np.ones((2, 4))]), "rows have shapes"),
        (lambda: pictures(reverse=True), "bidirectional or reverse is True"),
        (lambda: pictures(source_size=5), "source_size is 5"),
        (lambda: pictures().forward(np.ones((1, 2, 6, 5)), samples.batch()[1][:1]), r"xs has shape \(1, 2, 6, 5\)"),
        (lambda: PictureEncoderDecoder(EncoderDecoderSettings(4, 9), picture=(3, 4)), r"picture is \(3, 4\)"),
    ],
)
def test_what_does_not_fit(run, message):
    with pytest.raises(ValueError, match=message):
        run()
