"""Drawing a text: NumPy's own draws, words that are banned, ends, states that are carried on."""

import numpy as np
import pytest

from fasts2s_kernels.backends import numpy as reference
from fasts2s_kernels.calling import Call, host
from fasts2s_kernels.cases import functions
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.target import LANES
from tests.kernels.helpers import assert_results, compute, draw

NAME = "lstm_text"
T, V, D, H, M = SIZES = (12, 11, 5, 6, 7)
NOTHING, ENDED = -1, -2


def compute_text(kernels, given):
    """Return ids, h, c, scores."""
    found = compute(kernels, NAME, given)
    return [found[name] for name in ("ids_draws", "out_h", "out_c", "out_scores")]


@pytest.fixture(params=["float32", "float64"])
def given(request, rng):
    """Two LSTMs, one on the other, and nothing that is banned or ends the text."""
    return draw(NAME, rng, *SIZES, given=["b_out"], scale=3.0, dtype=np.dtype(request.param).type)


def by_hand(w, uniforms, banned=(), stop=None):
    """Return draws, and the words that they follow, with NumPy's own choice in the place of the uniform numbers."""
    (Wx1, Wh1, b1, Wx2, Wh2, b2), word, draws, followed = w["layers"], w["start_id"], [], []
    h1, c1 = w["h"][None, :H], w["c"][None, :H]
    h2, c2 = w["h"][None, H:], w["c"][None, H:]
    for u in uniforms:
        h1, c1 = reference.lstm_step(w["W"][[word]], Wx1, Wh1, b1, h=h1, c=c1)
        h2, c2 = reference.lstm_step(h1, Wx2, Wh2, b2, h=h2, c=c2)
        scores = (h2 @ w["W_out"] + w["b_out"])[0]
        p = np.exp(scores - scores.max())
        ends = (p / p.sum()).astype(np.float64).cumsum()
        drawn = int((ends / ends[-1]).searchsorted(u, side="right"))  # as numpy.random.choice has it
        draws.append(drawn)
        followed.append(word)
        if drawn in banned:
            continue
        word = drawn
        if word == stop:
            break
    return draws, followed


def test_draws_are_those_of_single_steps(kernels, given):
    ids, h, c, scores = compute_text(kernels, given)
    expected, _ = by_hand(given, given["uniforms"])
    assert ids.tolist() == expected
    assert len(set(expected)) > 3
    assert ids.dtype == np.int64
    assert {a.dtype for a in (h, c, scores)} == {given["W"].dtype}


def test_the_same_word_is_followed_again_after_a_banned_one(kernels, given):
    draws, _ = by_hand(given, given["uniforms"])
    banned = {draws[0], draws[4]}
    expected, followed = by_hand(given, given["uniforms"], banned)
    assert followed[1] == given["start_id"]  # with another state
    ids, *_ = compute_text(kernels, given | {"banned": np.isin(np.arange(V), list(banned))})
    assert ids.tolist() == expected
    assert expected != draws


def test_a_text_ends_with_its_stop(kernels, given):
    draws, _ = by_hand(given, given["uniforms"])
    stop, steps = draws[5], draws.index(draws[5]) + 1
    whole = compute_text(kernels, given | {"uniforms": given["uniforms"][:steps]})
    cut = compute_text(kernels, given | {"stop_id": stop})
    assert cut[0].tolist() == [*draws[:steps], *[ENDED] * (T - steps)]
    for a, b in zip(cut[1:], whole[1:], strict=True):
        assert np.array_equal(a, b)
    banned = given | {"stop_id": stop, "banned": np.arange(V) == stop}  # it is never taken
    assert compute_text(kernels, banned)[0].min() >= 0
    for never in (-1, V, 10**30, -(10**30), stop - V):
        assert compute_text(kernels, given | {"stop_id": never})[0].tolist() == draws


def test_a_text_in_two_parts_is_that_in_one(kernels, given):
    ids, h, c, scores = compute_text(kernels, given)
    first = compute_text(kernels, given | {"uniforms": given["uniforms"][:5]})
    after = {"start_id": int(first[0][-1]), "h": first[1][1], "c": first[2][1], "uniforms": given["uniforms"][5:]}
    second = compute_text(kernels, given | after)
    assert np.array_equal(np.concatenate((first[0], second[0])), ids)
    for a, b in zip(second[1:], (h, c, scores), strict=True):
        assert np.array_equal(a, b)
    again = {"start_id": int(ids[-2]), "h": h[0], "c": c[0], "uniforms": given["uniforms"][-1:]}  # the last step
    for a, b in zip(compute_text(kernels, given | again), (ids[-1:], h, c, scores), strict=True):
        assert np.array_equal(a, b)


def test_a_word_may_be_counted_from_the_end(kernels, given):
    found = [compute_text(kernels, given | {"start_id": k}) for k in (V - 2, -2)]
    for a, b in zip(*found, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_where_there_are_no_probabilities_nothing_is_drawn(kernels, given, bad):
    none = given | {"b_out": np.full_like(given["b_out"], bad)}
    assert compute_text(kernels, none)[0].tolist() == [NOTHING, *[ENDED] * (T - 1)]
    draws, followed = by_hand(given, given["uniforms"])
    given["W"][draws[2]] = np.nan  # as soon as that word is followed
    steps = followed.index(draws[2])
    assert compute_text(kernels, given)[0].tolist() == [*draws[:steps], NOTHING, *[ENDED] * (T - steps - 1)]


def test_where_every_word_that_can_follow_is_banned_the_text_ends(kernels, given):
    given["W_out"][...], given["b_out"][...] = 0, 0
    given["b_out"][4] = 1000
    banned = np.arange(V) == 4
    assert compute_text(kernels, given | {"banned": banned})[0].tolist() == [4, *[ENDED] * (T - 1)]
    assert compute_text(kernels, given | {"banned": ~banned})[0].tolist() == [4] * T
    assert (compute_text(kernels, given | {"banned": np.ones(V, bool)})[0][1:] == ENDED).all()


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_any_number_of_lstms(kernels, given, layers):
    units = (D, H, M)[layers]
    parts = {"h": given["h"][: (0, H, H + M)[layers]], "c": given["c"][: (0, H, H + M)[layers]]}
    W_out = np.resize(given["W_out"], (units, V))
    changed = given | parts | {"layers": given["layers"][: 3 * layers], "W_out": W_out}
    assert_results("text", compute(kernels, NAME, changed), compute(reference, NAME, changed))


def test_without_steps_the_states_are_what_they_were(kernels, given):
    ids, h, c, scores = compute_text(kernels, given | {"uniforms": np.zeros(0)})
    assert ids.size == 0
    assert np.array_equal(h, [given["h"]] * 2)
    assert np.array_equal(c, [given["c"]] * 2)
    assert np.array_equal(scores, np.zeros(V))


@pytest.mark.parametrize("order", "CF")
def test_any_number_of_workers_gives_the_same_bits(monkeypatch, rng, order):
    kernels = pytest.importorskip("fasts2s_kernels.backends.numba")
    w = draw(NAME, rng, 9, 6 * LANES + 3, 5, LANES + 1, 3 * LANES + 2, dtype=np.float32)
    w["W_out"] = np.array(w["W_out"], order=order)
    found = []
    for workers in (1, 2, 3, 7):
        monkeypatch.setattr(threads, "workers_for", lambda work, workers=workers: workers)
        found.append(host(kernels, Call(kernels, functions()[NAME], w)()))
    for other in found[1:]:
        assert_results("text", other, found[0], {"out": 0.0})


BAD = {
    "start beyond V": ({"start_id": V}, IndexError, "start_id is 11"),
    "start below -V": ({"start_id": -V - 1}, IndexError, "start_id is -12"),
    "start as a float": ({"start_id": 1.5}, ValueError, "start_id"),
    "two of three arrays": ({"layers": [np.zeros((D, 4 * H), "f")] * 2}, ValueError, "three of every LSTM"),
    "W_out": ({"W_out": np.zeros((M, V + 1), "f")}, ValueError, "W_out is float32"),
    "W_out in float64": ({"W_out": np.zeros((M, V))}, ValueError, "W_out is float64"),
    "h": ({"h": np.zeros(H, "f")}, ValueError, "h has shape"),
    "c": ({"c": np.zeros((1, H + M), "f")}, ValueError, "c has shape"),
    "a uniform number of 1": ({"uniforms": np.array([0.5, 1.0])}, ValueError, "uniforms run from 0.5 to 1.0"),
    "two axes": ({"uniforms": np.zeros((2, 1))}, ValueError, r"expected \(T,\)"),
    "banned": ({"banned": np.zeros(V)}, ValueError, "banned has dtype float64"),
    "stop as a text": ({"stop_id": "x"}, ValueError, "stop_id"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(kernels, rng, name):
    changed, error, text = BAD[name]
    with pytest.raises(error, match=text):
        Call(kernels, functions()[NAME], draw(NAME, rng, *SIZES, dtype=np.float32) | changed)()


def test_layers_that_are_no_list_and_a_bias_that_is_none_are_named(kernels, given):
    arguments = Call(kernels, functions()[NAME], given).arguments
    with pytest.raises(ValueError, match=r"layers is of type \w+, expected a list of arrays"):
        kernels.lstm_text(**arguments | {"layers": arguments["W"]})
    with pytest.raises(ValueError, match=r"layers\[2\] is None, expected the bias"):
        kernels.lstm_text(**arguments | {"layers": [*arguments["layers"][:2], None, *arguments["layers"][3:]]})


def test_a_layer_that_does_not_fit_the_one_below_is_named(kernels, given):
    given["layers"][3] = given["layers"][3][:-1]
    with pytest.raises(ValueError, match=r"layers\[3\], a Wx, is float"):
        Call(kernels, functions()[NAME], given)()
