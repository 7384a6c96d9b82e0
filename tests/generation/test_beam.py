"""Beams: greedy with one, everything with enough, and what each option means."""

import itertools

import numpy as np
import pytest

from fasts2s.backend import to_cpu
from fasts2s.generation import GenerationOptions, generate, generate_from, greedy
from fasts2s.models import AttentionSeq2seq, BetterRnnlm, PeekySeq2seq, Rnnlm, SimpleRnnlm
from tests.encoder_decoder import samples
from tests.generation.models import START, STOP, Chain, log_softmax, model, sources

MODELS = [name for name in samples.OPTIONS if name not in ("smoothing", "dropout", "variational", "sampling")]


def ids(answers):
    return [answer.ids for (answer,) in answers]


def beam(count, **more):
    return GenerationOptions(beam=count, start_id=START, stop_id=STOP, **{"max_length": 8, **more})


# ---- one is greedy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [0, 0.9])
@pytest.mark.parametrize("name", MODELS)
def test_a_beam_of_one_is_greedy(name, penalty):
    m, xs = model(name), sources(40)
    found = generate(m, xs, beam(1, length_penalty=penalty))
    assert ids(found) == greedy(m.step, m.start(xs), np.full(40, START), 8, stop_id=STOP)
    assert len({len(row) for row in ids(found)}) > 1
    assert [a.ended for (a,) in found] == [row[-1] == STOP for row in ids(found)]


@pytest.mark.parametrize("make", [SimpleRnnlm, Rnnlm, BetterRnnlm])
def test_a_beam_of_one_is_greedy_for_language_models(make, backend):
    m, starts = make(13, 7, 7, backend=backend), np.arange(13)
    for p in m.params:
        p *= 20
    found = generate_from(m.step, None, starts, beam(1))
    assert ids(found) == greedy(m.step, None, starts, 8, stop_id=STOP)
    wide = generate_from(m.step, None, starts, beam(4, nbest=3))
    assert {len(row) for row in wide} == {3}
    assert all(row[0].normalised >= best.normalised - 1e-6 for row, (best,) in zip(wide, found, strict=True))


@pytest.mark.parametrize("make", [AttentionSeq2seq, PeekySeq2seq])
def test_a_beam_of_one_is_greedy_for_the_books_decoders(make, rng):
    m, xs = make(13, 7, 7), rng.integers(0, 13, (9, 4))
    start, starts = m.decoder.start(m.encoder.forward(xs)), np.arange(9)
    assert ids(generate_from(m.decoder.step, start, starts, beam(1))) == greedy(
        m.decoder.step, start, starts, 8, stop_id=STOP
    )
    assert len(generate_from(m.decoder.step, start, starts, beam(3, nbest=3))[0]) == 3


# ---- enough is everything ----------------------------------------------------------------------------------------


def everything(chain, n, length, alpha, beta, banned=()):
    """All answers of source n: (ids, log of the probability, what is compared), the best first."""
    V, found = chain.B.shape[1], []
    for row in itertools.product([v for v in range(V) if v not in banned], repeat=length):
        row = row[: row.index(STOP) + 1] if STOP in row else row
        state, last, total, seen = chain.start(n + 1), START, 0.0, 0.0
        state = state[n:] if not chain.S else type(state)(state.h[n:], None, state.mask[n:])
        for word in row:
            scores, state = chain.step(np.array([last]), state)
            total, last = total + log_softmax(scores)[0, word], word
            seen = seen + (state.weights[0, state.mask[0]] if chain.S else 0.0)
        covered = np.log(np.minimum(seen, 1)).sum() if chain.S else 0.0
        found.append((row, total, total / ((5 + len(row)) / 6) ** alpha + beta * covered))
    return sorted(set(found), key=lambda answer: -answer[2])


@pytest.mark.parametrize(("alpha", "beta"), [(0, 0), (1.2, 0), (0.7, 0.5)])
def test_enough_beams_find_everything(alpha, beta):
    V, length = 5, 3
    chain = Chain(V, scale=1.0, S=4 if beta else 0)
    options = beam(
        V**length, nbest=V**length, max_length=length, length_penalty=alpha, coverage_penalty=beta, attention=beta > 0
    )
    found = generate_from(chain.step, chain.start(2), np.full(2, START), options)
    for n, answers in enumerate(found):
        expected = everything(chain, n, length, alpha, beta)
        assert [tuple(a.ids) for a in answers] == [row for row, _, _ in expected]
        np.testing.assert_allclose([a.score for a in answers], [total for _, total, _ in expected], atol=1e-5)
        np.testing.assert_allclose([a.normalised for a in answers], [value for *_, value in expected], atol=1e-5)
        best = generate_from(
            chain.step,
            chain.start(2),
            np.full(2, START),
            beam(V**length, max_length=length, length_penalty=alpha, coverage_penalty=beta),
        )
        assert best[n][0].ids == answers[0].ids


def test_banned_words_keep_the_probabilities_of_the_others():
    chain = Chain(5, scale=1.0)
    found = generate_from(
        chain.step, chain.start(1), np.array([START]), beam(125, nbest=125, max_length=3, banned=[0, -1])
    )
    expected = everything(chain, 0, 3, 0, 0, banned=(0, 4))
    assert [tuple(a.ids) for a in found[0]] == [row for row, _, _ in expected]
    np.testing.assert_allclose([a.score for a in found[0]], [total for _, total, _ in expected], atol=1e-5)


# ---- scores ------------------------------------------------------------------------------------------------------


def teacher_forced(m, xs, rows):
    """The logs of the probabilities of answers (lists of ids), from all steps at once."""
    T = max(map(len, rows))
    ts = np.zeros((len(rows), T + 1), np.int64)
    ts[:, 0] = START
    for n, row in enumerate(rows):
        ts[n, 1 : 1 + len(row)] = row
    read, _ = m.encoder.forward(xs, xs != 0, m._dropper, False)
    logs = log_softmax(m.decoder.forward(ts[:, :-1], read, m._dropper, False)[0])
    return [logs[n, np.arange(len(row)), row] for n, row in enumerate(rows)]


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_the_models_own(name):
    m, xs = model(name), sources(6)
    for more in ({}, {"repetition_penalty": 1.5, "no_repeat_ngram": 2, "banned": [4], "length_penalty": 0.6}):
        found = generate(m, xs, beam(4, nbest=4, **more))
        answers = [a for row in found for a in row]
        expected = teacher_forced(m, xs.repeat([len(row) for row in found], axis=0), [a.ids for a in answers])
        for answer, logs in zip(answers, expected, strict=True):
            np.testing.assert_allclose(answer.logs, logs, atol=2e-5)
            assert answer.score == pytest.approx(logs.sum(), abs=1e-4)
            norm = ((5 + len(answer.ids)) / 6) ** more.get("length_penalty", 0)
            assert more or answer.normalised == pytest.approx(answer.score / norm, abs=1e-6)


@pytest.mark.parametrize("more", [{"beam": 3, "nbest": 3}, {"temperature": 1.0, "nbest": 3, "rng": 1}], ids=str)
@pytest.mark.parametrize("name", ["dot", "general", "additive", "feeding peeky"])
def test_the_attention_of_an_answer_is_that_of_its_words(name, more):
    m, xs = model(name), sources(5)
    options = GenerationOptions(start_id=START, stop_id=STOP, max_length=8, attention=True, **more)
    for answers, source in zip(generate(m, xs, options), xs, strict=True):
        for answer in answers:
            state, last, expected = m.start(source[None]), START, []
            for word in answer.ids:
                _, state = m.step(np.array([last]), state)
                expected.append(state.weights[0, ::-1] if m.settings.reverse else state.weights[0])
                last = word
            np.testing.assert_allclose(answer.attention, expected, atol=1e-5)
            assert (answer.attention[:, source == 0] == 0).all()


def test_no_attention_unless_asked_for():
    assert all(a.attention is None for row in generate(model("dot"), sources(2), beam(2)) for a in row)
    assert all(
        a.attention is None for row in generate(model("peeky"), sources(2), beam(2, attention=True)) for a in row
    )


# ---- rows have nothing to do with one another --------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [{}, {"length_penalty": 1.0, "coverage_penalty": 0.3, "nbest": 3}, {"no_repeat_ngram": 2, "min_length": 1}],
)
@pytest.mark.parametrize("name", ["deep", "feeding", "plain rnn", "feeding peeky"])
def test_a_batch_is_answered_as_its_rows_one_by_one(name, more):
    m, xs = model(name), sources(30, seed=3)
    more = {**more, "coverage_penalty": 0.0 if name == "plain rnn" else more.get("coverage_penalty", 0.0)}
    together = generate(m, xs, beam(3, **more))
    assert len({len(a.ids) for row in together for a in row}) > 1
    for row, x in zip(together, xs, strict=True):
        (alone,) = generate(m, x[None], beam(3, **more))
        assert [a.ids for a in alone] == [a.ids for a in row]
        np.testing.assert_allclose([a.normalised for a in alone], [a.normalised for a in row], atol=2e-5)


def test_rows_that_are_done_leave_the_batch():
    m, xs, seen = model("dot"), sources(60), []

    class Watched:
        def start(self, xs):
            return m.start(xs)

        def step(self, ids, state):
            seen.append((len(ids), len(state.read.hs)))
            return m.step(ids, state)

    found = generate(Watched(), xs, beam(3))
    assert ids(found) == ids(generate(m, xs, beam(3)))
    assert seen[0] == (60, 60)  # a source is read once, for all its beams
    assert max(rows / groups for rows, groups in seen) == 3
    assert seen[-1][1] < 40
    assert len(seen) <= 8


def test_scores_that_are_not_finite_are_an_error_of_their_row():
    chain = Chain()

    def step(ids, state):
        scores, state = chain.step(ids, state)
        scores[1] = np.nan
        return scores, state

    with pytest.raises(FloatingPointError, match="no id can be chosen for row 1, step 0"):
        generate_from(step, chain.start(3), np.zeros(3, int), beam(2))


# ---- backends ----------------------------------------------------------------------------------------------------

OPTIONS = {
    "beam": beam(3, nbest=3, length_penalty=0.8),
    "constraints": beam(
        3, nbest=2, no_repeat_ngram=2, repetition_penalty=1.3, banned=[0, 1], prefix=[5], min_length=3
    ),
    "draws": beam(1, temperature=0.8, rng=4, nbest=3),
    "top": beam(1, temperature=1.3, rng=4, top_k=4, top_p=0.8, repetition_penalty=1.2),
    "nucleus": beam(1, temperature=1.3, rng=4, top_p=0.8, banned=[4]),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_backend_has_the_answers_of_numpy(options, backend):
    made = [
        generate_from(c.step, c.start(12), np.arange(12) % 7, options)
        for c in (Chain(scale=1.0), Chain(scale=1.0, backend=backend))
    ]
    for row, other in zip(*made, strict=True):
        assert [a.ids for a in row] == [a.ids for a in other]
        np.testing.assert_allclose([a.normalised for a in row], [a.normalised for a in other], atol=1e-5)


@pytest.mark.parametrize("name", ["feeding peeky", "general", "tied"])
def test_models_of_every_backend_have_the_answers_of_numpy(name, backend):
    options = beam(3, nbest=3, attention=True, coverage_penalty=0.2 if name != "tied" else 0.0)
    m, xs = model(name, backend), sources(8)
    for row, other in zip(generate(model(name, "numpy"), xs, options), generate(m, xs, options), strict=True):
        assert [a.ids for a in row] == [a.ids for a in other]
        for one, another in zip(row, other, strict=True):
            np.testing.assert_allclose(one.logs, another.logs, atol=1e-4)
            np.testing.assert_allclose(one.attention, to_cpu(another.attention), atol=1e-4)
            assert isinstance(another.attention, np.ndarray)
