"""The class around encoder and decoder: settings, errors, files, learning."""

import copy

import numpy as np
import pytest

from fasts2s.models import load_model, save_model
from fasts2s.models.encoder_decoder import EncoderDecoder, EncoderDecoderSettings
from fasts2s.optimizers import Adam
from fasts2s.trainer import Trainer
from tests.encoder_decoder import samples


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cell": "LSTM"}, "cell is 'LSTM', expected one of lstm, gru, rnn"),
        ({"attention": None}, "attention is None, expected one of none, dot"),
        ({"layers": 0}, "layers is 0"),
        ({"source_size": 2.5}, "source_size is 2.5"),
        ({"dropout": 1.0}, "dropout is 1.0, expected a number from 0 to below 1"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1"),
        ({"scheduled_sampling": float("nan")}, "scheduled_sampling is nan"),
        ({"tied": 2}, "tied is 2"),
        ({"input_feeding": True, "attention": "none"}, "input_feeding is True and attention 'none'"),
        ({"bidirectional": True, "hidden_size": 7}, "hidden_size is 7, expected an even number"),
        ({"bidirectional": True, "reverse": True}, "expected one: it reads both ways already"),
        ({"tied": True, "decoder": "peeky"}, "tied is True and decoder 'peeky', expected one of them"),
        ({"tied": True, "attention": "none"}, "wordvec_size is 5 and hidden_size 6, expected the same"),
    ],
)
def test_settings_that_do_not_fit_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        EncoderDecoderSettings(**{**samples.SIZES, **options})


@pytest.mark.parametrize(
    ("xs", "ts", "error", "said"),
    [
        (np.ones((2, 0), int), np.ones((2, 3), int), ValueError, r"xs has shape \(2, 0\), expected \(N, S\)"),
        (np.ones((2, 3), int), np.ones((2, 1), int), ValueError, r"ts has shape \(2, 1\), expected \(N, T\)"),
        (np.ones((2, 3), int), np.ones((3, 3), int), ValueError, "xs and ts have shapes"),
        (np.ones((2, 3)), np.ones((2, 3), int), ValueError, "xs"),
        (np.full((2, 3), 11), np.ones((2, 3), int), IndexError, "11"),
        (np.ones((2, 3), int), np.full((2, 3), 9), IndexError, "9"),
    ],
)
def test_bad_batches_are_named_and_change_nothing(xs, ts, error, said):
    model, good = samples.model("dot"), samples.batch()
    model.forward(*good)
    model.backward()
    before = [grad.copy() for grad in model.grads]
    with pytest.raises(error, match=said):
        model.forward(xs, ts)
    model.backward()
    for grad, old in zip(model.grads, before, strict=True):
        np.testing.assert_array_equal(grad, old)


def test_backward_before_forward_is_an_error():
    with pytest.raises(ValueError, match="forward"):
        samples.model("dot").backward()


@pytest.mark.parametrize("name", samples.OPTIONS)
def test_a_model_in_a_file_comes_back(name, tmp_path):
    model, (xs, ts) = samples.model(name), samples.batch()
    save_model(tmp_path / "m.npz", model, {"note": 1})
    again, extra = load_model(tmp_path / "m.npz")
    assert (again.settings, extra) == (model.settings, {"note": 1})
    losses = [float(m.forward(xs, ts, train_flg=False)) for m in (model, again, copy.deepcopy(model))]
    assert losses[0] == losses[1] == losses[2]


def test_summary_counts_every_parameter_once(capsys):
    model = samples.model("tied", layers=2, bidirectional=True)
    model.summary()
    said = capsys.readouterr().out
    assert "encoder bidirectional LSTM 2" in said
    assert "decoder attention dot" in said
    assert "(shares weights)" in said
    H, D = 6, 5
    lstm = 4 * H * (2 * H + 1)
    encoder = 11 * D + 2 * (4 * 3 * (D + 3 + 1)) + 2 * (4 * 3 * (H + 3 + 1))
    decoder = 9 * D + 4 * H * (D + H + 1) + lstm + 2 * H * D + 9
    assert model.parameter_count() == encoder + decoder
    assert f"{encoder + decoder:,}" in said


@pytest.mark.parametrize("name", ["dot", "tied", "feeding", "peeky gru"])
def test_it_learns_to_turn_a_sequence_round(name):
    np.random.seed(0)
    rng = np.random.default_rng(0)
    words = rng.integers(4, 9, (60, 4))
    xs = np.where(np.arange(4) < rng.integers(2, 5, (60, 1)), words, 0)
    ts = np.zeros((60, 6), int)
    for x, t in zip(xs, ts, strict=True):
        turned = x[x != 0][::-1]
        t[: len(turned) + 2] = [2, *turned, 3]
    model = EncoderDecoder(samples.settings(name, hidden_size=24, wordvec_size=24))
    trainer = Trainer(model, Adam(0.02))
    first = float(model.forward(xs, ts))
    for _ in range(60):
        trainer.train_step(xs, ts, 5.0)
    assert float(model.forward(xs, ts)) < 0.1 * first
