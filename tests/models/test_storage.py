"""Models in files: everything comes back, tied weights stay tied, and a wrong file changes nothing."""

import copy
import pickle

import numpy as np
import pytest

from fasts2s.backend import to_cpu, use_backend
from fasts2s.checkpoint import load_arrays, load_book_pickle, save_arrays, save_book_pickle
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
from fasts2s.models.base_model import BaseModel

V, H = 11, 7
SIZES = {"vocab_size": V, "wordvec_size": H, "hidden_size": H}
CLASSES = [SimpleRnnlm, Rnnlm, BetterRnnlm, RnnlmGen, BetterRnnlmGen, Seq2seq, PeekySeq2seq, AttentionSeq2seq]
TIED = [BetterRnnlm, BetterRnnlmGen]


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(20260101)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def same_bits(left, right):
    return [(p.dtype, p.shape, p.tobytes()) for p in left] == [(p.dtype, p.shape, p.tobytes()) for p in right]


# ---- save_model, load_model --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", CLASSES)
def test_a_model_comes_back_with_all_its_bits(make, path, backend, rng):
    model = make(**SIZES, backend=backend)
    model.params[1][0, 0] = np.nan
    model.params[1][0, 1] = 1e-40
    extra = {"epoch": 3, "words": ["a", "ä"], "nested": {"best": None, "lr": 0.1}}
    save_model(path, model, extra)
    state = np.random.get_state()
    loaded, came = load_model(path, backend=backend)
    assert np.array_equal(np.random.get_state()[1], state[1])
    assert np.random.get_state()[2:] == state[2:]
    assert type(loaded) is make
    assert came == extra
    assert loaded.config == model.config
    assert loaded.backend == model.backend
    assert same_bits(loaded.params, model.params)
    xs, ts = rng.integers(0, V, (2, 3, 5))
    loaded.params[1][0, :2] = model.params[1][0, :2] = 0.5
    np.random.seed(1)
    expected = model.forward(xs, ts)
    np.random.seed(1)
    assert loaded.forward(xs, ts) == expected


@pytest.mark.parametrize("make", TIED)
def test_tied_weights_are_stored_once_and_are_tied_again(make, path):
    model = make(**SIZES, dropout_ratio=0.25)
    save_model(path, model)
    arrays, _ = load_arrays(path)
    assert len(model.params) == 9
    assert list(arrays) == [f"param_{k:02d}" for k in (0, 1, 2, 3, 4, 5, 6, 8)]
    loaded, extra = load_model(path)
    assert extra == {}
    assert loaded.drop_layers[0].dropout_ratio == 0.25
    loaded.params[0][2, 3] = 5
    assert loaded.params[7][3, 2] == 5


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("make", CLASSES)
def test_a_copy_of_a_model_can_be_saved_and_loaded(make, duplicate, path):
    model = make(**SIZES)
    save_model(path, duplicate(model))
    loaded, _ = load_model(path)
    assert same_bits(loaded.params, model.params)


def test_options_of_seq2seq_come_back(path):
    save_model(path, AttentionSeq2seq(**SIZES, pad_id=3, reverse=True))
    loaded, _ = load_model(path)
    assert (loaded.pad_id, loaded.reverse, loaded.softmax.ignore_label) == (3, True, 3)


@pytest.mark.parametrize("make", CLASSES)
def test_a_file_keeps_its_dtype(make, path, backend):
    with use_backend("numpy", dtype="float64"):
        model = make(**SIZES)
    save_model(path, model)
    loaded, _ = load_model(path, backend=backend)
    assert (loaded.backend.name, loaded.backend.dtype) == (backend, "float64")
    assert same_bits([to_cpu(p) for p in loaded.params], model.params)
    xs, ts = np.random.randint(0, V, (2, 3, 5))
    model.train_flg = False
    for layer in getattr(model, "drop_layers", []) + getattr(loaded, "drop_layers", []):
        layer.dropout_ratio = 0.0
    assert float(to_cpu(loaded.forward(xs, ts))) == pytest.approx(float(model.forward(xs, ts)), rel=1e-12)
    assert {g.dtype for g in loaded.grads} == {np.dtype(np.float64)}


def test_float32_comes_back_as_float64_where_that_is_in_force(path):
    model = Rnnlm(**SIZES)
    save_model(path, model)
    with use_backend("numpy", dtype="float64"):
        loaded, _ = load_model(path)
    assert same_bits(loaded.params, [p.astype(np.float64) for p in model.params])


def test_a_file_of_both_dtypes_loses_nothing(path):
    model = Rnnlm(**SIZES)
    model.params[2] = model.params[2] + np.float64(1e-12)
    save_model(path, model)
    loaded, _ = load_model(path)
    assert loaded.backend.dtype == "float64"
    assert (loaded.params[2] == model.params[2]).all()
    assert (loaded.params[0] == model.params[0]).all()


def test_save_model_refuses_a_class_it_could_not_load(path):
    class Own(Rnnlm):
        pass

    for model in (Own(**SIZES), BaseModel()):
        with pytest.raises(ValueError, match=f"the model is of class {type(model).__name__}, expected one of"):
            save_model(path, model)
    with pytest.raises(ValueError, match="extra"):
        save_model(path, Rnnlm(**SIZES), {"array": np.zeros(3)})
    assert not path.exists()


def test_a_missing_file_is_a_file_not_found_error(path):
    with pytest.raises(FileNotFoundError):
        load_model(path)


@pytest.mark.parametrize("size", [0, 10, 2000, -1])
def test_a_cut_file_is_a_value_error(path, size):
    save_model(path, Rnnlm(**SIZES))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"model\.npz"):
        load_model(path)


def test_a_flipped_byte_is_a_value_error(path):
    save_model(path, Rnnlm(**SIZES))
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.npz"):
        load_model(path)


META = {"class": "Rnnlm", "config": dict(SIZES), "extra": {}}
OTHER_META = {
    "none": {},
    "another class": {**META, "class": "Transformer"},
    "a class of another kind": {**META, "class": ["Rnnlm"]},
    "a class with other shapes": {**META, "class": "Seq2seq"},
    "another size": {**META, "config": {**SIZES, "vocab_size": V + 1}},
    "a size beyond any memory": {**META, "config": {**SIZES, "vocab_size": 10**15}},
    "a size of zero": {**META, "config": {**SIZES, "vocab_size": 0}},
    "an unknown argument": {**META, "config": {**SIZES, "depth": 3}},
    "a missing argument": {**META, "class": "SimpleRnnlm", "config": {"vocab_size": V}},
    "config of another kind": {**META, "config": [V, H, H]},
    "no config": {"class": "Rnnlm", "extra": {}},
    "no extra": {"class": "Rnnlm", "config": dict(SIZES)},
}


@pytest.mark.parametrize("what", OTHER_META)
def test_a_file_of_another_kind_is_a_value_error(what, path):
    model = Rnnlm(**SIZES)
    save_arrays(path, {f"param_{k:02d}": p for k, p in enumerate(model.params)}, OTHER_META[what])
    state = np.random.get_state()[1].copy()
    with pytest.raises(ValueError, match=r"model\.npz|expected an integer >= 1"):
        load_model(path)
    assert np.array_equal(np.random.get_state()[1], state)


def test_arrays_of_other_names_or_shapes_are_a_value_error(path):
    arrays = {f"param_{k:02d}": p for k, p in enumerate(Rnnlm(**SIZES).params)}
    save_arrays(path, arrays, META)
    assert same_bits(load_model(path)[0].params, arrays.values())
    wrong = [
        {**arrays, "param_05": arrays["param_05"][None]},
        {**arrays, "param_06": arrays["param_05"]},
        {name: a for name, a in arrays.items() if name != "param_03"},
    ]
    for other in wrong:
        save_arrays(path, other, META, keep_previous=False)
        with pytest.raises(ValueError, match="expected those of Rnnlm"):
            load_model(path)


# ---- save_params, load_params: the book's files ------------------------------------------------------------------


@pytest.mark.parametrize("make", CLASSES)
def test_save_params_writes_float16_in_order_with_duplicates(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, other = make(**SIZES), make(**SIZES)
    model.save_params()
    arrays = load_book_pickle(tmp_path / f"{make.__name__}.pkl")
    assert len(arrays) == len(model.params) == (9 if make in TIED else len(model.params))
    halves = [p.astype(np.float16).astype(np.float32) for p in model.params]
    assert same_bits(arrays, halves)
    held = list(other.params)
    other.load_params()
    assert same_bits(other.params, halves)
    assert all(a is b for a, b in zip(other.params, held, strict=True))
    if make in TIED:
        other.params[0][2, 3] = 5
        assert other.params[7][3, 2] == 5


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_file_name_may_be_a_text_or_a_path(kind, tmp_path):
    path = tmp_path / "own name.pkl"
    model, other = Rnnlm(**SIZES), Rnnlm(**SIZES)
    model.save_params(kind(path))
    other.load_params(kind(path))
    assert np.array_equal(other.params[0], model.params[0].astype(np.float16).astype(np.float32))


def test_load_params_of_another_model_changes_nothing(tmp_path):
    path = tmp_path / "params.pkl"
    model = Rnnlm(**SIZES)
    before = [p.copy() for p in model.params]
    good = [np.ones_like(p) for p in model.params]
    for wrong in (
        good[:-1],
        [*good, good[0]],
        [*good[:-1], good[-1][None]],
        [*good[:-1], good[-1][:1]],
        good[::-1],
        [],
    ):
        save_book_pickle(path, wrong)
        with pytest.raises(ValueError, match=r"params\.pkl holds arrays of shapes .*, expected those of Rnnlm"):
            model.load_params(path)
        assert same_bits(model.params, before)
    save_book_pickle(path, good)
    model.load_params(path)
    assert same_bits(model.params, good)


def test_load_params_of_a_missing_or_damaged_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Rnnlm(**SIZES)
    before = [p.copy() for p in model.params]
    with pytest.raises(FileNotFoundError, match=r"Rnnlm\.pkl"):
        model.load_params()
    with pytest.raises(OSError, match="other"):
        model.load_params("other.pkl")
    model.save_params("cut.pkl")
    cut = tmp_path / "cut.pkl"
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cut"):
        model.load_params("cut.pkl")
    assert same_bits(model.params, before)


def test_save_params_refuses_what_float16_cannot_hold(tmp_path):
    model = Rnnlm(**SIZES)
    model.params[2][1, 1] = 7e4
    with pytest.raises(ValueError, match="float16"):
        model.save_params(tmp_path / "large.pkl")
    assert not (tmp_path / "large.pkl").exists()


def test_set_params_copies(rng):
    model, other = Rnnlm(**SIZES), Rnnlm(**SIZES)
    held = list(model.params)
    model.set_params(other.params)
    assert same_bits(model.params, other.params)
    assert all(a is b for a, b in zip(model.params, held, strict=True))
    assert not any(np.may_share_memory(a, b) for a, b in zip(model.params, other.params, strict=True))
    with pytest.raises(ValueError, match="the list holds arrays"):
        model.set_params(other.params[1:])
