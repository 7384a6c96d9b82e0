"""Decoding over a callable: greedy, sampled, with banned ids and a stop mark, for a batch as for one row."""

import numpy as np
import pytest

from fasts2s.backend import to_cpu
from fasts2s.generation import ban, greedy, sample
from fasts2s.models import AttentionSeq2seq, Rnnlm, Seq2seq
from tests.sides import put

V, H = 11, 7


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(20260101)


class Chain:
    """A random recurrent model on read-only arrays, so that writing to a state or to scores is an error."""

    def __init__(self, seed=1, size=V, scale=3.0, backend="numpy"):
        self.backend = backend  # where its scores lie
        rng = np.random.default_rng(seed)
        self.E, self.A = rng.standard_normal((size, H)), rng.standard_normal((H, H))
        self.B = (scale * rng.standard_normal((H, size))).astype(np.float32)
        self.ids = []

    def start(self, N):
        return read_only(np.zeros((N, H)))

    def step(self, ids, state):
        self.ids.append(ids)
        state = read_only(np.tanh(state @ self.A + self.E[to_cpu(ids)]))
        return put(self.backend, read_only((state @ self.B).astype(np.float32))), state


def read_only(a):
    a.flags.writeable = False
    return a


def plain_greedy(chain, start, length, skip=()):
    """One row, step by step."""
    state, last, row = chain.start(1), start, []
    for _ in range(length):
        scores, state = chain.step(np.array([last]), state)
        allowed = [i for i in range(scores.shape[1]) if i not in skip]
        last = max(allowed, key=lambda i: scores[0, i])
        row.append(last)
    return row


# ---- greedy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skip", [(), (3,), (0, 3, 10, 3)], ids=str)
def test_greedy_chooses_the_best_at_every_step(skip, backend):
    chain = Chain(backend=backend)
    starts = np.arange(V)
    rows = greedy(chain.step, chain.start(V), starts, 13, skip_ids=skip, backend=backend)
    assert rows == [plain_greedy(Chain(), s, 13, skip) for s in starts]
    assert rows == greedy(chain.step, chain.start(V), starts, 13, skip_ids=iter(skip), backend=backend)
    assert {type(i) for row in rows for i in row} == {int}


def test_greedy_takes_the_first_of_equal_scores(backend):
    step = lambda ids, state: (put(backend, np.zeros((len(ids), V), np.float32)), state)
    assert greedy(step, None, np.array([5, 7]), 3, skip_ids=[0], backend=backend) == [[1, 1, 1], [1, 1, 1]]


def test_a_row_ends_with_stop_id_and_the_others_go_on():
    whole = [plain_greedy(Chain(), s, 17) for s in range(V)]
    stop = whole[2][3]
    expected = [row[: row.index(stop) + 1] if stop in row else row for row in whole]
    chain = Chain()
    assert greedy(chain.step, chain.start(V), np.arange(V), 17, stop_id=stop) == expected
    assert len({len(row) for row in expected}) > 1


def test_nothing_is_computed_after_every_row_has_stopped():
    chain = Chain()
    row = plain_greedy(Chain(), 4, 5)
    assert greedy(chain.step, chain.start(1), np.array([4]), 1000, stop_id=row[1]) == [row[: row.index(row[1]) + 1]]
    assert len(chain.ids) == row.index(row[1]) + 1
    assert greedy(chain.step, chain.start(3), np.arange(3), 0) == [[], [], []]
    assert greedy(chain.step, chain.start(0), np.arange(0), 5) == []


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_a_step_is_given_int64_ids(dtype):
    chain = Chain()
    greedy(chain.step, chain.start(3), np.array([1, 2, 3], dtype), 3)
    assert [ids.dtype for ids in chain.ids] == [np.dtype(np.int64)] * 3


def test_greedy_of_a_model_is_the_argmax_of_its_teacher_forced_scores(backend):
    model = Rnnlm(13, 5, 7, backend=backend)
    for p in model.params:
        p *= 3
    starts = np.array([0, 4, 7])
    rows = np.array(greedy(model.step, None, starts, 9, backend=backend))
    fed = np.concatenate((starts[:, None], rows[:, :-1]), axis=1)
    assert np.array_equal(to_cpu(model.predict(fed)).argmax(axis=2), rows)


# ---- sampling ----------------------------------------------------------------------------------------------------


def draw(seed=3, N=3, length=20, **options):
    chain = Chain(backend=options.get("backend", "numpy"))
    return sample(chain.step, chain.start(N), np.arange(N), length, rng=seed, **options)


def test_the_same_seed_gives_the_same_text_and_another_another(backend):
    assert draw(3, backend=backend) == draw(3, backend=backend)
    assert draw(3, backend=backend) != draw(4, backend=backend)
    assert {type(i) for row in draw() for i in row} == {int}


def test_every_kind_of_rng():
    expected = draw(3)
    generator = np.random.default_rng(3)
    assert draw(generator) == draw(np.int64(3)) == expected
    assert generator.random() == np.random.default_rng(3).random(3 * 20 + 1)[-1]  # one number per row and step
    np.random.seed(8)
    from_global = draw(None)
    assert np.random.random_sample() == np.random.RandomState(8).random_sample(3 * 20 + 1)[-1]
    assert draw(np.random.RandomState(8)) == from_global


def test_only_rng_none_touches_the_global_generator():
    before = np.random.get_state()
    draw(3)
    draw(np.random.default_rng(3))
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert np.random.get_state()[2:] == before[2:]


@pytest.mark.parametrize("rng", [-1, 1.5, "3", np.random.SeedSequence(3)])
def test_another_rng_is_an_error(rng):
    with pytest.raises(ValueError, match=r"(?s)rng is .*, expected a numpy random generator, a seed >= 0 or None"):
        draw(rng)


def test_sampling_one_row_draws_as_numpy_random_choice(backend):
    chain, start = Chain(backend=backend), 4
    np.random.seed(6)
    (row,) = sample(chain.step, chain.start(1), np.array([start]), 50, backend=backend)
    after = np.random.get_state()
    np.random.seed(6)
    state, last, expected = chain.start(1), start, []
    for _ in range(50):
        scores, state = chain.step(np.array([last]), state)
        scores = to_cpu(scores)
        e = np.exp(scores[0] - scores[0].max())
        last = int(np.random.choice(V, p=e / e.sum()))
        expected.append(last)
    assert row == expected
    assert np.array_equal(after[1], np.random.get_state()[1])
    assert after[2] == np.random.get_state()[2]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2])
def test_frequencies_are_the_softmax_of_the_scores(temperature, backend, rng):
    scores = rng.standard_normal(V).astype(np.float32) * 2
    step = lambda ids, state: (put(backend, np.tile(scores, (len(ids), 1))), state)
    options = {"rng": 5, "temperature": temperature, "skip_ids": [2], "backend": backend}
    drawn = np.ravel(sample(step, None, np.zeros(100, dtype=int), 400, **options))
    p = np.exp(scores.astype(float) / temperature)
    p[2] = 0
    p /= p.sum()
    counts = np.bincount(drawn, minlength=V)
    assert counts[2] == 0
    assert (np.abs(counts - drawn.size * p) <= 5 * np.sqrt(drawn.size * p * (1 - p))).all()


@pytest.mark.parametrize("temperature", [0, 0.0, 1e-3, 1e-9, 1e-300])
def test_no_temperature_is_greedy(temperature):
    chain = Chain()
    assert draw(temperature=temperature) == greedy(chain.step, chain.start(3), np.arange(3), 20)


@pytest.mark.parametrize("temperature", [-0.5, np.nan, np.inf, "warm", None])
def test_another_temperature_is_an_error(temperature):
    with pytest.raises(ValueError, match="temperature"):
        draw(temperature=temperature)


def test_float32_is_a_temperature():
    assert draw(temperature=np.float32(0.5)) == draw(temperature=0.5)


def test_banned_ids_never_appear():
    skip = [0, 3, 7, -1]
    drawn = np.ravel(draw(N=11, length=1000, skip_ids=skip))
    assert drawn.size >= 10_000
    assert set(np.unique(drawn).tolist()) == set(range(V)) - {0, 3, 7, V - 1}


@pytest.mark.parametrize("decode", [greedy, sample])
def test_everything_banned_is_an_error(decode):
    chain = Chain()
    for skip in (range(V), range(-V, 0), [*range(V), 3]):
        with pytest.raises(ValueError, match="all 11 ids"):
            decode(chain.step, chain.start(2), np.arange(2), 3, skip_ids=skip)


class Columns(np.random.Generator):
    """Gives one row the numbers that it would have got in a batch."""

    def __init__(self, uniforms):
        super().__init__(np.random.PCG64())
        self.uniforms = iter(uniforms)

    def random(self, size):  # pyright: ignore[reportIncompatibleMethodOverride]
        assert size == 1
        return np.array([next(self.uniforms)])


@pytest.mark.parametrize("stop", [None, 6])
def test_a_batch_is_decoded_as_its_rows_one_by_one(stop, backend):
    N, length = 5, 30
    uniforms = np.random.default_rng(3).random((length, N))
    options = {"temperature": 1.5, "skip_ids": [2], "stop_id": stop, "backend": backend}
    together = draw(3, N, length, **options)
    for n in range(N):
        chain = Chain(backend=backend)
        rng = Columns(uniforms[:, n])
        assert sample(chain.step, chain.start(1), np.array([n]), length, rng=rng, **options) == [together[n]]


def test_impossible_scores_are_an_error():
    for bad in (np.nan, np.inf, -np.inf):
        step = lambda ids, state, bad=bad: (np.full((len(ids), V), bad, np.float32), state)
        for decode in (greedy, sample):
            with pytest.raises(FloatingPointError, match="the best score is NaN or infinite"):
                decode(step, None, np.arange(2), 3)


# ---- arguments ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decode", [greedy, sample])
def test_wrong_arguments_are_refused(decode):
    chain = Chain()
    call = lambda ids, length, **options: decode(chain.step, chain.start(2), ids, length, **options)
    for ids in (np.zeros((1, 2), dtype=int), np.zeros(2), 3, np.array([True, False]), ["a", "b"]):
        with pytest.raises(ValueError, match="start_ids"):
            call(ids, 3)
    for length in (-1, 2.0, True, None, "3"):
        with pytest.raises(ValueError, match="max_len"):
            call(np.arange(2), length)
    for skip, error in (([V], IndexError), ([-V - 1], IndexError), ([0.5], ValueError), (["a"], ValueError)):
        with pytest.raises(error, match="skip_ids"):
            call(np.arange(2), 3, skip_ids=skip)
    assert call(np.arange(2), np.int64(2))


def test_ban_copies_only_where_there_is_something_to_ban():
    scores = read_only(np.arange(6.0).reshape(2, 3))
    assert ban(scores, []) is scores
    assert ban(scores, [0, -1]).tolist() == [[-np.inf, 1, -np.inf], [-np.inf, 4, -np.inf]]


@pytest.mark.parametrize("make", [Seq2seq, AttentionSeq2seq])
def test_decoding_beside_the_layers_leaves_their_state_alone(make, rng):
    model = make(13, 5, 7)
    xs = rng.integers(0, 13, (3, 4))
    model.forward(xs, rng.integers(0, 13, (3, 5)))
    h, c = model.decoder.lstm.h.copy(), model.decoder.lstm.c.copy()
    start = model.decoder.start(model.encoder.forward(xs))
    kept = [a.copy() for a in start if a is not None]
    first = sample(model.decoder.step, start, np.zeros(3, dtype=int), 6, rng=1)
    assert sample(model.decoder.step, start, np.zeros(3, dtype=int), 6, rng=1) == first
    assert all(np.array_equal(a, b) for a, b in zip((a for a in start if a is not None), kept, strict=True))
    assert np.array_equal(model.decoder.lstm.h, h)
    assert np.array_equal(model.decoder.lstm.c, c)
