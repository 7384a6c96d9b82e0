"""Ids and labels on the device are looked at there: NaN at once, IndexError at the next call or fetch."""

import numpy as np
import pytest

from fasts2s_kernels import Settings, load
from fasts2s_kernels.gpu import errors, setup


@pytest.fixture
def kernels():
    return load("cupy")


@pytest.fixture(params=[False, True], ids=["later", "at once"])
def at_once(request):
    """Whether ids are looked at at once, as FASTS2S_CHECK=1 asks for."""
    setup.configure(Settings(check=request.param))
    yield request.param
    setup.configure(Settings())


def _table(kernels, rng, V=7, D=5):
    return kernels.asarray(rng.standard_normal((V, D)).astype("f"))


@pytest.mark.parametrize("wrong", [7, -8, 2**40, -(2**62), 2**32 + 1])
def test_a_wrong_id_is_named(kernels, rng, at_once, wrong):
    ids = np.zeros((3, 4), np.int64)
    ids[1, 2] = wrong
    W, ids = _table(kernels, rng), kernels.asarray(ids)
    text = rf"ids holds {wrong} at position \(1, 2\), expected ids from -7 to 6 \(V = 7\)"
    if at_once:
        with pytest.raises(IndexError, match=text):
            kernels.embedding_forward(W, ids)
        return
    out = kernels.embedding_forward(W, ids)
    with pytest.raises(IndexError, match=text):
        kernels.to_numpy(out)
    rows = np.isnan(kernels.to_numpy(out)).all(axis=2)  # what was raised is done with
    assert rows.sum() == 1
    assert rows[1, 2]


def test_the_next_call_raises(kernels, rng):
    W = _table(kernels, rng)
    kernels.embedding_forward(W, kernels.asarray(np.array([0, 9])))
    with pytest.raises(IndexError, match="ids holds 9"):
        kernels.embedding_forward(W, kernels.asarray(np.array([0, 1])))
    assert np.isfinite(kernels.to_numpy(kernels.embedding_forward(W, kernels.asarray(np.array([0, 1]))))).all()


@pytest.mark.parametrize("wrong", [7, -2, 2**33])
def test_a_wrong_label_is_named(kernels, rng, at_once, wrong):
    xs, ts = kernels.asarray(rng.standard_normal((40, 7)).astype("f")), np.full(40, -1)
    ts[33] = wrong

    def loss():
        return kernels.to_numpy(kernels.softmax_loss_forward(xs, kernels.asarray(ts), ignore_label=-1)[0])

    with pytest.raises(IndexError, match=rf"ts holds {wrong} at position \(33,\), expected labels from 0 to 6"):
        loss()
    ts[33] = 3
    assert np.isfinite(loss())


def test_a_wrong_label_is_no_number(kernels, rng):
    xs = kernels.asarray(rng.standard_normal((3, 7)).astype("f"))
    loss, cache = kernels.softmax_loss_forward(xs, kernels.asarray(np.array([0, 9, 1])), ignore_label=-1)
    assert np.isnan(float(loss))
    with pytest.raises(IndexError):
        kernels.softmax_loss_backward(1.0, cache)
    assert np.isnan(kernels.to_numpy(kernels.softmax_loss_backward(1.0, cache))[1]).all()


def test_ids_of_the_host_are_refused_at_once(kernels, rng):
    with pytest.raises(IndexError, match="ids holds 7"):
        kernels.embedding_forward(_table(kernels, rng), np.array([0, 7]))


def test_wrong_ids_of_an_lstm(kernels, rng):
    table, Wh = kernels.asarray(np.ones((5, 8), "f")), kernels.asarray(np.ones((2, 8), "f"))
    hs, *_ = kernels.lstm_ids_forward(table, kernels.asarray(np.array([[0, 1], [1, 5], [4, 0]])), Wh)
    with pytest.raises(IndexError, match=r"ids holds 5 at position \(1, 1\)"):
        kernels.to_numpy(hs)
    found = np.isnan(kernels.to_numpy(hs)).all(axis=2)
    assert found.tolist() == [[False, False], [False, True], [False, False]]


def test_a_complaint_that_nobody_met_is_said_at_the_end(kernels, rng, caplog):
    kernels.embedding_forward(_table(kernels, rng), kernels.asarray(np.array([0, 9])))
    with caplog.at_level("ERROR", logger="fasts2s"):
        errors._say_at_the_end()
        errors._say_at_the_end()
    assert [r.getMessage() for r in caplog.records] == [
        "never raised: IndexError: ids holds 9 at position (1,), expected ids from -7 to 6 (V = 7)"
    ]
