"""Models from their parameters alone."""

import importlib.util

import numpy as np
import pytest

from fasts2s.checkpoint import load_book_pickle
from fasts2s.exchange import load_safetensors, model_of_params, save_safetensors
from fasts2s.models import AttentionSeq2seq, BetterRnnlm, PeekySeq2seq, Rnnlm, Seq2seq, SimpleRnnlm

V, D, H = 11, 4, 6
LANGUAGE = {
    "SimpleRnnlm": lambda: SimpleRnnlm(V, D, H),
    "Rnnlm": lambda: Rnnlm(V, D, H),
    "BetterRnnlm": lambda: BetterRnnlm(V, H, H),
}
PAIRS = {
    "Seq2seq": lambda: Seq2seq(V, D, H),
    "PeekySeq2seq": lambda: PeekySeq2seq(V, D, H),
    "AttentionSeq2seq": lambda: AttentionSeq2seq(V, D, H),
}
BOOKS = LANGUAGE | PAIRS


@pytest.mark.parametrize("name", BOOKS)
def test_the_class_is_found_from_the_shapes(name, tmp_path):
    model = BOOKS[name]()
    model.save_params(tmp_path / "m.pkl")
    state = np.random.get_state()[1].copy()
    back = model_of_params(load_book_pickle(tmp_path / "m.pkl"))
    assert type(back) is type(model)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    for a, b in zip(model.params, back.params, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-7)


def test_what_fits_no_model_is_refused():
    params = [p.copy() for p in LANGUAGE["BetterRnnlm"]().params]
    params[-2][0, 0] += 1
    with pytest.raises(ValueError, match="are not its word vectors"):
        model_of_params(params)
    with pytest.raises(ValueError, match="expected those of rnnlm"):
        model_of_params(params, "rnnlm")
    with pytest.raises(ValueError, match="expected one of"):
        model_of_params(params, "nothing")
    with pytest.raises(ValueError, match="holds arrays of shapes"):
        model_of_params([np.ones(3)])
    with pytest.raises(ValueError, match="holds arrays of shapes"):
        model_of_params([])
    with pytest.raises(ValueError, match=r"params\[1\] has dtype complex64"):
        model_of_params([params[0], params[1].astype("F"), *params[2:]])


def test_what_parameters_do_not_say_is_told():
    model = model_of_params(PAIRS["Seq2seq"]().params, reverse=True, pad_id=2)
    assert (model.config["reverse"], model.config["pad_id"]) == (True, 2)
    with pytest.raises(ValueError, match="reverse is True, expected none: a Rnnlm reads no source"):
        model_of_params(LANGUAGE["Rnnlm"]().params, reverse=True)
    with pytest.raises(ValueError, match="pad_id is 11, expected an id of the vocabulary"):
        model_of_params(PAIRS["Seq2seq"]().params, pad_id=V)


@pytest.mark.parametrize("kind", [Rnnlm, AttentionSeq2seq])
def test_the_books_own_pickles_come_back_to_the_bit(kind, book_data, tmp_path):
    if importlib.util.find_spec("safetensors") is None:
        pytest.skip("safetensors is not installed: pip install 'fasts2s[safetensors]'")
    path = book_data / f"{kind.__name__}.pkl"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    model = model_of_params(load_book_pickle(path), origin=str(path))
    assert type(model) is kind
    save_safetensors(tmp_path / "m.safetensors", model)
    again, _ = load_safetensors(tmp_path / "m.safetensors")
    again.save_params(tmp_path / "again.pkl")
    # The numbers of the file themselves, float16: nothing was rounded on the way.
    for a, b, c in zip(*map(load_book_pickle, (path, tmp_path / "again.pkl")), again.params, strict=True):
        assert a.tobytes() == b.tobytes() == np.ascontiguousarray(c).tobytes()


def test_float64_stays():
    params = [p.astype("f8") for p in LANGUAGE["Rnnlm"]().params]
    params[0][0, 0] = np.pi
    assert model_of_params(params).params[0][0, 0] == np.pi
