"""What models, layers, optimisers and trainers are made from: plain numbers inside, and senseless ones refused."""

import inspect
import json

import numpy as np
import pytest

from fasts2s import layers
from fasts2s.checkpoint import load_arrays
from fasts2s.models import (
    AttentionSeq2seq,
    BetterRnnlm,
    BetterRnnlmGen,
    PeekySeq2seq,
    Rnnlm,
    RnnlmGen,
    Seq2seq,
    SimpleRnnlm,
    load_model,
    save_model,
)
from fasts2s.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from fasts2s.trainer import RnnlmTrainer, Trainer

NAN, INF = float("nan"), float("inf")
LANGUAGE = [SimpleRnnlm, Rnnlm, BetterRnnlm, RnnlmGen, BetterRnnlmGen]
SEQUENCE = [Seq2seq, PeekySeq2seq, AttentionSeq2seq]


@pytest.mark.parametrize("integer", [np.int64, np.int32, np.uint8, np.array], ids=lambda f: f.__name__)
@pytest.mark.parametrize("make", LANGUAGE + SEQUENCE)
def test_a_model_of_numpy_numbers_is_saved_as_one_of_pythons(make, integer, tmp_path):
    options = {"pad_id": integer(3), "reverse": np.bool_(True)} if make in SEQUENCE else {}
    options |= {"dropout_ratio": np.float32(0.25)} if make in (BetterRnnlm, BetterRnnlmGen) else {}
    model = make(integer(7), integer(5), integer(5), **options)
    save_model(tmp_path / "m.npz", model)
    _, meta = load_arrays(tmp_path / "m.npz")
    assert {type(v) for v in model.config.values()} <= {int, float, bool}
    assert json.loads(json.dumps(model.config)) == meta["config"]
    loaded, _ = load_model(tmp_path / "m.npz")
    assert loaded.config == model.config
    if make in SEQUENCE:
        assert (type(model.pad_id), type(model.softmax.ignore_label), type(model.reverse)) == (int, int, bool)


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_an_optimiser_holds_pythons_floats(make):
    kinds = {"lr", "momentum", "decay_rate", "beta1", "beta2"} & set(inspect.signature(make).parameters)
    made = make(**dict.fromkeys(kinds, np.float32(0.5)))
    assert {type(getattr(made, name)) for name in kinds} == {float}


@pytest.mark.parametrize("make", [layers.TimeRNN, layers.TimeGRU, layers.TimeLSTM])
def test_a_layer_holds_a_plain_flag(make):
    w = np.zeros((4, 16), "f")
    assert make(w, w, w[0], np.bool_(True)).stateful is True
    with pytest.raises(ValueError, match="stateful is 'yes', expected True or False"):
        make(w, w, w[0], "yes")


def test_the_korean_gru_takes_its_flag_as_numpys():
    w = np.zeros((4, 12), "f")
    layer = layers.TimeGRU(w, w, np.bool_(True))
    assert (layer.stateful, len(layer.params)) == (True, 2)


NUMBERS = (NAN, INF, -INF, -0.1, "a", None, True, 1j, [0.1], np.float32("nan"), np.array([0.1]))
OPTIONS = [
    *((make, "lr", NUMBERS) for make in OPTIMIZERS),
    *((make, "momentum", (*NUMBERS, 1, 1.5)) for make in (Momentum, Nesterov)),
    (RMSprop, "decay_rate", (*NUMBERS, 1, 1.5)),
    *((Adam, name, (*NUMBERS, 1, 1.5)) for name in ("beta1", "beta2")),
    (layers.Dropout, "dropout_ratio", (*NUMBERS, 1.5)),
    (layers.TimeDropout, "dropout_ratio", (*NUMBERS, 1, 1.5)),
]


@pytest.mark.parametrize(("make", "name", "values"), OPTIONS, ids=str)
def test_numbers_that_make_no_sense_are_refused(make, name, values):
    for value in values:
        with pytest.raises(ValueError, match=rf"^{name} is .*, expected a (finite )?number.*such as 0\.\d+"):
            make(**{name: value})


@pytest.mark.parametrize("make", [SGD, AdaGrad, Adam])
def test_a_rate_of_zero_is_a_rate(make):
    assert make(lr=0).lr == 0


BAD = {
    "vocab_size": (0, -1, 1.5, "a", None, True),
    "wordvec_size": (0, -1, 1.5, "a", None, True),
    "hidden_size": (0, -1, 1.5, "a", None, True),
    "pad_id": (1.5, "a", True, 7, -8, NAN),
    "reverse": ("no", 2, None, NAN),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("make", SEQUENCE + LANGUAGE)
def test_sizes_and_options_of_models_that_make_no_sense_are_refused(make, name):
    if make in LANGUAGE and name in ("pad_id", "reverse"):
        pytest.skip("has no such option")
    for value in BAD[name]:
        with pytest.raises(ValueError, match=rf"^{name} is .*, expected"):
            make(**{"vocab_size": 7, "wordvec_size": 5, "hidden_size": 5, name: value})


@pytest.mark.parametrize("value", [*NUMBERS, 1, 1.5])
def test_dropout_of_a_model_that_makes_no_sense_is_refused(value):
    with pytest.raises(ValueError, match=r"^dropout_ratio is .*, expected a"):
        BetterRnnlm(7, 5, 5, value)


FIT = {
    "max_epoch": (0, -1, 1.5, "a", None),
    "batch_size": (0, -1, 1.5, "a", None),
    "eval_interval": (0, -1, 1.5, "a"),
    "max_grad": (NAN, -1, 0, "a", True),
}
MODELS = {Trainer: Seq2seq, RnnlmTrainer: Rnnlm}


@pytest.mark.parametrize("make", MODELS)
def test_options_of_a_training_that_make_no_sense_are_refused(make):
    data = np.zeros((20, 3), int) if make is Trainer else np.zeros(100, int)
    trainer = make(MODELS[make](7, 5, 5), SGD())
    before = [p.copy() for p in trainer.model.params]
    for name, values in (FIT | ({"time_size": FIT["batch_size"]} if make is RnnlmTrainer else {})).items():
        for value in values:
            with pytest.raises(ValueError, match=f"^{name} is .*, expected"):
                trainer.fit(data, data, **{"max_epoch": 1, "batch_size": 2, "eval_interval": None, name: value})
    for options in ({"nonfinite": "skp"}, {"nonfinite": None}, {"on_step": 3}):
        with pytest.raises(ValueError, match=f"^{min(options)} is .*, expected"):
            make(trainer.model, SGD(), **options)
    assert all(np.array_equal(a, b) for a, b in zip(before, trainer.model.params, strict=True))
    trainer.fit(data, data, max_epoch=np.int64(1), batch_size=np.int8(2), max_grad=np.float32(1), eval_interval=None)


def test_the_weights_are_called_unchanged_only_if_they_are_whole(backend):
    model, xs = Seq2seq(7, 5, 5, backend=backend), np.ones((4, 3), int)
    trainer = Trainer(model, SGD())
    model.params[0][0] = np.inf
    with pytest.raises(FloatingPointError, match=r"weights are not finite.*params\[0\] of Seq2seq") as caught:
        trainer.fit(xs * 0, xs, 1, 4)
    assert "unchanged" not in str(caught.value)


def test_a_rate_that_was_spoiled_later_is_named(backend):
    model, xs = Seq2seq(7, 5, 5, backend=backend), np.ones((4, 3), int)
    trainer = Trainer(model, SGD(backend=backend))
    trainer.optimizer.lr = NAN
    with pytest.raises(FloatingPointError, match=r"weights are not finite.*lr of the optimizer is nan") as caught:
        trainer.fit(xs, xs, 3, 4)
    assert "unchanged" not in str(caught.value)
