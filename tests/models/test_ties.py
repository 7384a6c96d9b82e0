"""Weights that share memory, tied by a reader: they stay tied in copies, pickles and files."""

import copy
import pickle

import numpy as np
import pytest

from fasts2s.checkpoint import load_arrays, save_arrays
from fasts2s.layers import TimeAffine, TimeEmbedding, TimeGRU, TimeSoftmaxWithLoss
from fasts2s.models import (
    AttentionSeq2seq,
    BaseModel,
    BetterRnnlm,
    PeekySeq2seq,
    Rnnlm,
    Seq2seq,
    SimpleRnnlm,
    load_model,
    save_model,
)
from fasts2s.optimizers import Adam
from fasts2s.trainer import Trainer

V, H = 11, 6
CLASSES = [SimpleRnnlm, Rnnlm, BetterRnnlm, Seq2seq, PeekySeq2seq, AttentionSeq2seq]
COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}
duplicates = pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
XS, TS = np.arange(24).reshape(4, 6) % V, np.arange(1, 25).reshape(4, 6) % V


class Own(BaseModel):
    """A reader's language model, tied in one of several ways."""

    def __init__(self, way):
        super().__init__()
        rng = np.random.default_rng(4)
        draw = lambda *shape: rng.standard_normal(shape).astype("f")
        big = draw(V + H, 3 * H)
        W, Wx, Wh = draw(V, H), draw(H, 3 * H), draw(H, 3 * H)
        out = W.T if way != "apart" else draw(H, V)
        if way == "the view first":
            out = draw(H, V)
            W = out.T
        if way == "slices":
            Wx, Wh = big[:H], big[1 : H + 1]
        if way == "one array":
            Wh = Wx
        self.layers = [
            TimeEmbedding(W),
            TimeGRU(Wx, Wh, np.zeros(3 * H, "f"), True),
            TimeAffine(out, np.zeros(V, "f")),
        ]
        if way == "gradients":
            self.layers[2].grads[0] = self.layers[0].grads[0].T
        self.loss_layer = TimeSoftmaxWithLoss()
        self.params = [p for layer in self.layers for p in layer.params]
        self.grads = [g for layer in self.layers for g in layer.grads]
        self.by_name = {"output": (self.layers[2].params[0],)}

    def forward(self, xs, ts):
        for layer in self.layers:
            xs = layer.forward(xs)
        return self.loss_layer.forward(xs, ts)

    def backward(self, dout=1):
        dout = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)


def shared(model):
    """Which arrays of a model share memory, and which are the very arrays of the layers."""
    arrays = [*model.params, *model.grads]
    layers = [layer for part in parts(model) for layer in vars(part).get("params", ())]
    return (
        [[np.shares_memory(a, b) for b in arrays] for a in arrays],
        [[a is b for b in layers] for a in model.params],
        [(p.shape, p.strides) for p in arrays],
    )


def parts(model):
    if hasattr(model, "layers"):
        return model.layers
    return [
        layer for half in (model.encoder, model.decoder) for layer in vars(half).values() if hasattr(layer, "params")
    ]


@duplicates
@pytest.mark.parametrize("way", ["apart", "transposed", "the view first", "slices", "one array", "gradients"])
def test_a_copy_is_tied_as_the_model_is(way, duplicate):
    model = Own(way)
    model.forward(XS, TS)
    model.backward()
    for other in (duplicate(model), duplicate(duplicate(model))):
        assert shared(other) == shared(model)
        assert other.by_name["output"][0] is other.params[4]
        assert other.layers[0].W is other.params[0]
        assert not any(np.shares_memory(a, b) for a in other.params for b in model.params)
        for a, b in zip(other.params, model.params, strict=True):
            assert np.array_equal(a, b)
        other.params[0][2, 3] = 50
        assert (other.params[4][3, 2] == 50) == (way != "apart")


@duplicates
@pytest.mark.parametrize("way", ["transposed", "the view first", "slices"])
def test_a_copied_training_goes_on_as_the_first(way, duplicate):
    trainer = Trainer(Own(way), Adam())
    trainer.train_step(XS, TS)
    other = duplicate(trainer)
    for _ in range(3):
        assert other.train_step(XS, TS) == trainer.train_step(XS, TS)
    assert len(other.optimizer.m) == len(trainer.optimizer.m)
    for a, b in zip(other.model.params, trainer.model.params, strict=True):
        assert np.array_equal(a, b)


@duplicates
@pytest.mark.parametrize("make", CLASSES)
def test_params_of_a_copy_are_the_very_arrays_of_its_layers(make, duplicate):
    model = make(V, H, H)
    assert shared(duplicate(model)) == shared(model)


def tied_seq2seq(how):
    model = Seq2seq(V, H, H)
    if how == "output":
        new, place, layer = model.decoder.embed.W.T, 8, model.decoder.affine
    else:
        new, place, layer = model.encoder.embed.W, 4, model.decoder.embed
        layer.W = new
    layer.params[0] = model.params[place] = model.decoder.params[place - 4] = new
    return model


@duplicates
@pytest.mark.parametrize("how", ["output", "one embedding"])
def test_a_model_tied_by_a_reader_comes_back_tied_from_a_file(how, duplicate, tmp_path):
    model = tied_seq2seq(how)
    save_model(tmp_path / "m.npz", duplicate(model))
    loaded, _ = load_model(tmp_path / "m.npz")
    assert shared(loaded) == shared(model)
    for a, b in zip(loaded.params, model.params, strict=True):
        assert np.array_equal(a, b)
    assert loaded.forward(XS, TS) == model.forward(XS, TS)


def test_what_a_file_cannot_tie_is_refused_before_it_is_written(tmp_path):
    model = Rnnlm(V, H, H)
    big = np.zeros((H + 1, 4 * H), "f")
    for k, part in ((1, big[:H]), (2, big[1:])):
        model.params[k] = model.layers[1].params[k - 1] = part
    with pytest.raises(ValueError, match=r"params\[2\] shares a part of its memory with params\[1\], expected"):
        save_model(tmp_path / "m.npz", model)
    assert not list(tmp_path.iterdir())


def test_a_shallow_copy_has_the_arrays_of_the_model():
    model = Own("transposed")
    kept = list(model.params)
    other = copy.copy(model)
    assert all(a is b is c for a, b, c in zip(kept, model.params, other.params, strict=True))


def test_slices_beside_one_another_are_no_tie(tmp_path):
    model = Rnnlm(V, H, H)
    big = np.arange(H * 8 * H, dtype="f").reshape(H, 8 * H)
    for k, part in ((1, big[:, : 4 * H]), (2, big[:, 4 * H :])):
        model.params[k] = model.layers[1].params[k - 1] = part
    save_model(tmp_path / "m.npz", model)
    loaded, _ = load_model(tmp_path / "m.npz")
    assert np.array_equal(np.hstack(loaded.params[1:3]), big)
    assert model.parameter_count() == Rnnlm(V, H, H).parameter_count()


@pytest.mark.parametrize(
    "ties", [5, [5], [[0, 1, True]], [[1, 0, 1]], [[99, 0, True]], [[1, -1, True]], [[1, 0, False]]]
)
def test_ties_of_a_file_that_make_no_sense_are_refused(ties, tmp_path):
    save_model(tmp_path / "m.npz", Rnnlm(V, H, H))
    arrays, meta = load_arrays(tmp_path / "m.npz")
    save_arrays(tmp_path / "m.npz", arrays, meta | {"ties": ties})
    with pytest.raises(ValueError, match="are tied, expected"):
        load_model(tmp_path / "m.npz")
