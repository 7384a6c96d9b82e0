"""Gradients of every model by central differences in float64, on many random shapes."""

import numpy as np
import pytest

import fasts2s
from fasts2s import models
from fasts2s.testing import TOLERANCES
from tests.kernels.helpers import SHAPES, batch_and_time, cases, check_composed, two_sizes

LANGUAGE_MODELS = [models.SimpleRnnlm, models.Rnnlm, models.BetterRnnlm]
SEQ2SEQ = [models.Seq2seq, models.PeekySeq2seq, models.AttentionSeq2seq]

#: Larger than usual: what the loss says of the encoder is small against the rounding of the loss itself.
EPS = 2e-5


@pytest.fixture(autouse=True)
def _float64():
    """The book's layers return float32, too coarse for differences."""
    with fasts2s.use_backend("numpy", dtype="float64"):
        yield


def _fill(rng, model):
    """Give the parameters random values of order one: with the initial ones, gradients of embeddings are tiny."""
    tables = [layer.W for _, layer in model.named_layers() if hasattr(layer, "W")]
    for p in model.params:
        fan_in = 1 if p.ndim == 1 or any(p is W for W in tables) else p.shape[0]
        p[...] = rng.standard_normal(p.shape) / fan_in**0.5


def _language_model(rng, cls):
    """Model, arrays by name, the loss, and the gradients: truncated at a random state, which is a constant."""
    (N, T), (D, H), V = batch_and_time(rng), two_sizes(rng), int(rng.choice([3, 5, 7, 11]))
    model = cls(V, H, H, dropout_ratio=0.4) if cls is models.BetterRnnlm else cls(V, D, H)
    _fill(rng, model)
    xs, ts = rng.integers(0, V, size=(N, T)), rng.integers(0, V, size=(N, T))
    ts[rng.random((N, T)) < 0.2] = -1
    recurrent = [layer for layer in model.layers if hasattr(layer, "set_state")]
    letters = 1 if cls is models.SimpleRnnlm else 2
    states = [[rng.standard_normal((N, H)) for _ in range(letters)] for _ in recurrent]
    carried, seed = rng.random() < 0.7, int(rng.integers(1000))

    def loss():
        np.random.seed(seed)  # the same dropout every time
        model.reset_state()
        for layer, state in zip(recurrent, states, strict=True):
            layer.set_state(*state if carried else [None])
        return float(model.forward(xs, ts))

    def gradients():
        model.backward()
        found = {f"params[{k}]": g.copy() for k, g in enumerate(model.grads)}
        if cls is models.BetterRnnlm:  # one matrix with two buffers: the sum of both is its gradient
            found["params[0]"] += found.pop("params[7]").T
        return found

    arrays = {f"params[{k}]": p for k, p in enumerate(model.params)}
    if cls is models.BetterRnnlm:
        assert np.shares_memory(arrays["params[0]"], arrays.pop("params[7]")), "the output matrix is not tied"
    return arrays, loss, gradients


def _pad(rng, ids, pad_id):
    """Write padding on one side of every row, now and then over the whole of one."""
    length = rng.integers(0, ids.shape[1] + 1, size=(len(ids), 1))
    length[rng.random((len(ids), 1)) < 0.8] -= ids.shape[1] // 2
    steps = np.arange(ids.shape[1]) if rng.random() < 0.5 else np.arange(ids.shape[1])[::-1]
    ids[steps < length] = pad_id


def _seq2seq(rng, cls, pad, reverse):
    (N, T_x), (D, H), V = batch_and_time(rng), two_sizes(rng), int(rng.choice([3, 5, 7, 11]))
    xs, ts = rng.integers(0, V, size=(N, T_x)), rng.integers(0, V, size=(N, batch_and_time(rng)[1]))
    pad_id = int(rng.integers(V)) if pad else None
    model = cls(V, D, H, pad_id=pad_id, reverse=reverse)
    _fill(rng, model)
    if pad:
        _pad(rng, xs, pad_id)
        _pad(rng, ts[:, 1:], pad_id)
    dout = float(rng.uniform(0.5, 2))

    def gradients():
        model.backward(dout)
        return {f"params[{k}]": g.copy() for k, g in enumerate(model.grads)}

    arrays = {f"params[{k}]": p for k, p in enumerate(model.params)}
    return arrays, lambda: float(model.forward(xs, ts)) * dout, gradients


def _check(case, rng, thorough):
    arrays, loss, gradients = case
    loss()
    return check_composed(loss, arrays, gradients(), rng, thorough, EPS)


@pytest.mark.parametrize("cls", LANGUAGE_MODELS, ids=lambda c: c.__name__)
def test_gradients_of_language_models(cls, record_testsuite_property):
    worst = max(_check(_language_model(rng, cls), rng, thorough) for rng, thorough in cases(len(cls.__name__)))
    record_testsuite_property(cls.__name__, worst)
    assert worst <= TOLERANCES["central difference"][0]


@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reversed"])
@pytest.mark.parametrize("pad", [False, True], ids=["plain", "padded"])
@pytest.mark.parametrize("cls", SEQ2SEQ, ids=lambda c: c.__name__)
def test_gradients_of_seq2seq(cls, pad, reverse, record_testsuite_property):
    # The four kinds together make SHAPES shapes of each model.
    seed = 4 * len(cls.__name__) + 2 * pad + reverse
    worst = max(_check(_seq2seq(rng, cls, pad, reverse), rng, thorough) for rng, thorough in cases(seed, SHAPES // 4))
    record_testsuite_property(f"{cls.__name__} {'padded' if pad else 'plain'} {reverse=}", worst)
    assert worst <= TOLERANCES["central difference"][0]


def test_no_model_is_left_out():
    # The generating classes inherit forward and backward; some models have tests of their own.
    proved = {*LANGUAGE_MODELS, *SEQ2SEQ, models.EncoderDecoder, models.StackedRnnlm}
    proved |= {
        models.FrameEncoderDecoder,
        models.PictureEncoderDecoder,
        models.NeuralTuringMachine,
    }  # tests/encoder_decoder/test_senses.py
    for name in models.__all__:
        cls = getattr(models, name)
        if isinstance(cls, type) and issubclass(cls, models.BaseModel) and cls is not models.BaseModel:
            assert any(cls.backward is p.backward and cls.forward is p.forward for p in proved), name
