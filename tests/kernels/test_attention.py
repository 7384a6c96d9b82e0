"""Attention kernels: values by loops over single numbers, padding, and scores out of bounds."""

import math

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.backends import numpy as reference
from tests.kernels.helpers import compute, draw

SIZES = (3, 7, 5, 11)  # N T S H


def _by_hand(hs_enc, hs_dec, mask=None):
    (N, S, H), T = hs_enc.shape, hs_dec.shape[1]
    context, weights = np.zeros((N, T, H)), np.zeros((N, T, S))
    for n in range(N):
        valid = [s for s in range(S) if mask is None or mask[n, s]]
        for t in range(T):
            e = [math.exp(sum(hs_enc[n, s, j] * hs_dec[n, t, j] for j in range(H))) for s in valid]
            for s, value in zip(valid, e, strict=True):
                weights[n, t, s] = value / math.fsum(e)
            for j in range(H):
                context[n, t, j] = sum(weights[n, t, s] * hs_enc[n, s, j] for s in valid)
    return {"context": context, "weights": weights}


def _draw(rng, sizes=SIZES, **more):
    return draw("attention_backward", rng, *sizes, **more)


def _both(kernels, inputs):
    return compute(kernels, "attention_backward", inputs)


@pytest.mark.parametrize("masked", [True, False])
def test_values_of_the_reference(rng, masked):
    inputs = draw("attention_forward", rng, 3, 4, 5, 2, given=["mask"] * masked)
    if masked:
        inputs["mask"][1] = False
    outputs = compute(reference, "attention_forward", inputs)
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, outputs[f"out_{name}"], expected, 1e-13)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float32, 5e-7), (np.float64, 1e-15)])
def test_weights_are_a_distribution_over_the_valid_steps(kernels, rng, dtype, limit):
    inputs = _draw(rng, dtype=dtype, scale=3)
    inputs["mask"][0] = [True, False, True, True, False]
    inputs["mask"][1] = False
    weights = _both(kernels, inputs)["out_weights"]
    assert not weights[np.repeat(~inputs["mask"][:, None], SIZES[1], axis=1)].any()
    assert (weights >= 0).all()
    assert np.abs(weights.sum(axis=2) - inputs["mask"].any(axis=1)[:, None]).max() <= limit


def test_padding_is_not_read(kernels, rng):
    inputs = _draw(rng)
    inputs["mask"][:2] = [[1, 0, 1, 1, 0], [0] * 5]
    poisoned = inputs | {"hs_enc": np.where(inputs["mask"][:, :, None], inputs["hs_enc"], np.nan)}
    found, wanted = _both(kernels, poisoned), _both(kernels, inputs)
    for name, a in wanted.items():
        assert np.array_equal(found[name], a), name
    assert not found["grad_hs_enc"][~inputs["mask"]].any()


def test_row_of_padding_is_neutral(kernels, rng):
    inputs = _draw(rng)
    inputs["mask"][:] = [[True] * 5, [False] * 5, [True] * 5]
    for a in _both(kernels, inputs).values():
        assert not a[1].any()
        assert a[[0, 2]].all()


def test_padding_is_the_same_as_a_shorter_sequence(kernels, rng):
    inputs = _draw(rng)
    inputs["mask"][:] = [False, True, True, True, False]
    short = {"hs_enc": inputs["hs_enc"][:, 1:4], "hs_dec": inputs["hs_dec"], "dout": inputs["dout"]}
    found, wanted = _both(kernels, inputs), _both(kernels, short)
    found["out_weights"], found["grad_hs_enc"] = found["out_weights"][:, :, 1:4], found["grad_hs_enc"][:, 1:4]
    for name, a in wanted.items():
        assert_close(name, found[name], a, 1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_scores_choose_one_step(kernels, rng, dtype):
    inputs = {"hs_enc": np.zeros((3, 5, 2), dtype)} | {name: np.ones((3, 7, 2), dtype) for name in ("hs_dec", "dout")}
    best = rng.integers(0, 5, size=3)
    inputs["hs_enc"][:] = -1e4
    inputs["hs_enc"][np.arange(3), best] = 1e4
    found = _both(kernels, inputs)
    assert np.array_equal(found["out_weights"].argmax(axis=2), np.repeat(best[:, None], 7, axis=1))
    assert np.array_equal(found["out_weights"].max(axis=2), np.ones((3, 7)))
    assert (found["out_context"] == 1e4).all()
    assert not found["grad_hs_dec"].any()
    assert np.isfinite(found["grad_hs_enc"]).all()


def test_scores_beyond_float32_are_not_hidden(kernels, rng):
    inputs = {"hs_enc": np.full((3, 5, 2), 1e30, np.float32), "hs_dec": np.full((3, 7, 2), 1e30, np.float32)}
    inputs["hs_enc"][1:] = 1
    context = compute(kernels, "attention_forward", inputs)["out_context"]
    assert np.isnan(context[0]).all()
    assert_close("other rows", context[1:], np.ones((2, 7, 2)))


def test_nan_reaches_its_row_only(kernels, rng):
    inputs = draw("attention_forward", rng, *SIZES, given=())
    inputs["hs_enc"][1, 2, 3] = np.nan
    context = compute(kernels, "attention_forward", inputs)["out_context"]
    assert np.array_equal(np.isnan(context).any(axis=(1, 2)), [False, True, False])
