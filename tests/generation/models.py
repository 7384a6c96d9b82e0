"""Small random models to generate from."""

import functools
from typing import NamedTuple

import numpy as np

from fasts2s.backend import to_cpu
from tests.encoder_decoder import samples
from tests.sides import put

START, STOP = 2, 3


class State(NamedTuple):
    """Of a chain with attention."""

    h: np.ndarray
    weights: np.ndarray | None
    mask: np.ndarray | None


class Chain:
    """A random recurrent model; its state is an array, or, with attention, also weights over S words of a source."""

    def __init__(self, V=7, scale=2.0, S=0, backend="numpy", seed=5):
        rng, H = np.random.default_rng(seed), 6
        self.E, self.A = rng.standard_normal((V, H)), rng.standard_normal((H, H))
        self.B = (scale * rng.standard_normal((H, V))).astype(np.float32)
        self.C, self.S, self.backend = 2 * rng.standard_normal((H, S)), S, backend

    def start(self, N):
        h = np.random.default_rng(9).standard_normal((N, 6))
        return State(h, None, np.arange(self.S) < self.S - 1 - np.arange(N)[:, None] % 2) if self.S else h

    def step(self, ids, state):
        h = np.tanh((state.h if self.S else state) @ self.A + self.E[to_cpu(ids)])
        scores = put(self.backend, (h @ self.B).astype(np.float32))
        if not self.S:
            return scores, h
        mask = state.mask.repeat(len(h) // len(state.mask), axis=0)
        weights = np.where(mask, np.exp(h @ self.C), 0)
        return scores, AttentionState(h, weights / weights.sum(axis=1, keepdims=True), state.mask)


class AttentionState(State):
    """A state that is moved by methods of its own: the mask is of the sources."""

    def moved(self, rows):
        return self._replace(h=self.h[rows], weights=self.weights[rows])

    def taken(self, sources):
        each = len(self.h) // len(self.mask)
        rows = (sources[:, None] * each + np.arange(each)).ravel()
        return self.moved(rows)._replace(mask=self.mask[sources])


def log_softmax(scores):
    """Return the logs of the probabilities, in float64."""
    scores = np.asarray(to_cpu(scores), np.float64)
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def sources(N, seed=0):
    """Return N sources (N, 5), padded on the right."""
    rng = np.random.default_rng(seed)
    return np.where(np.arange(5) < rng.integers(1, 6, (N, 1)), rng.integers(1, 11, (N, 5)), 0)


@functools.cache
def model(name, backend="numba"):
    """Return a small encoder-decoder that ends some of its answers."""
    made = samples.model(name, backend)
    for p in made.params:
        p *= 3
    bias = made.decoder.affine.params[1]
    bias[...] = 0
    bias[STOP] = _missing(made) if backend == "numpy" else to_cpu(model(name, "numpy").decoder.affine.params[1])[STOP]
    return made


def _missing(made):
    """Return what the end mark lacks to be the best third word of a third of all sources."""
    scores, state = made.step(np.full(60, START), made.start(sources(60)))
    for _ in range(2):
        scores, state = made.step(scores.argmax(axis=1), state)
    return np.quantile(scores.max(axis=1) - scores[:, STOP], 0.35)
