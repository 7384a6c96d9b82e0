"""What the classes of chapter 4 compute, past which a training loop of ours goes: they are tried beside these.

What a reader's class is tried on has the attributes and the parts that are made here: its own constructor, and
classes of the reader's that may be wrong, have no part in it. Nothing of this is ever put into a reader's class.
Dtypes are the book's: its gradients of a loss are float64.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array


class Embedding:
    """The rows of words."""

    def __init__(self, W: Array) -> None:
        self.params, self.grads, self.idx = [W], [np.zeros_like(W)], np.zeros(0, int)

    def forward(self, idx: Array) -> Array:
        """idx : (N,) ids -> (N, H)."""
        self.idx = idx
        rows: Array = self.params[0][idx]
        return rows

    def backward(self, dout: Array) -> None:
        """Sum up the gradients of rows."""
        self.grads[0][...] = 0
        np.add.at(self.grads[0], self.idx, dout)


class UnigramSampler:
    """Draws words, evenly."""

    def __init__(self, corpus: Array, power: float, sample_size: int) -> None:
        self.sample_size, self.vocab_size = sample_size, int(corpus.max()) + 1
        self.word_p = np.full(self.vocab_size, 1 / self.vocab_size)

    def get_negative_sample(self, target: Array) -> Array:
        """target : (N,) ids -> (N, sample_size) int32."""
        shape = len(target), self.sample_size
        drawn: Array = np.random.choice(self.vocab_size, shape, p=self.word_p).astype(np.int32)
        return drawn


class SigmoidWithLoss:
    """The mean of the logarithms of the probabilities of N answers, yes or no."""

    def __init__(self, *, keeps_loss: bool = True) -> None:
        none: Any = None
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.y = self.t = none
        if keeps_loss:
            self.loss = none

    def forward(self, x: Array, t: Array) -> Any:
        """x : (N,) scores, t : (N,) 0 or 1 -> loss."""
        self.t, self.y = t, 1 / (1 + np.exp(-x))
        chosen = np.c_[1 - self.y, self.y][np.arange(len(t)), t]
        loss = -np.sum(np.log(chosen + 1e-7)) / len(t)
        if hasattr(self, "loss"):
            self.loss = loss
        return loss

    def backward(self, dout: Any = 1) -> Array:
        """Return the gradient of the scores, (N,)."""
        dx: Array = (self.y - self.t) * dout / len(self.t)
        return dx


class EmbeddingDot:
    """The product of each of N vectors with the row of a word."""

    def __init__(self, W: Array) -> None:
        self.embed = Embedding(W)
        self.params, self.grads = self.embed.params, self.embed.grads
        self.cache: Any = None

    def forward(self, h: Array, idx: Array) -> Array:
        """h : (N, H), idx : (N,) ids -> (N,)."""
        rows = self.embed.forward(idx)
        self.cache = (h, rows)
        out: Array = np.sum(rows * h, axis=1)
        return out

    def backward(self, dout: Array) -> Array:
        """dout : (N,) -> the gradient of h, (N, H)."""
        h, rows = self.cache
        column = dout[:, None]
        self.embed.backward(column * h)
        dh: Array = column * rows
        return dh


class NegativeSamplingLoss:
    """The losses of the right words, and of words that are drawn."""

    def __init__(self, W: Array, corpus: Array, power: float = 0.75, sample_size: int = 5) -> None:
        self.sample_size, self.sampler = sample_size, UnigramSampler(corpus, power, sample_size)
        self.loss_layers = [SigmoidWithLoss() for _ in range(sample_size + 1)]
        self.embed_dot_layers = [EmbeddingDot(W) for _ in range(sample_size + 1)]
        self.params, self.grads = _gathered(self.embed_dot_layers)

    def forward(self, h: Array, target: Array) -> Any:
        """h : (N, H), target : (N,) ids -> loss."""
        drawn = self.sampler.get_negative_sample(target)
        loss: Any = 0
        for k, words in enumerate([target, *drawn.T]):
            label = np.full(len(target), not k, np.int32)
            loss = loss + self.loss_layers[k].forward(self.embed_dot_layers[k].forward(h, words), label)
        return loss

    def backward(self, dout: Any = 1) -> Any:
        """Return the gradient of h, (N, H)."""
        dh: Any = 0
        for loss, dot in zip(self.loss_layers, self.embed_dot_layers, strict=True):
            dh = dh + dot.backward(loss.backward(dout))
        return dh


class CBOW:
    """A word by the words around it."""

    def __init__(self, left: Array, right: Array, corpus: Array, window_size: int) -> None:
        self.in_layers = [Embedding(left) for _ in range(2 * window_size)]
        self.ns_loss = NegativeSamplingLoss(right, corpus)
        self.params, self.grads = _gathered([*self.in_layers, self.ns_loss])

    def forward(self, contexts: Array, target: Array) -> Any:
        """contexts : (N, L) ids, target : (N,) ids -> loss."""
        h = sum(layer.forward(contexts[:, k]) for k, layer in enumerate(self.in_layers))
        return self.ns_loss.forward(h * (1 / len(self.in_layers)), target)

    def backward(self, dout: Any = 1) -> None:
        """Compute all gradients."""
        dh = self.ns_loss.backward(dout) * (1 / len(self.in_layers))
        for layer in self.in_layers:
            layer.backward(dh)


class SkipGram:
    """The words around a word."""

    def __init__(self, left: Array, right: Array, corpus: Array, window_size: int) -> None:
        self.in_layer = Embedding(left)
        self.loss_layers = [NegativeSamplingLoss(right, corpus) for _ in range(2 * window_size)]
        self.params, self.grads = _gathered([self.in_layer, *self.loss_layers])

    def forward(self, contexts: Array, target: Array) -> Any:
        """contexts : (N, L) ids, target : (N,) ids -> loss."""
        h = self.in_layer.forward(target)
        return sum(layer.forward(h, contexts[:, k]) for k, layer in enumerate(self.loss_layers))

    def backward(self, dout: Any = 1) -> None:
        """Compute all gradients."""
        self.in_layer.backward(sum(layer.backward(dout) for layer in self.loss_layers))


def _gathered(layers: Iterable[Any]) -> tuple[list[Array], list[Array]]:
    layers = list(layers)
    return [p for layer in layers for p in layer.params], [g for layer in layers for g in layer.grads]
