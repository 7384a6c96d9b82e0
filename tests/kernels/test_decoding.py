"""Choosing ids: greedy and by sampling."""

import numpy as np
import pytest

from fasts2s.layers import softmax

FLOATS = [np.float32, np.float64]


def _argmax(kernels, scores):
    return kernels.to_numpy(kernels.argmax(kernels.asarray(scores)))


def _sample(kernels, scores, uniforms):
    return kernels.to_numpy(kernels.sample(kernels.asarray(scores), kernels.asarray(uniforms)))


@pytest.mark.parametrize("dtype", FLOATS)
def test_argmax_is_the_first_of_equal_maxima(kernels, rng, dtype):
    scores = rng.integers(-2, 3, size=(63, 11)).astype(dtype)
    scores[0] = -np.inf
    scores[1, 4:7] = np.inf
    expected = [row.index(max(row)) for row in scores.tolist()]
    ids = _argmax(kernels, scores)
    assert ids.dtype == np.int64
    assert ids.tolist() == expected


def test_argmax_of_no_rows(kernels):
    assert _argmax(kernels, np.zeros((0, 3))).shape == (0,)
    assert _sample(kernels, np.zeros((0, 3)), np.zeros(0)).shape == (0,)


def test_no_classes_are_refused(kernels):
    with pytest.raises(ValueError, match="V >= 1"):
        _argmax(kernels, np.zeros((3, 0)))
    with pytest.raises(ValueError, match="V >= 1"):
        _sample(kernels, np.zeros((3, 0)), np.zeros(3))


@pytest.mark.parametrize("dtype", FLOATS)
def test_sample_draws_as_numpy_does_one_by_one(kernels, rng, dtype):
    draws, V = 3000, 63
    scores = (rng.standard_normal((draws, V)) * 3).astype(dtype)
    np.random.seed(1984)
    expected = [np.random.choice(V, size=1, p=softmax(row))[0] for row in scores]
    np.random.seed(1984)
    uniforms = np.array([np.random.random_sample() for _ in range(draws)])
    ids = _sample(kernels, scores, uniforms)
    assert ids.dtype == np.int64
    assert np.array_equal(ids, expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_sample_draws_as_numpy_does_in_one_call(kernels, rng, dtype):
    draws, V = 5000, 1009
    scores = (rng.standard_normal(V) * 2).astype(dtype)
    np.random.seed(7)
    expected = np.random.choice(V, size=draws, p=softmax(scores))
    np.random.seed(7)
    ids = _sample(kernels, np.tile(scores, (draws, 1)), np.random.random_sample(draws))
    assert np.array_equal(ids, expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_sample_just_beside_every_boundary(kernels, rng, dtype):
    # Sums in float32, or probabilities that add up to 1 only nearly, put a boundary further off than this.
    V, margin = 509, 1e-8
    for _ in range(5):
        scores = rng.standard_normal(V).astype(dtype)
        p = softmax(scores.astype(np.float64))
        boundaries = p.cumsum()[:-1]
        assert p.min() > 4 * margin
        for uniforms, expected in ((boundaries - margin, range(V - 1)), (boundaries + margin, range(1, V))):
            assert np.array_equal(_sample(kernels, np.tile(scores, (V - 1, 1)), uniforms), expected)


def test_sample_follows_the_softmax(kernels, rng):
    draws, scores = 100_000, rng.standard_normal(20)
    ids = _sample(kernels, np.tile(scores, (draws, 1)), rng.random(draws))
    counts, p = np.bincount(ids, minlength=20), np.exp(scores) / np.exp(scores).sum()
    chi_square = ((counts - draws * p) ** 2 / (draws * p)).sum()
    assert chi_square < 52  # 19 degrees of freedom: exceeded with probability 7e-5


def test_sample_at_the_edges_of_the_distribution(kernels):
    scores = np.array([[-np.inf, 0, -np.inf, 0, -np.inf]] * 4)
    below = np.nextafter([0.5, 1], 0)
    assert _sample(kernels, scores, np.array([0, below[0], 0.5, below[1]])).tolist() == [1, 1, 3, 3]


def test_sample_of_one_class_and_of_huge_scores(kernels, rng):
    assert _sample(kernels, rng.standard_normal((7, 1)), rng.random(7)).tolist() == [0] * 7
    scores = np.full((7, 3), -1e4)
    scores[:, 1] = 1e4
    assert _sample(kernels, scores, rng.random(7)).tolist() == [1] * 7


@pytest.mark.parametrize("row", [[0, np.nan, 1], [0, np.inf, 1], [-np.inf] * 3], ids=str)
def test_sample_refuses_rows_without_probabilities(kernels, row):
    scores = np.zeros((3, 3))
    scores[1] = row
    with pytest.raises(ValueError, match="scores row 1"):
        _sample(kernels, scores, np.full(3, 0.5))


@pytest.mark.parametrize("uniform", [1.0, 1.5, -0.1, np.nan])
def test_sample_refuses_numbers_outside_0_to_1(kernels, uniform):
    # Otherwise 1.0 gives the id V, which no vocabulary has.
    with pytest.raises(ValueError, match="uniforms"):
        _sample(kernels, np.zeros((2, 3)), np.array([0.5, uniform]))


def _best(kernels, scores, k, mask=None):
    logs, ids = kernels.best(kernels.asarray(scores), k, mask=None if mask is None else kernels.asarray(mask))
    return kernels.to_numpy(logs), kernels.to_numpy(ids)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("k", [1, 3, 17, 40])
def test_the_best_of_equals_are_the_first_ones(kernels, rng, dtype, k):
    scores = rng.integers(-2, 3, size=(23, 40)).astype(dtype)
    mask = rng.random(scores.shape) < 0.8
    for hidden in (None, mask):
        left = scores if hidden is None else np.where(hidden, scores, -9)
        expected = [sorted(range(40), key=lambda v, row=row: (-row[v], v))[:k] for row in left]
        expected = [[v if row[v] > -9 else -1 for v in ids] for row, ids in zip(left, expected, strict=True)]
        logs, ids = _best(kernels, scores, k, hidden)
        assert ids.tolist() == expected
        assert (logs.dtype, ids.dtype) == (dtype, np.int64)
        assert (logs[:, 1:] <= logs[:, :-1]).all()


def test_what_is_masked_counts_in_the_softmax(kernels):
    scores, mask = np.log([[1.0, 2.0, 4.0, 1.0]]), np.array([[True, True, False, False]])
    logs, ids = _best(kernels, scores, 3, mask)
    assert ids.tolist() == [[1, 0, -1]]
    np.testing.assert_allclose(np.exp(logs), [[0.25, 0.125, 0]], rtol=1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_row_without_probabilities_has_no_best_ids(kernels, dtype):
    scores = np.zeros((5, 40), dtype)
    scores[1, 3], scores[2, 35], scores[3] = np.nan, np.inf, -np.inf
    scores[4, 1:] = -np.inf
    logs, ids = _best(kernels, scores, 2)
    assert ids.tolist() == [[0, 1], [-1, -1], [-1, -1], [-1, -1], [0, -1]]
    assert np.isnan(logs).tolist() == [[False] * 2, [True] * 2, [True] * 2, [True] * 2, [False] * 2]
    assert logs[4].tolist() == [0, -np.inf]


def test_a_mask_may_be_one_row_for_all(kernels, rng):
    scores, row = rng.standard_normal((5, 40)).astype(np.float32), kernels.asarray(rng.random(40) < 0.5)
    found = kernels.best(kernels.asarray(scores), 7, mask=np.broadcast_to(row, scores.shape))
    expected = _best(kernels, scores, 7, np.tile(kernels.to_numpy(row), (5, 1)))
    for a, b in zip(found, expected, strict=True):
        assert np.array_equal(kernels.to_numpy(a), b)


def test_best_of_no_rows(kernels):
    logs, ids = _best(kernels, np.zeros((0, 3)), 2)
    assert logs.shape == ids.shape == (0, 2)


def test_best_of_huge_scores(kernels):
    logs, ids = _best(kernels, np.array([[-3e38, 3e38, -np.inf]], np.float32), 3)
    assert (logs.tolist(), ids.tolist()) == ([[0, -np.inf, -np.inf]], [[1, -1, -1]])


@pytest.mark.parametrize("k", [0, 4, -1, 1.0, True, None])
def test_best_refuses_other_numbers_of_ids(kernels, k):
    with pytest.raises(ValueError, match="k is"):
        _best(kernels, np.zeros((2, 3)), k)


@pytest.mark.parametrize(
    "change", [np.asfortranarray, lambda a: np.flip(np.flip(a).copy()), lambda a: a.astype(">f8")]
)
def test_layout_of_scores_does_not_matter(kernels, rng, change):
    scores, uniforms = rng.standard_normal((7, 11)), rng.random(7)
    kept, changed = scores.copy(), change(scores)
    changed.setflags(write=False)
    uniforms.setflags(write=False)
    assert np.array_equal(_argmax(kernels, changed), _argmax(kernels, scores))
    assert np.array_equal(_sample(kernels, changed, uniforms), _sample(kernels, scores, uniforms))
    assert np.array_equal(changed, kept)
