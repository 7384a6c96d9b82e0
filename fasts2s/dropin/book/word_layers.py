"""Negative sampling, chapter 4: the sampler, the scores of a batch at once, gradients of which few rows are set."""

from typing import Any
from weakref import WeakSet

import numpy as np

from fasts2s.dropin.book.choices import Shares, are_numpys_own, shares_of
from fasts2s.dropin.replace import beside
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.quiet import quiet

#: Losses of readers that do not keep what their forward returns.
keep_no_loss: "WeakSet[type]" = WeakSet()


def sampler_init(self: Any, corpus: Array, power: float, sample_size: int) -> None:
    """As the book's ``UnigramSampler.__init__``, which counts the words one by one."""
    shares = shares_of(corpus, power)
    self.sample_size, self.vocab_size, self.word_p = sample_size, len(shares), shares


def get_negative_sample(self: Any, target: Array) -> Array:
    """As the book's ``UnigramSampler.get_negative_sample``: the same draws, the same words.

    target : (N,) ids -> (N, sample_size) int32. ValueError where a row may have too few words: nothing is drawn.
    """
    kept = beside.of(self)
    if kept.shares is None or not np.array_equal(kept.shares.p, self.word_p):
        kept.shares = Shares(self.word_p)
    drawn: Array = kept.shares.draw(target, self.sample_size).astype(np.int32)
    return drawn


def is_corpus(corpus: Any) -> bool:
    """Return whether words can be counted by their ids: an array (n,) of some, none negative, none far too large."""
    is_array = type(corpus) is np.ndarray and corpus.ndim == 1 and corpus.dtype.kind in "iu" and corpus.size
    return bool(is_array and corpus.min() >= 0 and corpus.max() < 8 * corpus.size + 1024)


def can_draw(sampler: Any, target: Any) -> bool:
    """Return whether ours may draw for a batch: the book's own arrays, ids of words, NumPy's own functions."""
    p = sampler.word_p
    is_array = all(type(a) is np.ndarray and a.ndim == 1 for a in (p, target)) and target.dtype.kind in "iu"
    return bool(
        is_array
        and type(sampler.sample_size) is int
        and sampler.vocab_size == p.size
        and target.size
        and target.min() >= 0
        and target.max() < p.size
        and are_numpys_own()
    )


class Gradient:
    """The gradient (V, H) of a matrix of words; rows that a batch does not name are zero."""

    def __init__(self, table: Array) -> None:
        self.table = table
        self._touched: Array | None = None

    def is_set(self) -> bool:
        """Return whether it has been set."""
        return self._touched is not None

    def set(self, ids: Array, rows: Array, which: Array | None = None) -> None:
        """Have it be the sums of rows (R, H) by their ids; ``which`` (R,): the row that each id stands for."""
        if self._touched is None:
            self.table[...] = 0
        else:
            self.table[self._touched] = 0
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        self._touched = ordered[first]
        self.table[self._touched] = np.add.reduceat(rows[order if which is None else which[order]], first, axis=0)


class Scores:
    """A NegativeSamplingLoss of the book, all of its K = 1 + sample_size layers at once."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.W: Array = layer.embed_dot_layers[0].params[0]

    def is_whole(self) -> bool:
        """Return whether the layer has as many parts as it draws words."""
        layer = self.layer
        if not all(type(each.sample_size) is int for each in (layer, layer.sampler)):
            return False
        K = 1 + layer.sample_size
        counts = {K, len(layer.embed_dot_layers), len(layer.loss_layers), 1 + layer.sampler.sample_size}
        return counts == {K} and K > 1

    def words(self) -> int:
        """Return how many words both the sampler and the matrix have."""
        words: int = self.layer.sampler.vocab_size
        return min(words, len(self.W))

    @quiet
    def forward(self, h: Array, right: Array) -> Any:
        """h : (N, H), right : (N,) ids -> the sum of the losses, in the book's order of sums."""
        drawn = self.layer.sampler.get_negative_sample(right)
        self._h, self._parts = h, [right, *drawn.T]
        self._ids = np.concatenate((right[None], drawn.T))
        self._T = self.W[self._ids]  # (K, N, H)
        self._y = 1 / (1 + np.exp(-(self._T * h).sum(axis=2)))
        p = np.concatenate((self._y[:1], 1 - self._y[1:]))
        self._losses = -np.log(p + np.float32(1e-7)).sum(axis=1) / len(right)
        self._d = self._y / len(right)  # the gradients of the scores, (K, N)
        self._d[0] = (self._y[0] - 1) / len(right)
        loss = self._losses[0]
        for more in self._losses[1:]:
            loss += more
        return loss

    def dh(self) -> Array:
        """Return the gradient of h, (N, H)."""
        dh: Array = np.einsum("kn,knh->nh", self._d, self._T)
        return dh

    def rows(self) -> tuple[Array, Array]:
        """Return ids (K N,) and the gradients (K N, H) of the rows that they name."""
        K, N, H = self._T.shape
        return self._ids.reshape(-1), (self._d[:, :, None] * self._h).reshape(K * N, H)

    def leave(self, *, first: bool) -> None:
        """Leave in the layers what the book's leave there; the gradient of the first is the sum, which stays."""
        labels = [np.ones(len(self._h), np.int32)] + [np.zeros(len(self._h), np.int32)] * self.layer.sample_size
        for k, (dot, loss) in enumerate(zip(self.layer.embed_dot_layers, self.layer.loss_layers, strict=True)):
            beside.forget_forward(dot.embed)
            dot.embed.idx, dot.cache = self._parts[k], (self._h, self._T[k])
            loss.y, loss.t = self._y[k], labels[k]
            if type(loss) not in keep_no_loss:
                loss.loss = self._losses[k]
            if k or not first:
                Gradient(dot.embed.grads[0]).set(self._parts[k], self._d[k][:, None] * self._h)
