"""Choosing whole answers with attention: single steps of the reference, padding, scores that are not finite."""

import numpy as np
import pytest

from fasts2s_kernels.backends import numpy as reference
from fasts2s_kernels.calling import Call
from fasts2s_kernels.cases import functions
from tests.kernels.helpers import compute, draw

NAME = "attention_greedy"
N, T, S, V, D, H = SIZES = (5, 4, 6, 13, 7, 9)


def answers(kernels, given):
    return compute(kernels, NAME, given)["ids_answers"]


@pytest.fixture(params=["float32", "float64"])
def given(request, rng):
    return draw(NAME, rng, *SIZES, dtype=np.dtype(request.param).type)


@pytest.mark.parametrize("optional", [None, ()], ids=["everything", "nothing optional"])
def test_answers_are_those_of_single_steps(kernels, rng, optional):
    w = draw(NAME, rng, *SIZES, given=optional, dtype=np.float32)
    ids, h, c, out = w["start_ids"], w["h"], w.get("c", np.zeros_like(w["h"])), []
    for _ in range(T):
        h, c = reference.lstm_step(w["W"][ids], w["Wx"], w["Wh"], w.get("b"), h=h, c=c)
        context = reference.attention_forward(w["hs_enc"], h[:, None], mask=w.get("mask"))[0][:, 0]
        ids = (np.hstack((context, h)) @ w["W_out"] + w.get("b_out", 0)).argmax(axis=1)
        out.append(ids)
    assert np.array_equal(answers(kernels, w), np.stack(out, axis=1))


def test_a_row_alone_is_answered_as_in_a_batch(kernels, given):
    rows = {"start_ids", "h", "c", "hs_enc", "mask"}
    alone = [answers(kernels, {k: v[[n]] if k in rows else v for k, v in given.items()}) for n in range(N)]
    assert np.array_equal(np.concatenate(alone), answers(kernels, given))


def test_the_attention_decides(kernels, given):
    """With weights of the context alone, what is chosen depends on the encoder's steps, and on the mask."""
    given["W_out"][H:], given["b_out"][...] = 0, 0
    given["mask"][...] = True
    before = answers(kernels, given)
    given["hs_enc"][...] *= -1
    assert (answers(kernels, given) != before).any()
    given["mask"][...] = False  # nothing to attend to: all scores are 0
    assert (answers(kernels, given) == 0).all()


@pytest.mark.parametrize("side", ["left", "right", "inside"])
def test_steps_of_padding_are_not_read(kernels, given, side):
    padding = {"left": slice(0, 2), "right": slice(4, 6), "inside": slice(2, 4)}[side]
    given["mask"][...] = True
    given["mask"][:, padding] = False
    given["hs_enc"][:, padding] = np.nan
    kept = given["mask"][0]
    shorter = {k: v for k, v in given.items() if k != "mask"} | {"hs_enc": given["hs_enc"][:, kept]}
    assert np.array_equal(answers(kernels, given), answers(kernels, shorter))


@pytest.mark.parametrize("name", ["W", "Wx", "W_out", "b_out", "h", "hs_enc"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_where_the_best_score_is_not_finite_nothing_is_chosen(kernels, given, name, bad):
    given["mask"][...] = True
    assert (answers(kernels, given) >= 0).all()
    one_row = name in ("h", "hs_enc")
    given[name][2 if one_row else ...] = bad if name == "b_out" else np.nan
    found = answers(kernels, given)
    assert (found[2] == -1).all()
    assert (np.delete(found, 2, axis=0) >= 0).all() == one_row


def test_encoder_steps_may_lie_anywhere(kernels, given):
    wanted = answers(kernels, given)
    enc = given["hs_enc"]
    for other in (np.asfortranarray(enc), np.stack((enc, enc), axis=2)[:, :, 1], enc[::-1, ::-1].copy()[::-1, ::-1]):
        assert np.array_equal(answers(kernels, given | {"hs_enc": other}), wanted)


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 2), (2, 3, 0), (2, 3, 1)], ids=str)
def test_nothing_to_answer_or_to_attend_to(kernels, rng, shape):
    rows, steps, length = shape
    w = draw(NAME, rng, rows, steps, length, 4, 3, 5, dtype=np.float32)
    found = answers(kernels, w)
    assert found.shape == (rows, steps)
    if length == 1:
        assert np.array_equal(found, answers(reference, w))


BAD = {
    "hs_enc of another batch": ({"hs_enc": np.zeros((4, S, H), "f")}, "hs_enc has shape"),
    "hs_enc of another size": ({"hs_enc": np.zeros((N, S, 8), "f")}, "hs_enc has shape"),
    "hs_enc of two axes": ({"hs_enc": np.zeros((N, H), "f")}, "hs_enc has shape"),
    "mask": ({"mask": np.ones((N, S + 1), bool)}, "mask has shape"),
    "W_out without room for the context": ({"W_out": np.zeros((H, V), "f")}, r"W_out has shape .* \(2H, V\)"),
    "h of another batch": ({"h": np.zeros((4, H), "f")}, "state h has shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(kernels, rng, name):
    changed, text = BAD[name]
    with pytest.raises(ValueError, match=text):
        Call(kernels, functions()[NAME], draw(NAME, rng, *SIZES, dtype=np.float32) | changed)()
