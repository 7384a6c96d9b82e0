"""Attention kernels: gradients by central differences, values by loops over single numbers."""

import math

import numpy as np
import pytest

from fasts2s.testing import TOLERANCES, assert_close
from tests.kernels.ops import ATTENTION, gradients, host, prove

SIZES = (3, 7, 5, 11)  # N, T, S, H


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


def test_gradients_on_random_shapes(kernels, backend, record_testsuite_property):
    worst = prove(ATTENTION, kernels, seed=7)
    record_testsuite_property(f"{backend} {ATTENTION.name}", worst)
    assert worst <= TOLERANCES["central difference"][0]


@pytest.mark.parametrize("masked", [True, False])
def test_values(kernels, rng, masked):
    inputs = ATTENTION.case(rng, (3, 4, 5, 2))
    if masked:
        inputs["mask"][1] = False
    else:
        del inputs["mask"]
    outputs = host(kernels, ATTENTION.run(kernels, inputs)[0])
    for name, expected in _by_hand(**inputs).items():
        assert_close(name, outputs[name], expected, 1e-13)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float32, 5e-7), (np.float64, 1e-15)])
def test_weights_are_a_distribution_over_the_valid_steps(kernels, rng, dtype, limit):
    inputs = {k: a if k == "mask" else a.astype(dtype) for k, a in ATTENTION.case(rng, SIZES, scale=3).items()}
    inputs["mask"][0] = [True, False, True, True, False]
    inputs["mask"][1] = False
    weights = host(kernels, ATTENTION.run(kernels, inputs)[0])["weights"]
    assert not weights[np.repeat(~inputs["mask"][:, None], SIZES[1], axis=1)].any()
    assert (weights >= 0).all()
    assert np.abs(weights.sum(axis=2) - inputs["mask"].any(axis=1)[:, None]).max() <= limit


def test_padding_is_not_read(kernels, rng):
    inputs, dout = ATTENTION.case(rng, SIZES), {"context": rng.standard_normal((3, 7, 11))}
    inputs["mask"][:2] = [[1, 0, 1, 1, 0], [0] * 5]
    poisoned = inputs | {"hs_enc": np.where(inputs["mask"][:, :, None], inputs["hs_enc"], np.nan)}
    outputs, expected = (host(kernels, ATTENTION.run(kernels, i)[0]) for i in (poisoned, inputs))
    assert np.array_equal(outputs["context"], expected["context"])
    assert np.array_equal(outputs["weights"], expected["weights"])
    found, wanted = gradients(ATTENTION, kernels, poisoned, dout), gradients(ATTENTION, kernels, inputs, dout)
    assert np.array_equal(found["hs_enc"], wanted["hs_enc"])
    assert np.array_equal(found["hs_dec"], wanted["hs_dec"])
    assert not found["hs_enc"][~inputs["mask"]].any()


def test_row_of_padding_is_neutral(kernels, rng):
    inputs, dout = ATTENTION.case(rng, SIZES), {"context": rng.standard_normal((3, 7, 11))}
    inputs["mask"][:] = [[True] * 5, [False] * 5, [True] * 5]
    outputs, found = host(kernels, ATTENTION.run(kernels, inputs)[0]), gradients(ATTENTION, kernels, inputs, dout)
    for a in (outputs["context"], outputs["weights"], found["hs_enc"], found["hs_dec"]):
        assert not a[1].any()
        assert a[[0, 2]].all()


def test_padding_is_the_same_as_a_shorter_sequence(kernels, rng):
    inputs, dout = ATTENTION.case(rng, SIZES), {"context": rng.standard_normal((3, 7, 11))}
    inputs["mask"][:] = [False, True, True, True, False]
    short = {"hs_enc": inputs["hs_enc"][:, 1:4], "hs_dec": inputs["hs_dec"]}
    outputs, expected = (host(kernels, ATTENTION.run(kernels, i)[0]) for i in (inputs, short))
    assert_close("context", outputs["context"], expected["context"], 1e-14)
    assert_close("weights", outputs["weights"][:, :, 1:4], expected["weights"], 1e-14)
    found, wanted = gradients(ATTENTION, kernels, inputs, dout), gradients(ATTENTION, kernels, short, dout)
    assert_close("dhs_enc", found["hs_enc"][:, 1:4], wanted["hs_enc"], 1e-14)
    assert_close("dhs_dec", found["hs_dec"], wanted["hs_dec"], 1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_scores_choose_one_step(kernels, rng, dtype):
    inputs = {"hs_enc": np.zeros((3, 5, 2), dtype), "hs_dec": np.ones((3, 7, 2), dtype)}
    best = rng.integers(0, 5, size=3)
    inputs["hs_enc"][:] = -1e4
    inputs["hs_enc"][np.arange(3), best] = 1e4
    outputs = host(kernels, ATTENTION.run(kernels, inputs)[0])
    assert np.array_equal(outputs["weights"].argmax(axis=2), np.repeat(best[:, None], 7, axis=1))
    assert np.array_equal(outputs["weights"].max(axis=2), np.ones((3, 7)))
    assert (outputs["context"] == 1e4).all()
    found = gradients(ATTENTION, kernels, inputs, {"context": np.ones((3, 7, 2), dtype)})
    assert not found["hs_dec"].any()
    assert np.isfinite(found["hs_enc"]).all()


def test_scores_beyond_float32_are_not_hidden(kernels, rng):
    inputs = {"hs_enc": np.full((3, 5, 2), 1e30, np.float32), "hs_dec": np.full((3, 7, 2), 1e30, np.float32)}
    inputs["hs_enc"][1:] = 1
    context = host(kernels, ATTENTION.run(kernels, inputs)[0])["context"]
    assert np.isnan(context[0]).all()
    assert_close("other rows", context[1:], np.ones((2, 7, 2)))


def test_nan_reaches_its_row_only(kernels, rng):
    inputs = {k: a for k, a in ATTENTION.case(rng, SIZES).items() if k != "mask"}
    inputs["hs_enc"][1, 2, 3] = np.nan
    context = host(kernels, ATTENTION.run(kernels, inputs)[0])["context"]
    assert np.array_equal(np.isnan(context).any(axis=(1, 2)), [False, True, False])


@pytest.mark.parametrize("sizes", [(0, 7, 5, 3), (3, 0, 5, 2), (3, 7, 0, 2), (3, 7, 5, 0), (0, 0, 0, 0)], ids=str)
@pytest.mark.parametrize("masked", [True, False])
def test_zero_sizes(kernels, rng, sizes, masked):
    N, T, S, H = sizes
    inputs = {k: a for k, a in ATTENTION.case(rng, sizes).items() if masked or k != "mask"}
    outputs = host(kernels, ATTENTION.run(kernels, inputs)[0])
    assert outputs["weights"].shape == (N, T, S)
    assert np.array_equal(outputs["context"], np.zeros((N, T, H))) or S > 0
    found = gradients(ATTENTION, kernels, inputs, {"context": np.ones((N, T, H))})
    assert found["hs_enc"].shape == (N, S, H)
    assert found["hs_dec"].shape == (N, T, H)
