"""What options forbid, over 10,000 answers of random models: every one of them keeps to it."""

import itertools

import numpy as np
import pytest

from fasts2s.generation import GenerationOptions, generate, generate_from
from tests.generation.models import START, STOP, Chain, model, sources

BANNED = (1, 5)
KEPT = {"banned": BANNED, "min_length": 3, "max_length": 9, "no_repeat_ngram": 2, "start_id": START, "stop_id": STOP}
WAYS = {
    "beam": {"beam": 4, "nbest": 4, "length_penalty": 0.7},
    "draws": {"temperature": 1.0, "nbest": 4, "rng": 1},
    "top": {"temperature": 1.5, "nbest": 4, "rng": 2, "top_k": 5, "top_p": 0.9},
    "nucleus": {"temperature": 2.0, "nbest": 4, "rng": 3, "top_p": 0.7, "repetition_penalty": 1.2},
}


def require(answers, prefix=()):
    """Every promise about the answers to one source."""
    values = [a.normalised for a in answers]
    assert values == sorted(values, reverse=True)
    for a in answers:
        assert not set(a.words[len(prefix) :]) & set(BANNED)
        assert a.words[: len(prefix)] == list(prefix)
        assert STOP not in a.words
        assert a.ended == (a.ids[-1] == STOP)
        assert 3 <= len(a.words) <= len(a.ids) <= 9
        assert len(a.logs) == len(a.ids)
        assert a.score == pytest.approx(a.logs.sum())
        pairs = list(itertools.pairwise(a.words))[max(len(prefix) - 1, 0) :]
        assert len(set(pairs)) == len(pairs)
    assert len({tuple(a.ids) for a in answers}) == len(answers) or answers[0].logs is not None


@pytest.mark.parametrize("way", WAYS)
def test_ten_thousand_answers_keep_to_the_options(way):
    chain, N = Chain(9, scale=1.0), 625
    prefixes = [[4, 7][: n % 3] for n in range(N)]
    found = generate_from(
        chain.step, chain.start(N), np.arange(N) % 9, GenerationOptions(**KEPT, **WAYS[way], prefix=prefixes)
    )
    assert sum(map(len, found)) == 2500
    for answers, prefix in zip(found, prefixes, strict=True):
        require(answers, prefix)
    lengths = {len(a.ids) for row in found for a in row}
    assert lengths >= {4, 9}
    if way == "beam":
        assert all(len({tuple(a.ids) for a in row}) == len(row) for row in found)


@pytest.mark.parametrize("way", WAYS)
def test_answers_of_an_encoder_decoder_keep_to_the_options(way):
    for answers in generate(model("deep"), sources(40), GenerationOptions(**KEPT, **WAYS[way])):
        require(answers)


def test_a_prefix_may_hold_what_is_banned():
    chain = Chain()
    options = GenerationOptions(beam=2, prefix=[1, 1, 1], banned=[1], no_repeat_ngram=1, max_length=6)
    for (answer,) in generate_from(chain.step, chain.start(3), np.zeros(3, int), options):
        assert answer.ids[:3] == [1, 1, 1]
        assert len(set(answer.ids[3:]) | {1}) == 4


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_ngram_is_forbidden_only_where_it_would_come_again(n):
    """Beams with all words that are left: the answers are all sequences without a repeated n-gram."""
    chain, length = Chain(3, scale=0.3), 4
    options = GenerationOptions(beam=81, nbest=81, no_repeat_ngram=n, max_length=length)
    (answers,) = generate_from(chain.step, chain.start(1), np.zeros(1, int), options)
    grams = lambda row: [row[k : k + n] for k in range(len(row) - n + 1)]
    longest = set(itertools.product(range(3), repeat=3 if n == 1 else length))
    expected = {row for row in longest if len(set(grams(row))) == len(grams(row))}
    assert {tuple(a.ids) for a in answers} == expected  # with n = 1 nothing may follow three words: they end there
    assert not any(a.ended for a in answers)


def test_the_penalty_on_repeated_words_changes_the_choice_and_not_the_score():
    scores = np.array([[2.0, 1.5, -1.0, -2.0]], np.float32)
    step = lambda ids, state: (scores.repeat(len(ids), axis=0), state)
    plain = generate_from(step, None, np.zeros(1, int), GenerationOptions(max_length=3))
    assert plain[0][0].ids == [0, 0, 0]
    ((answer,),) = generate_from(
        step, None, np.zeros(1, int), GenerationOptions(max_length=3, repetition_penalty=2.0)
    )
    assert answer.ids == [0, 1, 0]  # 2 becomes 1, then 1.5 becomes 0.75
    log_p = scores[0] - np.log(np.exp(scores[0]).sum())
    np.testing.assert_allclose(answer.logs, log_p[[0, 1, 0]], atol=1e-6)
    p2, p3 = np.array([1, 1.5, -1, -2]), np.array([1, 0.75, -1, -2])
    expected = log_p[0] + 1.5 - np.log(np.exp(p2).sum()) + 1 - np.log(np.exp(p3).sum())
    assert answer.normalised == pytest.approx(expected, abs=1e-5)


def test_nothing_left_ends_an_answer():
    step = lambda ids, state: (np.zeros((len(ids), 2), np.float32), state)
    for more in ({}, {"temperature": 1.0, "rng": 1}, {"temperature": 1.0, "top_k": 1}):
        options = GenerationOptions(no_repeat_ngram=1, max_length=5, **more)
        for (answer,) in generate_from(step, None, np.zeros(3, int), options):
            assert sorted(answer.ids) == [0, 1]
            assert not answer.ended
    options = GenerationOptions(banned=[0], stop_id=1, min_length=1, max_length=5)
    assert [a.ids for (a,) in generate_from(step, None, np.zeros(2, int), options)] == [[], []]


def test_words_out_of_range_are_refused():
    chain = Chain()
    ask = lambda **more: generate_from(chain.step, chain.start(1), np.zeros(1, int), GenerationOptions(**more))
    for more, match in (({"banned": [7]}, "banned"), ({"prefix": [7]}, "prefix"), ({"stop_id": 7}, "stop_id is 7")):
        with pytest.raises(IndexError, match=match):
            ask(**more)
    with pytest.raises(ValueError, match="banned holds all 7 ids"):
        ask(banned=range(7))
