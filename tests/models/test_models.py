"""What a model is made of: parameters and their order, initial weights, configuration, summary."""

import io

import numpy as np
import pytest

from fasts2s.backend import to_cpu, use_backend
from fasts2s.models import (
    AttentionDecoder,
    AttentionEncoder,
    AttentionSeq2seq,
    BaseModel,
    BetterRnnlm,
    Decoder,
    Encoder,
    PeekyDecoder,
    PeekySeq2seq,
    Rnnlm,
    Seq2seq,
    SimpleRnnlm,
)

V, D, H = 11, 5, 7
SEQ2SEQ = [Seq2seq, PeekySeq2seq, AttentionSeq2seq]

# Shapes in the order of params, and fan-in of every drawn matrix (None: a bias of zeros; 0.01: the embedding).
EMBED, LSTM = ((V, D), 1e4), [((D, 4 * H), D), ((H, 4 * H), H), ((4 * H,), None)]
PARTS = {
    Encoder: [EMBED, *LSTM],
    Decoder: [EMBED, *LSTM, ((H, V), H), ((V,), None)],
    PeekyDecoder: [EMBED, ((H + D, 4 * H), H + D), *LSTM[1:], ((2 * H, V), 2 * H), ((V,), None)],
    AttentionDecoder: [EMBED, *LSTM, ((2 * H, V), 2 * H), ((V,), None)],
}
PARTS |= {
    AttentionEncoder: PARTS[Encoder],
    Seq2seq: PARTS[Encoder] + PARTS[Decoder],
    PeekySeq2seq: PARTS[Encoder] + PARTS[PeekyDecoder],
    AttentionSeq2seq: PARTS[Encoder] + PARTS[AttentionDecoder],
    SimpleRnnlm: [EMBED, ((D, H), D), ((H, H), H), ((H,), None), ((H, V), H), ((V,), None)],
    Rnnlm: PARTS[Decoder],
}


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(20260101)


@pytest.mark.parametrize("make", PARTS, ids=lambda make: make.__name__)
def test_initial_weights_are_drawn_in_the_books_order(make, backend):
    np.random.seed(42)
    model = make(V, D, H, backend=backend)
    after = np.random.random_sample()
    drawn = np.random.RandomState(42)
    assert len(model.params) == len(model.grads) == len(PARTS[make])
    for p, g, (shape, fan_in) in zip(model.params, model.grads, PARTS[make], strict=True):
        expected = np.zeros(shape) if fan_in is None else drawn.randn(*shape) / np.sqrt(fan_in)
        assert p.dtype == g.dtype == np.float32
        assert g.shape == shape
        assert not g.any()
        assert np.array_equal(to_cpu(p), expected.astype(np.float32))
    assert after == drawn.random_sample()  # and nothing else was drawn


def test_better_rnnlm_is_drawn_in_the_books_order_and_tied(backend):
    np.random.seed(42)
    model = BetterRnnlm(V, H, H, backend=backend)
    after = np.random.random_sample()
    drawn = np.random.RandomState(42)
    shapes = [(V, H), (H, 4 * H), (H, 4 * H), (4 * H,), (H, 4 * H), (H, 4 * H), (4 * H,), (H, V), (V,)]
    assert [p.shape for p in model.params] == [g.shape for g in model.grads] == shapes
    embed = drawn.randn(V, H) / 100
    matrices = [drawn.randn(H, 4 * H) / np.sqrt(H) for _ in range(4)]
    for k, expected in zip((0, 1, 2, 4, 5, 7), (embed, *matrices, embed.T), strict=True):
        assert np.array_equal(to_cpu(model.params[k]), expected.astype(np.float32))
    assert not any(model.params[k].any() for k in (3, 6, 8))
    assert after == drawn.random_sample()
    model.params[0][2, 3] = 5
    assert model.params[7][3, 2] == 5


def test_the_same_weights_in_float64_are_those_before_rounding():
    np.random.seed(42)
    single = Seq2seq(V, D, H)
    np.random.seed(42)
    with use_backend("numpy", dtype="float64"):
        double = Seq2seq(V, D, H)
    for p, q in zip(single.params, double.params, strict=True):
        assert q.dtype == np.float64
        assert np.array_equal(p, q.astype(np.float32))


@pytest.mark.parametrize("make", [*SEQ2SEQ, SimpleRnnlm, Rnnlm])
def test_params_are_the_arrays_of_the_layers_and_config_makes_the_same_model(make):
    model = make(vocab_size=V, wordvec_size=D, hidden_size=H)
    held = [(a, b) for _, layer in model.named_layers() for a, b in zip(layer.params, layer.grads, strict=True)]
    assert [(id(a), id(b)) for a, b in held] == [
        (id(p), id(g)) for p, g in zip(model.params, model.grads, strict=True)
    ]
    sizes = {"vocab_size": V, "wordvec_size": D, "hidden_size": H}
    assert {name: model.config[name] for name in sizes} == sizes
    again = make(**model.config)
    assert [p.shape for p in again.params] == [p.shape for p in model.params]
    assert again.config == model.config


def test_config_holds_the_options():
    assert Seq2seq(V, D, H, pad_id=3, reverse=True).config == {
        "vocab_size": V,
        "wordvec_size": D,
        "hidden_size": H,
        "pad_id": 3,
        "reverse": True,
    }
    assert BetterRnnlm(V, H, H, dropout_ratio=0.25).config["dropout_ratio"] == 0.25
    assert Rnnlm().config == {"vocab_size": 10000, "wordvec_size": 100, "hidden_size": 100}


@pytest.mark.parametrize(
    ("make", "parameters", "work"), [(Seq2seq, 150_573, 149_120), (PeekySeq2seq, 217_773, 216_320)]
)
def test_summary_counts_parameters(make, parameters, work, capsys):
    model = make(13, 16, 128)
    assert model.parameter_count() == parameters
    model.summary()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == [make.__name__, "shapes", "parameters", "multiply-adds"]
    assert lines[1] == ["encoder", "TimeEmbedding", "(13,16)", "208", "0"]
    assert lines[2] == ["encoder", "TimeLSTM", "(16,512)", "(128,512)", "(512,)", "74,240", "73,728"]
    assert [line[:2] for line in lines[3:-1]] == [["decoder", f"Time{n}"] for n in ("Embedding", "LSTM", "Affine")]
    assert lines[-1] == ["total", f"{parameters:,}", f"{work:,}"]
    assert sum(int(line[-2].replace(",", "")) for line in lines[1:-1]) == parameters


def test_summary_counts_shared_weights_once():
    out = io.StringIO()
    model = BetterRnnlm(V, H, H)
    model.summary(out)
    lines = out.getvalue().splitlines()
    assert model.parameter_count() == V * H + 2 * (8 * H * H + 4 * H) + V
    assert lines[4].split() == ["TimeAffine", "(7,11)", "(11,)", "11", "77", "(shares", "weights)"]
    assert lines[-1].split() == ["total", f"{V * H + 2 * (8 * H * H + 4 * H) + V}", f"{2 * 8 * H * H + H * V}"]


@pytest.mark.parametrize("size", [0, -1, 2.0, "5", True, None])
@pytest.mark.parametrize("name", ["vocab_size", "wordvec_size", "hidden_size"])
def test_a_size_that_is_no_positive_integer_is_an_error(name, size):
    sizes = {"vocab_size": V, "wordvec_size": H, "hidden_size": H, name: size}
    for make in (*PARTS, BetterRnnlm):
        with pytest.raises(ValueError, match=f"{name} is {size!r}, expected an integer >= 1"):
            make(**sizes)


def test_better_rnnlm_needs_equal_sizes_and_a_dropout_ratio():
    with pytest.raises(ValueError, match="wordvec_size is 5, expected hidden_size = 7"):
        BetterRnnlm(V, 5, 7)
    for ratio in (1.0, -0.1, "0.5"):
        with pytest.raises(ValueError, match="dropout_ratio"):
            BetterRnnlm(V, H, H, dropout_ratio=ratio)


def test_numpy_integers_are_sizes():
    assert Rnnlm(np.int64(V), np.int32(D), np.uint8(H)).params[1].shape == (D, 4 * H)


def test_base_model_leaves_everything_to_its_subclasses():
    model = BaseModel()
    assert (model.params, model.grads, model.config) == ([], [], {})
    ids = np.zeros((1, 2), int)
    for call, arguments in ((model.forward, (ids, ids)), (model.backward, ()), (model.named_layers, ())):
        with pytest.raises(NotImplementedError):
            call(*arguments)
