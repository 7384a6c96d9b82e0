"""The peeky decoder computes the constant part of its inputs once; here it is compared with concatenated inputs."""

import numpy as np
import pytest

import fasts2s
from fasts2s.backend import to_cpu
from fasts2s.layers import TimeAffine, TimeEmbedding, TimeLSTM
from fasts2s.models.peeky_seq2seq import PeekyDecoder
from fasts2s.testing import assert_close
from tests.sides import fetch, put

N, T, V, D, H = 5, 4, 7, 3, 11


def concatenated(decoder, xs, h, dscore, backend):
    """Scores, gradients by name and dh of the book's formulation, on layers with the decoder's weights."""
    embed = TimeEmbedding(decoder.embed.W, backend=backend)
    lstm = TimeLSTM(*decoder.lstm.params, stateful=True, backend=backend)
    affine = TimeAffine(*decoder.affine.params, backend=backend)
    lstm.set_state(h)
    hs = np.repeat(h[:, None, :], xs.shape[1], axis=1)
    out = lstm.forward(np.concatenate((hs, embed.forward(xs)), axis=2))
    score = affine.forward(np.concatenate((hs, out), axis=2))
    dout = affine.backward(dscore)
    dx = lstm.backward(dout[:, :, H:])
    embed.backward(dx[:, :, H:])
    dh = lstm.dh + (dout[:, :, :H] + dx[:, :, :H]).sum(axis=1)
    return score, [*embed.grads, *lstm.grads, *affine.grads], dh


@pytest.mark.parametrize(("dtype", "forward", "backward"), [("float32", 2e-6, 1e-5), ("float64", 1e-13, 1e-13)])
def test_hoisting_changes_nothing(backend, rng, dtype, forward, backward):
    with fasts2s.use_backend(backend, dtype=dtype) as chosen:
        decoder = PeekyDecoder(V, D, H)
        for p in decoder.params:
            p[...] = put(backend, rng.standard_normal(p.shape) / p.shape[0] ** 0.5)
        xs, h = rng.integers(0, V, (N, T)), put(backend, rng.standard_normal((N, H)).astype(dtype))
        dscore = put(backend, rng.standard_normal((N, T, V)).astype(dtype))
        score, dh = decoder.forward(xs, h), decoder.backward(dscore)
        expected = concatenated(decoder, xs, h, dscore, chosen)
    assert_close("score", score, expected[0], forward)
    for k, (found, wanted) in enumerate(zip(decoder.grads, expected[1], strict=True)):
        assert_close(f"gradient {k}", found, wanted, backward)
    assert_close("dh", dh, expected[2], backward)


def test_backward_overwrites_and_can_be_repeated(backend, rng):
    decoder = PeekyDecoder(V, D, H, backend=backend)
    xs, h = rng.integers(0, V, (N, T)), put(backend, rng.standard_normal((N, H)).astype("f"))
    dscore = put(backend, rng.standard_normal((N, T, V)).astype("f"))
    decoder.forward(xs, h)
    first, kept = to_cpu(decoder.backward(dscore)), [to_cpu(g).copy() for g in decoder.grads]
    for g in decoder.grads:
        g[...] = 7
    assert np.array_equal(to_cpu(decoder.backward(dscore)), first)
    assert all(np.array_equal(a, b) for a, b in zip(fetch(decoder.grads), kept, strict=True))


def test_gradient_of_another_shape_is_refused(backend, rng):
    decoder = PeekyDecoder(V, D, H, backend=backend)
    decoder.forward(rng.integers(0, V, (N, T)), put(backend, np.zeros((N, H), "f")))
    with pytest.raises(ValueError, match="dscore has shape"):
        decoder.backward(put(backend, np.zeros((N, T + 1, V), "f")))
