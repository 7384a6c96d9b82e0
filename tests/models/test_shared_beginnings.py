"""Sources that begin alike are read once; here that is compared with reading every source by itself."""

import numpy as np
import pytest

import fasts2s
from fasts2s.models import AttentionSeq2seq, Seq2seq
from fasts2s.testing import assert_close
from fasts2s_kernels.ops.embedded_lstm import plan
from tests.sides import put

V, D, H = 7, 5, 11


@pytest.fixture
def free(monkeypatch):
    """Phases cost nothing, so that small models have them too."""
    monkeypatch.setattr(plan, "_PHASE_COST", 0.0)


def alike(rng, N=12, T=9):
    """Sources of which many begin alike: a tree, and some that are equal to the end."""
    xs = rng.integers(0, V, (N, T))
    for row in range(1, N):
        length = int(rng.integers(0, T + 1))
        xs[row, :length] = xs[rng.integers(0, row), :length]
    return xs


def results(kind, xs, ts, dtype, backend):
    """Return loss, all gradients and the encoder's visible state after one step."""
    with fasts2s.use_backend(backend, dtype=dtype):
        np.random.seed(2)
        model = kind(V, D, H)
        for p in model.params:
            p[...] = put(backend, np.random.randn(*p.shape) / p.shape[0] ** 0.5)
        loss = model.forward(xs, ts)
        model.backward()
        grads, lstm = [g.copy() for g in model.grads], model.encoder.lstm
        state = [lstm.h, lstm.c]
        # The attention encoder keeps none, as in the book: its forward hands them out.
        return loss, grads, [*state, model.encoder.forward(xs) if model.encoder.hs is None else model.encoder.hs]


@pytest.mark.parametrize(("dtype", "forward", "backward"), [("float32", 2e-6, 1e-5), ("float64", 1e-13, 1e-12)])
@pytest.mark.parametrize("kind", [Seq2seq, AttentionSeq2seq])
def test_sharing_changes_nothing(free, monkeypatch, backend, rng, kind, dtype, forward, backward):
    for N, T in ((12, 9), (1, 14), (9, 2), (40, 17)):
        xs, ts = alike(rng, N, T), rng.integers(0, V, (N, 4))
        used = plan.phases(xs, V, H)
        loss, grads, state = results(kind, xs, ts, dtype, backend)
        with monkeypatch.context() as m:
            m.setattr(plan, "phases", lambda ids, V, H: [])
            expected_loss, expected_grads, expected_state = results(kind, xs, ts, dtype, backend)
        assert used or N == 1
        assert_close("loss", loss, expected_loss, forward)
        for k, (found, wanted) in enumerate(zip(grads, expected_grads, strict=True)):
            assert_close(f"gradient {k} of {N} x {T}", found, wanted, backward)
        for found, wanted in zip(state, expected_state, strict=True):
            assert_close("state", found, wanted, forward)


def test_phases_say_who_begins_alike(free, rng):
    for _ in range(50):
        N, T = rng.integers(2, 40), rng.integers(1, 60)
        xs = alike(rng, int(N), int(T))
        phases = plan.phases(xs, V, H)
        stop, groups = 0, np.zeros(N, int)
        for phase in phases:
            assert phase.start == stop < phase.stop
            stop = phase.stop
            same = (xs[:, None, :stop] == xs[None, :, :stop]).all(axis=2)
            assert np.array_equal(phase.groups[:, None] == phase.groups[None, :], same)
            assert np.array_equal(phase.groups[phase.rows], np.arange(len(phase.rows)))
            if phase.start:
                assert np.array_equal(groups[phase.rows], phase.parents)
            groups = phase.groups
        assert stop in {0, T}


def test_the_steps_of_all_rows_are_the_fewest(free):
    assert plan._best_stops([1, 1, 5, 5, 9], 3.0) == ([2, 4, 5], 3 + 2 + 3 + 10 + 3 + 9)
    assert plan._best_stops([1, 1, 5, 5, 9], 100.0) == ([5], 100.0 + 45)


@pytest.mark.parametrize("what", ["nothing alike", "large ids", "too small to pay"])
def test_when_nothing_is_shared(free, monkeypatch, rng, what):
    xs, words = np.zeros((16, 8), int), V
    assert plan.phases(xs, words, H)
    if what == "nothing alike":
        xs, words = rng.permuted(np.tile(np.arange(16), (8, 1)), axis=1).T, 16
    elif what == "large ids":
        words = (1 << 16) + 1
    else:
        monkeypatch.undo()
    assert plan.phases(xs, words, H) == []


def test_answers_are_those_of_one_source_at_a_time(free, backend, rng):
    xs = alike(rng, 30, 12)
    assert plan.phases(xs, V, H)
    np.random.seed(1)
    model = AttentionSeq2seq(V, D, H, backend=backend)
    for p in model.params:
        p *= 3
    answers = model.generate_batch(xs, 1, 6)
    assert answers == [model.generate(row[None], 1, 6) for row in xs]
    assert len({tuple(a) for a in answers}) > 3
    assert model.encoder.lstm.h is None


def test_ids_out_of_range_are_refused_as_ever(free, backend):
    xs = np.zeros((16, 8), int)
    model = Seq2seq(V, D, H, backend=backend)
    model.forward(xs, xs[:, :3])
    for bad in (V, -V - 1):
        xs[5, 6] = bad
        with pytest.raises(IndexError, match=str(bad)):
            model.forward(xs, np.zeros((16, 3), int))


def test_dates_are_shared_and_sums_are_not():
    rng = np.random.default_rng(0)
    years = np.array([list("5102")] * 30 + [list("6891")] * 34).view(np.int32).reshape(64, 4) % 64
    dates = np.concatenate([np.zeros((64, 12), int), years, rng.integers(0, 59, (64, 13))], axis=1)
    assert len(plan.phases(dates, 64, 256)[0].rows) <= 2
    assert plan.phases(rng.integers(0, 13, (128, 7)), 13, 128) == []
