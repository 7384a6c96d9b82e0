"""Every function in every order of threads, and those beside the LSTM on the sizes at which their launches change."""

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.cases import whole
from fasts2s_kernels.gpu import dispatch
from fasts2s_kernels.letters import SIZES
from fasts2s_kernels.ops.embedded_lstm import gpu as greedy
from fasts2s_kernels.ops.embedding import gpu
from tests.kernels.gpu.runs import ORDERS, check, in_order

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
#: Rows of more than a warp, and more of them than a block has warps.
WIDE = {"N": 9, "T": 2, "S": 35, "D": 34, "H": 33, "M": 41, "V": 43, "R": 26, "K": 7}
#: N T V D H
GREEDY_SIZES = [(1, 1, 1, 1, 1), (3, 5, 5, 7, 11), (5, 4, 13, 16, 128), (140, 2, 17, 3, 16), (3, 3, 400, 5, 100)]


@pytest.mark.parametrize("function", whole(), ids=lambda function: function.name)
@pytest.mark.parametrize("sizes", [SIZES, WIDE], ids=["usual", "wide"])
def test_every_function_in_every_order_of_threads(rng, function, sizes):
    check(function.name, rng, *(sizes[letter] for letter in function.letters))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", LOSS_SIZES, ids=str)
def test_softmax_loss(rng, sizes, dtype):
    check("softmax_loss_backward", rng, *sizes, dtype=dtype)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (3, 4, 5, 13), (5, 3, 16, 128)], ids=str)
def test_other_cells(rng, cell, sizes):
    check(f"{cell}_backward", rng, *sizes)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (3, 4, 5, 7), (2, 29, 29, 33), (2, 3, 70, 5)], ids=str)
def test_attention(rng, sizes):
    check("attention_backward", rng, *sizes)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (700, 3, 33), (5, 7, 4097)], ids=str)
def test_affine(rng, sizes):
    check("affine_backward", rng, *sizes)


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (20, 35, 100, 33), (3, 7, 600, 5)], ids=str)
def test_embedding(monkeypatch, rng, sizes, sort):
    if sort:
        monkeypatch.setattr(gpu, "_MOST_LOOKS", 0)
    check("embedding_backward", rng, *sizes)


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("sizes", GREEDY_SIZES, ids=str)
def test_whole_answers(monkeypatch, rng, sizes, steps):
    if steps:
        monkeypatch.setattr(greedy, "_MOST_CHOICES", 0)
    check("lstm_greedy", rng, *sizes)


def test_the_best_of_nan_and_equal_scores(rng):
    kernels = load("cupy")
    scores = rng.integers(0, 3, (50, 700)).astype("f")
    scores[::7, 300] = np.nan
    scores[::7, 650] = np.nan
    scores[3] = -np.inf
    for order in ORDERS:
        with in_order(*order):
            assert np.array_equal(kernels.to_numpy(kernels.argmax(kernels.asarray(scores))), scores.argmax(axis=1))
