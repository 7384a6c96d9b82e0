"""Many sources are read in parts of like lengths: the same as all at once, and less padding."""

import numpy as np
import pytest

from fasts2s.backend import to_cpu
from fasts2s.models.encoder_decoder import _reading
from tests.encoder_decoder import samples


def _sources(N, longest=20):
    rng = np.random.default_rng(5)
    xs = rng.integers(1, 11, (N, longest))
    lengths = np.minimum(rng.geometric(0.2, N), longest)
    lengths[0] = 0  # padding alone
    xs[np.arange(longest) >= lengths[:, None]] = 0
    xs[1, 3:6] = 0  # and padding between words
    xs[1, 6] = 4
    return xs


@pytest.mark.parametrize("name", ["dot", "general", "deep", "plain gru", "plain rnn", "additive"])
def test_parts_are_read_as_the_whole_is(name, monkeypatch):
    model, xs = samples.model(name, "numba"), _sources(300)
    in_parts = model.start(xs)
    monkeypatch.setattr(_reading, "_PARTS", 1)
    at_once = model.start(xs)
    mask = at_once.read.mask
    np.testing.assert_array_equal(in_parts.read.mask, mask)
    np.testing.assert_allclose(in_parts.read.hs[mask], at_once.read.hs[mask], atol=1e-6)
    for ours, theirs in zip(in_parts.read.states, at_once.read.states, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_less_padding_is_read():
    xs = _sources(300)
    parts = _reading._parts(xs != 0)
    assert sorted(np.concatenate([rows for rows, _ in parts])) == list(range(300))
    assert len(parts) == 300 // _reading._ROWS
    assert all((xs[rows, length:] == 0).all() for rows, length in parts)
    assert sum(len(rows) * length for rows, length in parts) < 0.6 * xs.size


@pytest.mark.parametrize("N", [0, 1, 127])
def test_few_sources_are_read_at_once(N):
    ((rows, length),) = _reading._parts(_sources(max(N, 2))[:N] != 0)
    assert (len(rows), length) == (N, 20)


def test_sources_of_one_length_are_read_at_once():
    assert len(_reading._parts(np.ones((500, 9), bool))) == 1


def test_the_backend_of_the_parts_is_that_of_the_model(backend):
    state = samples.model("dot", backend).start(_sources(130))
    assert to_cpu(state.read.hs).shape == (130, 20, samples.SIZES["hidden_size"])
