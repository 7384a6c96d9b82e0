"""Softmax with loss: values by loops over single numbers, labels of every kind, scores out of bounds."""

import math

import numpy as np
import pytest

from fasts2s.testing import assert_close


def _loss(kernels, xs, ts, ignore_label=-1):
    """The loss as a number; on a device it stays there until somebody wants it."""
    loss, _ = kernels.softmax_loss_forward(kernels.asarray(xs), kernels.asarray(ts), ignore_label=ignore_label)
    assert loss.dtype == np.float64
    assert loss.shape == ()
    return loss if kernels.xp is np else np.float64(kernels.to_numpy(loss))


def _gradient(kernels, xs, ts, ignore_label=-1, dout=1.0):
    _, cache = kernels.softmax_loss_forward(kernels.asarray(xs), kernels.asarray(ts), ignore_label=ignore_label)
    return kernels.to_numpy(kernels.softmax_loss_backward(dout, cache))


def _by_hand(xs, ts, ignore_label=-1):
    losses = []
    for x, t in zip(xs.tolist(), ts.tolist(), strict=True):
        if t != ignore_label:
            top = max(x)
            losses.append(top + math.log(math.fsum(math.exp(v - top) for v in x)) - x[t])
    return math.fsum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("ignore_label", [-1, 0, 4, 57, -100])
def test_values(kernels, rng, ignore_label):
    xs, ts = rng.standard_normal((11, 7)), rng.integers(0, 7, size=11)
    ts[[2, 5]] = ignore_label
    loss = _loss(kernels, xs, ts, ignore_label)
    assert type(loss) is np.float64
    assert abs(loss - _by_hand(xs, ts, ignore_label)) < 1e-14


def test_gradient_values(kernels, rng):
    xs, ts = rng.standard_normal((5, 7)), np.array([3, -1, 0, 6, -1])
    expected = np.zeros((5, 7))
    for r in (0, 2, 3):
        total = math.fsum(math.exp(v) for v in xs[r])
        for v in range(7):
            expected[r, v] = (math.exp(xs[r, v]) / total - (v == ts[r])) / 3 * 2.5
    assert_close("dxs", _gradient(kernels, xs, ts, dout=2.5), expected, 1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_counted(kernels, rng, dtype):
    xs, ts = rng.standard_normal((5, 7)).astype(dtype), np.full(5, -1)
    loss = _loss(kernels, xs, ts)
    assert type(loss) is np.float64
    assert loss == 0.0
    gradient = _gradient(kernels, xs, ts)
    assert gradient.dtype == dtype
    assert np.array_equal(gradient, np.zeros((5, 7)))


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_ignored_rows_are_not_read(kernels, rng, junk):
    xs, ts = rng.standard_normal((5, 7)), np.array([3, -1, 0, 6, -1])
    loss, gradient = _loss(kernels, xs, ts), _gradient(kernels, xs, ts)
    xs[ts == -1] = junk
    assert _loss(kernels, xs, ts) == loss
    assert np.array_equal(_gradient(kernels, xs, ts), gradient)
    assert not gradient[ts == -1].any()
    assert _loss(kernels, xs[[1, 4]], ts[[1, 4]]) == 0.0


@pytest.mark.parametrize("junk", [np.nan, np.inf])
@pytest.mark.parametrize("column", [0, 3, 6])
def test_counted_junk_reaches_the_loss(kernels, rng, junk, column):
    xs, ts = rng.standard_normal((5, 7)), np.array([3, -1, 0, 6, -1])
    xs[0, column] = junk
    assert not np.isfinite(_loss(kernels, xs, ts))


def test_impossible_label_costs_infinity(kernels, rng):
    xs, ts = rng.standard_normal((5, 7)), np.array([3, -1, 0, 6, -1])
    xs[3, 6] = -np.inf
    assert _loss(kernels, xs, ts) == np.inf


def test_impossible_class_costs_nothing(kernels, rng):
    # exp(-inf) is 0: the loss is that of the other classes alone.
    xs, ts = rng.standard_normal((3, 7)), np.array([3, 2, 0])
    xs[:, 6] = -np.inf
    assert abs(_loss(kernels, xs, ts) - _by_hand(xs[:, :6], ts)) < 1e-14
    assert not _gradient(kernels, xs, ts)[:, 6].any()


def test_no_possible_class_is_no_loss_of_zero(kernels):
    assert not np.isfinite(_loss(kernels, np.full((1, 3), -np.inf), np.array([1])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_scores_are_exact(kernels, dtype):
    xs = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]], dtype)
    losses = [_loss(kernels, xs[r : r + 1], np.array([t])) for r, t in enumerate((0, 1, 2, 1))]
    np.testing.assert_allclose(losses, [0, 2e4, math.log(3), math.log(2)], rtol=1e-7)
    third = 1 / 3
    expected = np.array([[0, 0, 0], [1, -1, 0], [third, third, third - 1], [0.5, -0.5, 0]]) / 4
    np.testing.assert_allclose(_gradient(kernels, xs, np.array([0, 1, 2, 1])), expected, rtol=1e-6)


def test_gradient_of_every_row_sums_to_zero(kernels, rng):
    xs, ts = rng.standard_normal((11, 63)) * 5, rng.integers(-1, 63, size=11)
    assert np.abs(_gradient(kernels, xs, ts).sum(axis=1)).max() < 1e-16


def test_shift_of_all_scores_changes_nothing(kernels, rng):
    xs, ts = rng.standard_normal((11, 7)), rng.integers(-1, 7, size=11)
    assert abs(_loss(kernels, xs + 512.0, ts) - _loss(kernels, xs, ts)) < 1e-12
    assert_close("dxs", _gradient(kernels, xs + 512.0, ts), _gradient(kernels, xs, ts), 1e-12)


def test_large_vocabulary_in_float32(kernels, rng):
    xs, ts = rng.standard_normal((7, 10007)).astype(np.float32), rng.integers(0, 10007, size=7)
    exact = _loss(kernels, xs.astype(np.float64), ts)
    assert abs(_loss(kernels, xs, ts) - exact) / exact < 2e-6
    assert_close("dxs", _gradient(kernels, xs, ts), _gradient(kernels, xs.astype(np.float64), ts), "gradient float32")


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u8"])
def test_labels_of_every_integer_type(kernels, rng, dtype):
    xs, ts = rng.standard_normal((11, 7)), rng.integers(0, 7, size=11)
    assert _loss(kernels, xs, ts.astype(dtype)) == _loss(kernels, xs, ts)


@pytest.mark.parametrize("wrong", [7, -2, 2**31 - 1, -(2**63)])
def test_other_labels_are_refused(kernels, rng, wrong):
    with pytest.raises(IndexError, match=f"ts holds {wrong} at position"):
        _loss(kernels, rng.standard_normal((3, 7)), np.array([0, wrong, -1]))
