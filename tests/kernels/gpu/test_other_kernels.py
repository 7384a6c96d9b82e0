"""Kernels beside the LSTM, on the sizes at which their launches change."""

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.backends import numpy as reference
from fasts2s_kernels.gpu import dispatch
from fasts2s_kernels.ops.embedded_lstm import gpu as greedy
from fasts2s_kernels.ops.embedding import gpu
from tests.kernels.gpu.runs import ORDERS, check, in_order
from tests.kernels.ops import AFFINE, ATTENTION, EMBEDDING, GRU, RNN, SOFTMAX_LOSS

LOSS_SIZES = [
    (1, 1),
    (640, 13),
    (9, 512),
    (3, 513),
    (7, 4097),
    (5, 10_000),
    (2, 10_241),
    (dispatch.COUNT_ALONE + 7, 3),
]
GREEDY_SIZES = [(1, 1, 1, 1, 1), (3, 5, 7, 11, 5), (5, 4, 16, 128, 13), (140, 2, 3, 16, 17), (3, 3, 5, 100, 400)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", LOSS_SIZES, ids=str)
def test_softmax_loss(rng, sizes, dtype):
    check(SOFTMAX_LOSS, SOFTMAX_LOSS.case(rng, sizes), dtype)


@pytest.mark.parametrize("op", [GRU, RNN], ids=lambda op: op.name)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (3, 4, 5, 13), (5, 3, 16, 128)], ids=str)
def test_other_cells(rng, op, sizes):
    check(op, op.case(rng, sizes))


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (3, 4, 5, 7), (2, 29, 29, 33), (2, 3, 70, 5)], ids=str)
def test_attention(rng, sizes):
    check(ATTENTION, ATTENTION.case(rng, sizes))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (700, 3, 33), (5, 7, 4097)], ids=str)
def test_affine(rng, sizes):
    check(AFFINE, AFFINE.case(rng, sizes))


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (20, 35, 100, 33), (3, 7, 600, 5)], ids=str)
def test_embedding(monkeypatch, rng, sizes, sort):
    if sort:
        monkeypatch.setattr(gpu, "_MOST_LOOKS", 0)
    check(EMBEDDING, EMBEDDING.case(rng, sizes))


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("sizes", GREEDY_SIZES, ids=str)
def test_whole_answers(monkeypatch, rng, sizes, steps):
    if steps:
        monkeypatch.setattr(greedy, "_MOST_CHOICES", 0)
    N, T, D, H, V = sizes
    kernels, shapes = load("cupy"), ((V, D), (D, 4 * H), (H, 4 * H), (4 * H,), (H, V), (V,))
    W, Wx, Wh, b, W_out, b_out = (rng.standard_normal(shape) / shape[0] ** 0.5 for shape in shapes)
    held = {"h": (N, H), "c": (N, H), "row_bias": (N, 4 * H), "score_bias": (N, V)}
    held = {name: rng.standard_normal(shape) for name, shape in held.items()}
    start = rng.integers(0, V, N)
    expected = reference.lstm_greedy(W, start, T, Wx, Wh, b, W_out, b_out, **held)
    single = lambda a: kernels.asarray(a.astype("f"))
    for order in ORDERS:
        with in_order(*order):
            out = kernels.lstm_greedy(
                single(W),
                start,
                T,
                *map(single, (Wx, Wh, b, W_out, b_out)),
                **{k: single(a) for k, a in held.items()},
            )
        # Near ties may fall either way in float32, and what follows them differs.
        assert (kernels.to_numpy(out) == expected).all(axis=1).mean() > 0.95


def test_the_best_of_nan_and_equal_scores(rng):
    kernels = load("cupy")
    scores = rng.integers(0, 3, (50, 700)).astype("f")
    scores[::7, 300] = np.nan
    scores[::7, 650] = np.nan
    scores[3] = -np.inf
    for order in ORDERS:
        with in_order(*order):
            assert np.array_equal(kernels.to_numpy(kernels.argmax(kernels.asarray(scores))), scores.argmax(axis=1))
