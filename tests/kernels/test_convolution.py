"""Convolution and pooling: values by sums over single windows, of other sizes than those of ``cases.py``."""

import numpy as np
import pytest

from fasts2s.testing import TOLERANCES, assert_close
from fasts2s_kernels import load
from tests.kernels.helpers import cases, check_shape

GEOMETRIES = [(3, 3, 1, 1), (3, 2, 2, 0), (1, 1, 1, 0), (2, 3, 3, 1), (5, 5, 2, 2), (2, 2, 1, 0)]


def windows(x, high, wide, stride, pad):
    """Yield r, s and the window (N, C, high, wide) there."""
    whole = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for r in range((whole.shape[2] - high) // stride + 1):
        for s in range((whole.shape[3] - wide) // stride + 1):
            yield r, s, whole[:, :, stride * r : stride * r + high, stride * s : stride * s + wide]


def expected_convolution(x, W, b, stride, pad):
    found = {(r, s): np.einsum("ncij,mcij->nm", part, W) + b for r, s, part in windows(x, *W.shape[2:], stride, pad)}
    return together(found)


def expected_pooling(x, high, wide, stride, pad):
    return together({(r, s): part.max(axis=(2, 3)) for r, s, part in windows(x, high, wide, stride, pad)})


def together(found):
    rows, columns = (max(place[k] for place in found) + 1 for k in (0, 1))
    return np.stack([np.stack([found[r, s] for s in range(columns)], -1) for r in range(rows)], -2)


def drawn(rng, high, wide, dtype=np.float64):
    N, C, M, IH, IW = (int(rng.integers(low, high)) for low, high in ((1, 4), (1, 6), (1, 8), (5, 12), (5, 12)))
    x, W, b = rng.standard_normal((N, C, IH, IW)), rng.standard_normal((M, C, high, wide)), rng.standard_normal(M)
    return [a.astype(dtype) for a in (x, W, b)]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values(kernels, rng, geometry, dtype):
    high, wide, stride, pad = geometry
    x, W, b = drawn(rng, high, wide, dtype)
    put = kernels.asarray
    out, cache = kernels.convolution_forward(put(x), put(W), put(b), stride=stride, pad=pad)
    assert out.dtype == dtype
    limit = "forward float32" if dtype is np.float32 else 1e-13
    assert_close("out", kernels.to_numpy(out), expected_convolution(x, W, b, stride, pad), limit)
    dout, dW, db = rng.standard_normal(out.shape).astype(dtype), put(np.empty_like(W)), put(np.empty_like(b))
    dx = kernels.convolution_backward(put(dout), put(W), cache, dW=dW, db=db)
    reference = load("numpy")
    _, kept = reference.convolution_forward(x.astype(float), W.astype(float), b.astype(float), stride=stride, pad=pad)
    buffers = {"dW": np.empty(W.shape), "db": np.empty(b.shape)}
    wanted = reference.convolution_backward(dout.astype(float), W.astype(float), kept, **buffers)
    for name, a, one in (("dx", dx, wanted), ("dW", dW, buffers["dW"]), ("db", db, buffers["db"])):
        assert_close(name, kernels.to_numpy(a), one, "gradient float32" if dtype is np.float32 else 1e-13)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_values_of_pooling(kernels, rng, geometry):
    high, wide, stride, pad = geometry
    x = rng.standard_normal((2, 3, 7, 8)).astype("f")
    options = {"pool_h": high, "pool_w": wide, "stride": stride, "pad": pad}
    out, cache = kernels.pooling_forward(kernels.asarray(x), **options)
    assert_close("out", kernels.to_numpy(out), expected_pooling(x, *geometry), 0)
    dout = rng.standard_normal(out.shape).astype("f")
    dx = kernels.to_numpy(kernels.pooling_backward(kernels.asarray(dout), cache))
    assert dx.shape == x.shape
    if not pad:
        assert_close("sum of the gradient", dx.sum(axis=(2, 3)), dout.sum(axis=(2, 3)), 1e-5)


def test_gradients(record_testsuite_property):
    reference, worst = load("numpy"), 0.0
    for rng, thorough in cases(11, 40):
        high, wide, stride, pad = GEOMETRIES[int(rng.integers(len(GEOMETRIES)))]
        x, W, b = drawn(rng, high, wide)
        out, cache = reference.convolution_forward(x, W, b, stride=stride, pad=pad)
        dout, found = rng.standard_normal(out.shape), {"W": np.empty_like(W), "b": np.empty_like(b)}
        found["x"] = reference.convolution_backward(dout, W, cache, dW=found["W"], db=found["b"])

        def loss(x=x, W=W, b=b, dout=dout, options=(stride, pad)):
            out, _ = reference.convolution_forward(x, W, b, stride=options[0], pad=options[1])
            return float((out * dout).sum())

        worst = max(worst, check_shape(loss, {"x": x, "W": W, "b": b}, found, rng, thorough and x.size < 200))
        # Numbers a step apart, so that no step of a difference changes which one is the largest.
        x = (rng.permutation(x.size).reshape(x.shape) + 0.5) / x.size
        out, cache = reference.pooling_forward(x, pool_h=high, pool_w=wide, stride=stride, pad=pad)
        dout = rng.standard_normal(out.shape)

        def pooled(x=x, dout=dout, options=(high, wide, stride, pad)):
            keywords = dict(zip(("pool_h", "pool_w", "stride", "pad"), options, strict=True))
            return float((reference.pooling_forward(x, **keywords)[0] * dout).sum())

        worst = max(worst, check_shape(pooled, {"x": x}, {"x": reference.pooling_backward(dout, cache)}, rng))
    record_testsuite_property("convolution", worst)
    assert worst <= TOLERANCES["central difference"][0]


def test_not_a_number_is_the_largest(kernels):
    x = np.zeros((1, 1, 2, 4), "f")
    x[0, 0, 1, 0] = np.nan
    out, _ = kernels.pooling_forward(kernels.asarray(x), pool_h=2, pool_w=2, stride=2)
    assert np.isnan(kernels.to_numpy(out)).tolist() == [[[[True, False]]]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pad": 3}, "pad is 3"),
        ({"stride": 0}, "stride is 0"),
        ({"pad": 1.5}, "pad is 1.5"),
        ({"stride": True}, "stride"),
    ],
)
def test_bad_numbers(kernels, options, message):
    x, W = kernels.asarray(np.ones((1, 2, 4, 4), "f")), kernels.asarray(np.ones((3, 2, 3, 3), "f"))
    with pytest.raises(ValueError, match=message):
        kernels.convolution_forward(x, W, None, **options)
    with pytest.raises(ValueError, match=message):
        kernels.pooling_forward(x, pool_h=3, pool_w=3, **{"stride": 1, **options})


def test_a_picture_smaller_than_a_window(kernels):
    x, W = kernels.asarray(np.ones((1, 2, 2, 9), "f")), kernels.asarray(np.ones((3, 2, 3, 3), "f"))
    with pytest.raises(ValueError, match=r"x has shape \(1, 2, 2, 9\), expected pictures of 3 x 3 or more"):
        kernels.convolution_forward(x, W, None)
    with pytest.raises(ValueError, match="expected pictures of 3 x 3 or more"):
        kernels.pooling_forward(x, pool_h=3, pool_w=3, stride=1)
