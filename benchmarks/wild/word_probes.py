"""The same for chapter 4 and the functions before it: what they are compared with is written out here."""

from collections import Counter
from typing import Any

import numpy as np

from fasts2s import layers
from wild.probes import Probe, normal
from wild.steps import Size, Steps

#: So many words more than a probe's size: five of them are drawn for each row, without putting back.
_MORE = 6


class _Loss:
    def forward(self, x: Any, t: Any) -> Any:
        self.y, self.t = 1 / (1 + np.exp(-x)), t
        return -np.log(np.where(t == 1, self.y, 1 - self.y) + 1e-7).mean()

    def backward(self, dout: float = 1) -> Any:
        return (self.y - self.t) * dout / len(self.t)


class _Dot:
    def __init__(self, W: Any) -> None:
        self.embed = layers.Embedding(W)
        self.params, self.grads = self.embed.params, self.embed.grads

    def forward(self, h: Any, idx: Any) -> Any:
        self.h, self.rows = h, self.embed.forward(idx)
        return np.einsum("nh,nh->n", h, self.rows)

    def backward(self, dout: Any) -> Any:
        self.embed.backward((dout[:, None] * self.h).astype(self.rows.dtype))
        return dout[:, None] * self.rows


class _Sampler:
    def __init__(self, corpus: Any, power: float, size: int) -> None:
        counts = Counter(corpus.tolist())
        p = np.array([counts[k] for k in range(len(counts))], np.float64) ** power
        self.p, self.size = p / p.sum(), size

    def get_negative_sample(self, target: Any) -> Any:
        rows = []
        for word in target:
            p = self.p.copy()
            p[word] = 0
            p /= p.sum()
            rows.append(np.random.choice(len(p), self.size, False, p))
        return np.array(rows, np.int32)


class _Sampled:
    def __init__(self, W: Any, corpus: Any, power: float = 0.75, size: int = 5) -> None:
        self.sampler, self.dots = _Sampler(corpus, power, size), [_Dot(W) for _ in range(size + 1)]
        self.losses = [_Loss() for _ in self.dots]
        self.params, self.grads = ([a for dot in self.dots for a in getattr(dot, n)] for n in ("params", "grads"))

    def forward(self, h: Any, target: Any) -> Any:
        words = [target, *self.sampler.get_negative_sample(target).T]
        labels = [np.full(len(target), int(k == 0)) for k in range(len(words))]
        pairs = zip(self.losses, self.dots, words, labels, strict=True)
        return sum(loss.forward(dot.forward(h, ids), t) for loss, dot, ids, t in pairs)

    def backward(self, dout: float = 1) -> Any:
        return sum(dot.backward(loss.backward(dout)) for dot, loss in zip(self.dots, self.losses, strict=True))


class _Model:
    """CBOW, and SkipGram, whose only difference is what is left and what is right."""

    def __init__(self, V: int, H: int, window: int, corpus: Any) -> None:
        left, right = (0.01 * np.random.randn(V, H).astype(np.float32) for _ in range(2))
        counts = (2 * window, 1) if self.is_cbow else (1, 2 * window)
        self.words = [layers.Embedding(left) for _ in range(counts[0])]
        self.sampled = [_Sampled(right, corpus) for _ in range(counts[1])]
        parts = [*self.words, *self.sampled]
        self.params, self.grads = ([a for part in parts for a in getattr(part, n)] for n in ("params", "grads"))

    is_cbow = True

    def forward(self, contexts: Any, target: Any) -> Any:
        left, right = (contexts.T, [target]) if self.is_cbow else ([target], contexts.T)
        h: Any = sum(layer.forward(ids) for layer, ids in zip(self.words, left, strict=True)) / len(self.words)
        return sum(part.forward(h.astype(np.float32), ids) for part, ids in zip(self.sampled, right, strict=True))

    def backward(self, dout: float = 1) -> None:
        dh: Any = sum(part.backward(dout) for part in self.sampled) / len(self.words)
        for layer in self.words:
            layer.backward(dh.astype(np.float32))


class _SkipGram(_Model):
    is_cbow = False


def _corpus(V: int, rng: np.random.Generator) -> Any:
    return rng.permutation(np.concatenate([np.arange(V), rng.integers(0, V, 5 * V)]))


def _sampler(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    V = s.V + _MORE
    steps = Steps(kind(_corpus(V, rng), 0.75, 5))
    np.random.seed(4)
    for N in (s.N, s.N * s.T):
        steps.call("get_negative_sample", rng.integers(0, V, N))
    steps.note("the next number", np.random.random_sample(1))
    return steps


def _dot(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = Steps(kind(normal(rng, s.V, s.H)))
    for N in (s.N, s.N * s.T):
        steps.call("forward", normal(rng, N, s.H), rng.integers(0, s.V, N))
        steps.call("backward", normal(rng, N))
    return steps


def _sampled(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    V = s.V + _MORE
    steps = Steps(kind(normal(rng, V, s.H), _corpus(V, rng)))
    np.random.seed(5)
    for N in (s.N, s.N * s.T):
        steps.call("forward", normal(rng, N, s.H), rng.integers(0, V, N))
        steps.call("backward")
    return steps


def _model(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    V = s.V + _MORE
    np.random.seed(6)
    steps = Steps(kind(V, s.H, 2, _corpus(V, rng)))
    for p in steps.obj.params[:: len(steps.obj.params) - 1]:
        p[...] = normal(rng, *p.shape)
    np.random.seed(7)
    for N in (s.N, s.N * s.T):
        steps.call("forward", rng.integers(0, V, (N, 4)), rng.integers(0, V, N))
        steps.obj.backward()
        steps.note("grads", steps.obj.grads)
    return steps


WORDS = {
    "UnigramSampler": Probe(_Sampler, _sampler),
    "EmbeddingDot": Probe(_Dot, _dot),
    "NegativeSamplingLoss": Probe(_Sampled, _sampled),
    "CBOW": Probe(_Model, _model),
    "SkipGram": Probe(_SkipGram, _model),
}


# ---- functions -----------------------------------------------------------------------------------------------------


def _windows(corpus: Any, window_size: int = 1) -> Any:
    target = corpus[window_size:-window_size]
    around = [k for k in range(-window_size, window_size + 1) if k]
    return np.array([[corpus[window_size + i + k] for k in around] for i in range(len(target))]), np.array(target)


def _one_hot(corpus: Any, V: int) -> Any:
    return np.eye(V, dtype=np.int32)[corpus]


def _neighbours(corpus: Any, V: int, window_size: int = 1) -> Any:
    counts = np.zeros((V, V), np.int32)
    for i, word in enumerate(corpus):
        for k in range(max(0, i - window_size), min(len(corpus), i + window_size + 1)):
            counts[word, corpus[k]] += k != i
    return counts


def _information(C: Any, verbose: bool = False, eps: float = 1e-8) -> Any:
    S = C.sum(axis=0).astype(np.float64)
    return np.maximum(0, np.log2(C * C.sum() / np.outer(S, S) + eps)).astype(np.float32)


def _of_text(function: Any, s: Size, rng: np.random.Generator, *, sized: bool = True) -> Steps:
    steps, corpus = Steps(function), rng.integers(0, s.V, 30)
    for window in (1, 2):
        steps.note(f"windows of {window}", function(corpus.copy(), *([s.V] if sized else []), window))
    return steps


def _of_ids(function: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = Steps(function)
    for shape in ((5,), (5, 3)):
        steps.note("one hot", function(rng.integers(0, s.V, shape), s.V))
    return steps


def _of_counts(function: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps, C = Steps(function), rng.integers(0, 4, (12 * s.T, 12 * s.T)).astype(np.int32)
    for rest in ((), (False, 1e-3), (True,)):
        steps.note("ppmi", function(C.copy(), *rest))
    return steps


WORD_FUNCTIONS = {
    "create_contexts_target": Probe(_windows, lambda f, s, rng: _of_text(f, s, rng, sized=False)),
    "convert_one_hot": Probe(_one_hot, _of_ids),
    "create_co_matrix": Probe(_neighbours, _of_text),
    "ppmi": Probe(_information, _of_counts),
}
