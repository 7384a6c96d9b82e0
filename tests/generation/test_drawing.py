"""Draws: seeds, limits, and frequencies beside the model's probabilities."""

import numpy as np
import pytest

from fasts2s.generation import GenerationOptions, generate, generate_from, sample
from tests.generation.models import START, STOP, Chain, model, sources


def draws(chain, N=20, seed=3, **more):
    options = GenerationOptions(**{"temperature": 1.0, "rng": seed, "max_length": 12, **more})
    return generate_from(chain.step, chain.start(N), np.arange(N) % 7, options)


def ids(answers):
    return [a.ids for row in answers for a in row]


def test_a_seed_repeats(backend):
    chain = Chain(backend=backend)
    assert ids(draws(chain)) == ids(draws(chain))
    assert ids(draws(chain)) != ids(draws(chain, seed=4))
    assert ids(draws(chain, seed=np.random.default_rng(3))) == ids(draws(chain))
    np.random.seed(8)
    from_global = ids(draws(chain, seed=None))
    assert ids(draws(chain, seed=np.random.RandomState(8))) == from_global


@pytest.mark.parametrize("stop", [None, STOP])
def test_plain_draws_are_those_of_sample(stop, backend):
    chain = Chain(backend=backend)
    expected = sample(chain.step, chain.start(20), np.arange(20) % 7, 12, rng=3, stop_id=stop, skip_ids=[2])
    assert ids(draws(chain, stop_id=stop, banned=[2])) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"top_k": 1},
        {"temperature": 1e-3},
        {"temperature": 1e-300},
        {"top_p": 1e-9},
        {"temperature": 1e-3, "top_k": 3},
    ],
)
def test_limits_are_greedy(more):
    chain = Chain()
    best = generate_from(chain.step, chain.start(20), np.arange(20) % 7, GenerationOptions(max_length=12))
    assert ids(draws(chain, **more)) == ids(best)


def allowed(p, top_k=None, top_p=None):
    """Probabilities (V,) of the words that are left, word by word in plain Python."""
    order = sorted(range(len(p)), key=lambda v: -p[v])[:top_k]
    total, kept = sum(p[v] for v in order), []
    for v in order:
        if top_p is not None and sum(p[w] for w in kept) / total >= top_p:
            break
        kept.append(v)
    left = np.zeros(len(p))
    left[kept] = p[kept]
    return left / left.sum()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"temperature": 1.7},
        {"top_k": 20},
        {"top_p": 0.6},
        {"top_p": 0.95, "temperature": 3.0},
        {"top_k": 30, "top_p": 0.8, "temperature": 2.0},
    ],
    ids=str,
)
def test_frequencies_are_the_probabilities(more, backend):
    scores = (np.random.default_rng(1).standard_normal(60) * 1.5).astype(np.float32)
    chain = Chain(backend=backend)
    step = lambda ids, state: (chain_scores(chain, scores, len(ids)), state)
    options = GenerationOptions(**{"temperature": 1.0, "rng": 5, "max_length": 20, "banned": [7], **more})
    drawn = np.ravel(ids(generate_from(step, None, np.zeros(2000, int), options)))
    p = np.exp(scores.astype(float) / options.temperature)
    p[7] = 0
    p = allowed(p / p.sum(), more.get("top_k"), more.get("top_p"))
    counts = np.bincount(drawn, minlength=60)
    assert (counts[p == 0] == 0).all()
    likely = p * drawn.size >= 5
    expected = p[likely] * drawn.size
    chi_square, degrees = ((counts[likely] - expected) ** 2 / expected).sum(), likely.sum() - 1
    assert chi_square < degrees + 5 * np.sqrt(2 * degrees)  # its mean, and five standard deviations


def chain_scores(chain, scores, count):
    from tests.sides import put  # noqa: PLC0415

    return put(chain.backend, np.tile(scores, (count, 1)))


def test_frequencies_of_whole_answers_are_the_models_probabilities():
    chain, start = Chain(4, scale=0.7), np.full(1, START)
    options = GenerationOptions(temperature=1.0, nbest=20_000, rng=6, max_length=3, stop_id=STOP)
    (answers,) = generate_from(chain.step, chain.start(1), start, options)
    counts: dict = {}
    for a in answers:
        counts[tuple(a.ids)] = counts.get(tuple(a.ids), 0) + 1
    logs = {tuple(a.ids): a.score for a in answers}
    expected = {row: 20_000 * np.exp(log) for row, log in logs.items()}
    assert sum(expected.values()) == pytest.approx(20_000, rel=1e-3)  # every answer there is
    chi_square = sum((counts[row] - expected[row]) ** 2 / expected[row] for row in counts)
    assert chi_square < len(counts) - 1 + 5 * np.sqrt(2 * len(counts))


class Column(np.random.Generator):
    """Gives one row the numbers that it would have got in a batch."""

    def __init__(self, uniforms):
        super().__init__(np.random.PCG64())
        self.uniforms = iter(uniforms)

    def random(self, size):  # pyright: ignore[reportIncompatibleMethodOverride]
        assert size == 1
        return np.array([next(self.uniforms)])


@pytest.mark.parametrize("more", [{}, {"top_k": 4}, {"top_p": 0.7, "no_repeat_ngram": 2}])
def test_a_batch_is_drawn_as_its_rows_one_by_one(more):
    m, xs = model("deep"), sources(20)
    uniforms = np.random.default_rng(3).random((12, 20))
    options = {"temperature": 1.2, "max_length": 12, "start_id": START, "stop_id": STOP, **more}
    together = ids(generate(m, xs, GenerationOptions(**options, rng=3)))
    assert len({len(row) for row in together}) > 2
    for n, row in enumerate(together):
        assert ids(generate(m, xs[n : n + 1], GenerationOptions(**options, rng=Column(uniforms[:, n])))) == [row]


def test_several_draws_are_different_and_sorted():
    (answers,) = draws(Chain(scale=0.5), N=1, nbest=50)
    assert len(answers) == 50
    assert len({tuple(a.ids) for a in answers}) > 40
    assert [a.normalised for a in answers] == sorted((a.normalised for a in answers), reverse=True)
