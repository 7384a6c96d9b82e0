"""Models from their parameters alone."""

import numpy as np
import pytest

from fasts2s.checkpoint import load_book_pickle
from fasts2s.exchange import model_of_params
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
