"""Text from language models: the book's random numbers, banned words, states that can be kept."""

import numpy as np
import pytest

from fasts2s.backend import to_cpu
from fasts2s.layers import TimeAffine
from fasts2s.models import BetterRnnlmGen, RnnlmGen, _words
from tests.sides import put

V = 13


@pytest.fixture(params=["RnnlmGen", "BetterRnnlmGen"])
def model(request, backend):
    np.random.seed(11)
    if request.param == "RnnlmGen":
        made = RnnlmGen(V, 5, 7, backend=backend)
    else:
        made = BetterRnnlmGen(V, 7, 7, backend=backend)
    for p in made.params[:-2]:  # the tied matrix would be scaled twice
        p *= 4
    return made


def by_hand(model, start, skip, size, stop=None):
    """Draw in the book's order: one draw per forward, rejected words are drawn anew from the next forward."""
    words, x, rejected = [start], start, 0
    while len(words) < size:
        scores = to_cpu(model.predict(np.array([[x]]))).ravel()
        p = np.exp(scores - scores.max())
        drawn = int(np.random.choice(V, size=1, p=p / p.sum())[0])
        if skip is not None and drawn in skip:
            rejected += 1
            continue
        x = drawn
        words.append(x)
        if x == stop:
            break
    return words, rejected


def states(model):
    state = model.get_state()
    return [to_cpu(a).copy() for a in (state if isinstance(state, tuple) else [a for pair in state for a in pair])]


def equal(left, right):
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("skip", [None, [], [2, 5, 7, 11], np.array([1, 3]), {0, -1, 999}], ids=str)
def test_generate_draws_as_the_book(model, skip):
    np.random.seed(5)
    expected, rejected = by_hand(model, 3, skip, 60)
    wanted_state, wanted_rng = states(model), np.random.get_state()
    model.reset_state()
    np.random.seed(5)
    words = model.generate(3, skip, 60)
    assert words == expected
    assert {type(w) for w in words} == {int}
    assert equal(states(model), wanted_state)
    assert np.array_equal(np.random.get_state()[1], wanted_rng[1])
    assert np.random.get_state()[2:] == wanted_rng[2:]
    assert (rejected > 0) == (skip is not None and len(skip) > 0)


def test_generate_ends_with_stop_id(model):
    np.random.seed(5)
    whole = model.generate(3, sample_size=60)
    stop = whole[20]
    cut = whole[1:].index(stop) + 2
    model.reset_state()
    np.random.seed(5)
    assert model.generate(3, stop_id=stop, sample_size=60) == whole[:cut]
    model.reset_state()
    np.random.seed(5)
    # A start that is the stop word is where a text begins, not where it ends.
    assert len(model.generate(stop, stop_id=stop, sample_size=60)) > 1


@pytest.mark.parametrize("stop", [None, 20, 24])
def test_text_of_several_calls_uses_as_many_random_numbers_as_it_has_draws(model, monkeypatch, stop):
    monkeypatch.setattr(_words, "_MOST", 7)
    np.random.seed(5)
    whole, _ = by_hand(model, 3, [2, 5], 40)
    stop = None if stop is None else whole[stop]
    model.reset_state()
    np.random.seed(5)
    expected, _ = by_hand(model, 3, [2, 5], 40, stop)
    wanted, wanted_state = np.random.random_sample(), states(model)
    model.reset_state()
    np.random.seed(5)
    assert model.generate(3, [2, 5], 40, stop) == expected
    assert np.random.random_sample() == wanted
    assert equal(states(model), wanted_state)


def test_a_text_that_cannot_go_on_says_at_which_word(model):
    if not isinstance(model.params[0], np.ndarray):
        pytest.skip("a device is asked word by word")
    np.random.seed(5)
    whole = model.generate(3, sample_size=40)
    bad = next(word for word in whole[9:] if word not in whole[:9])
    where = whole.index(bad) + 1
    np.random.seed(5)
    np.random.random_sample(where)  # the draw that failed is one, too
    wanted = np.random.random_sample()
    if isinstance(model, RnnlmGen):
        model.params[0][bad] = np.nan
    else:
        model.lstm_layers[0].params[2][...] = np.nan  # the embedding is the output's too
        where = 1
    model.reset_state()
    np.random.seed(5)
    with pytest.raises(FloatingPointError, match=rf"no id can be chosen for word {where}:"):
        model.generate(3, sample_size=40)
    if isinstance(model, RnnlmGen):
        assert np.random.random_sample() == wanted


def test_an_output_of_more_words_than_the_embedding_has_comes_from_the_layers(backend):
    np.random.seed(11)
    model = RnnlmGen(V, 5, 7, backend=backend)
    model.layers[-1] = TimeAffine(
        *[put(backend, a.astype("f")) for a in (np.random.randn(7, V + 2), np.r_[np.zeros(V), -50, -50])],
        backend=backend,
    )
    np.random.seed(5)
    words = model.generate(3, sample_size=30)
    model.reset_state()
    np.random.seed(5)
    drawn = []
    for word in words[:-1]:
        scores = to_cpu(model.predict(np.array([[word]]))).ravel()
        p = np.exp(scores - scores.max())
        drawn.append(int(np.random.choice(V + 2, size=1, p=p / p.sum())[0]))
    assert words[1:] == drawn


def test_sample_size_counts_the_start(model):
    before = np.random.get_state()[2]
    assert model.generate(3, sample_size=1) == [3]
    assert np.random.get_state()[2] == before
    assert len(model.generate(3)) == 100
    assert len(model.generate(np.int64(3), sample_size=2)) == 2


def test_skipping_every_word_is_an_error_and_no_endless_loop(model):
    with pytest.raises(ValueError, match="skip_ids hold every word"):
        model.generate(3, range(V), 5)
    model.params[-1][...] = 0
    model.params[-1][4] = 300  # every other word has probability 0
    with pytest.raises(ValueError, match="skip_ids hold every word"):
        model.generate(3, [4], 5)
    assert model.generate(3, [0], 3) == [3, 4, 4]


def test_a_start_out_of_range_is_an_index_error(model):
    for start in (V, -V - 1):
        with pytest.raises(IndexError):
            model.generate(start, sample_size=3)


def test_generate_runs_without_dropout(model):
    np.random.seed(5)
    first = model.generate(3, sample_size=30)
    model.reset_state()
    if isinstance(model, BetterRnnlmGen):
        model.predict(np.array([[1]]), train_flg=True)
        model.reset_state()
    np.random.seed(5)
    assert model.generate(3, sample_size=30) == first


def test_a_kept_state_continues_identically(model):
    model.generate(3, sample_size=10)
    kept, copies = model.get_state(), states(model)
    np.random.seed(9)
    first = model.generate(4, sample_size=30)
    model.predict(np.arange(6).reshape(1, 6))  # the model runs on in between, on other words
    model.set_state(kept)
    assert equal(states(model), copies)  # what get_state gave is never written to
    np.random.seed(9)
    assert model.generate(4, sample_size=30) == first
    np.random.seed(9)
    assert model.generate(4, sample_size=30) != first
    model.set_state(kept)
    np.random.seed(9)
    assert model.generate(4, sample_size=30) == first


def test_the_state_before_any_word_is_none_and_can_be_set_back(model):
    kept = model.get_state()
    assert kept in ((None, None), [(None, None), (None, None)])
    np.random.seed(9)
    first = model.generate(4, sample_size=10)
    model.set_state(kept)
    np.random.seed(9)
    assert model.generate(4, sample_size=10) == first


def test_a_state_of_the_wrong_shape_is_an_error(model):
    h = put(model.backend, np.zeros((2, 7), np.float32))
    model.set_state((h, h) if isinstance(model, RnnlmGen) else [(h, h), (h, h)])
    with pytest.raises(ValueError, match=r"the state h0 has shape \(2, 7\)"):
        model.generate(4, sample_size=3)


def test_words_are_made_beside_the_layers(model, monkeypatch):
    if not isinstance(model.params[0], np.ndarray):
        pytest.skip("on the host alone")
    calls, predict = [], model.predict
    monkeypatch.setattr(model, "predict", lambda xs: calls.append(xs) or predict(xs))
    np.random.seed(5)
    words = model.generate(3, sample_size=20)
    assert [xs.tolist() for xs in calls] == [[[3]], [[words[-2]]]]


def test_a_predict_of_ones_own_makes_every_word(backend):
    class Warm(RnnlmGen):
        """Scores of a reader's own."""

        asked = 0

        def predict(self, xs):
            type(self).asked += 1
            return super().predict(xs) / 3

    np.random.seed(11)
    model = Warm(V, 5, 7, backend=backend)
    np.random.seed(5)
    expected, _ = by_hand(model, 3, None, 30)
    model.reset_state()
    Warm.asked = 0
    np.random.seed(5)
    assert model.generate(3, sample_size=30) == expected
    assert Warm.asked == 29


def test_layers_that_say_other_scores_than_their_weights_are_asked_for_each(model, monkeypatch):
    if not isinstance(model.params[0], np.ndarray):
        pytest.skip("on the host alone")
    forward, calls = model.layers[-1].forward, []
    monkeypatch.setattr(model.layers[-1], "forward", lambda xs: calls.append(1) or 2 * forward(xs))
    np.random.seed(5)
    expected, _ = by_hand(model, 3, None, 20)
    model.reset_state()
    calls.clear()
    np.random.seed(5)
    assert model.generate(3, sample_size=20) == expected
    assert len(calls) == 19
