"""Word vectors with negative sampling as a reader may type them, in one file: what mutants of them are made of."""

import collections
import time

import numpy as np


def cross_entropy(y, t):
    n = y.shape[0]
    return -np.sum(np.log(y[np.arange(n), t] + 1e-7)) / n


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Embedding:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.idx = None

    def forward(self, idx):
        (W,) = self.params
        self.idx = idx
        return W[idx]

    def backward(self, d_rows):
        (dW,) = self.grads
        dW[...] = 0
        np.add.at(dW, self.idx, d_rows)


class SigmoidWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.y = None
        self.t = None

    def forward(self, x, t):
        self.t = t
        self.y = sigmoid(x)
        both = np.c_[1 - self.y, self.y]
        return cross_entropy(both, t)

    def backward(self, dout=1):
        n = len(self.t)
        return (self.y - self.t) * dout / n


class EmbeddingDot:
    def __init__(self, W):
        self.embed = Embedding(W)
        self.params, self.grads = self.embed.params, self.embed.grads
        self.cache = None

    def forward(self, h, idx):
        rows = self.embed.forward(idx)
        self.cache = (h, rows)
        return np.sum(h * rows, axis=1)

    def backward(self, dout):
        h, rows = self.cache
        column = dout.reshape(-1, 1)
        self.embed.backward(column * h)
        return column * rows


class UnigramSampler:
    def __init__(self, corpus, power, sample_size):
        counts = collections.Counter()
        for word in corpus:
            counts[word] += 1
        self.sample_size = sample_size
        self.vocab_size = len(counts)
        self.word_p = np.zeros(self.vocab_size)
        for word in range(self.vocab_size):
            self.word_p[word] = counts[word]
        self.word_p = self.word_p**power
        self.word_p /= self.word_p.sum()

    def get_negative_sample(self, target):
        n = target.shape[0]
        drawn = np.zeros((n, self.sample_size), dtype=np.int32)
        for i in range(n):
            p = np.copy(self.word_p)
            p[target[i]] = 0
            p = p / np.sum(p)
            drawn[i] = np.random.choice(self.vocab_size, self.sample_size, replace=False, p=p)
        return drawn


class NegativeSamplingLoss:
    def __init__(self, W, corpus, power=0.75, sample_size=3):
        self.sample_size = sample_size
        self.sampler = UnigramSampler(corpus, power, sample_size)
        self.embed_dot_layers, self.loss_layers = [], []
        self.params, self.grads = [], []
        for _ in range(sample_size + 1):
            dot = EmbeddingDot(W)
            self.embed_dot_layers.append(dot)
            self.loss_layers.append(SigmoidWithLoss())
            self.params += dot.params
            self.grads += dot.grads

    def forward(self, h, target):
        n = len(target)
        drawn = self.sampler.get_negative_sample(target)
        score = self.embed_dot_layers[0].forward(h, target)
        loss = self.loss_layers[0].forward(score, np.ones(n, dtype=np.int32))
        wrong = np.zeros(n, dtype=np.int32)
        for i in range(self.sample_size):
            score = self.embed_dot_layers[i + 1].forward(h, drawn[:, i])
            loss += self.loss_layers[i + 1].forward(score, wrong)
        return loss

    def backward(self, dout=1):
        dh = 0
        for loss_layer, dot in zip(self.loss_layers, self.embed_dot_layers):
            d_score = loss_layer.backward(dout)
            dh += dot.backward(d_score)
        return dh


class CBOW:
    def __init__(self, vocab_size, hidden_size, window_size, corpus):
        W_in = 0.1 * np.random.randn(vocab_size, hidden_size).astype("f")
        W_out = 0.1 * np.random.randn(vocab_size, hidden_size).astype("f")
        self.in_layers = [Embedding(W_in) for _ in range(2 * window_size)]
        self.ns_loss = NegativeSamplingLoss(W_out, corpus)
        self.params, self.grads = [], []
        for layer in self.in_layers + [self.ns_loss]:
            self.params += layer.params
            self.grads += layer.grads
        self.vectors = W_in

    def forward(self, contexts, target):
        h = 0
        for i, layer in enumerate(self.in_layers):
            h += layer.forward(contexts[:, i])
        h /= len(self.in_layers)
        return self.ns_loss.forward(h, target)

    def backward(self, dout=1):
        dh = self.ns_loss.backward(dout)
        dh /= len(self.in_layers)
        for layer in self.in_layers:
            layer.backward(dh)


class SkipGram:
    def __init__(self, vocab_size, hidden_size, window_size, corpus):
        W_in = 0.1 * np.random.randn(vocab_size, hidden_size).astype("f")
        W_out = 0.1 * np.random.randn(vocab_size, hidden_size).astype("f")
        self.in_layer = Embedding(W_in)
        self.loss_layers = [NegativeSamplingLoss(W_out, corpus) for _ in range(2 * window_size)]
        self.params, self.grads = [], []
        for layer in [self.in_layer] + self.loss_layers:
            self.params += layer.params
            self.grads += layer.grads
        self.vectors = W_in

    def forward(self, contexts, target):
        h = self.in_layer.forward(target)
        loss = 0
        for i, layer in enumerate(self.loss_layers):
            loss += layer.forward(h, contexts[:, i])
        return loss

    def backward(self, dout=1):
        dh = 0
        for layer in self.loss_layers:
            dh += layer.backward(dout)
        self.in_layer.backward(dh)


class SGD:
    def __init__(self, lr=0.1):
        self.lr = lr

    def update(self, params, grads):
        for p, g in zip(params, grads):
            p -= self.lr * g


def remove_duplicate(params, grads):
    params, grads = params[:], grads[:]
    for i in range(len(params)):
        for j in range(len(params) - 1, i, -1):
            if params[i] is params[j]:
                grads[i] += grads[j]
                del params[j], grads[j]
    return params, grads


def clip_grads(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g * g) for g in grads))
    if norm > max_norm:
        for g in grads:
            g *= max_norm / norm


class Trainer:
    def __init__(self, model, optimizer):
        self.model = model
        self.optimizer = optimizer
        self.loss_list = []
        self.current_epoch = 0

    def fit(self, x, t, max_epoch=10, batch_size=32, max_grad=None, eval_interval=20):
        data_size = len(x)
        max_iters = data_size // batch_size
        model, optimizer = self.model, self.optimizer
        total_loss, loss_count = 0, 0
        start = time.time()
        for epoch in range(max_epoch):
            idx = np.random.permutation(np.arange(data_size))
            x, t = x[idx], t[idx]
            for iters in range(max_iters):
                batch_x = x[iters * batch_size : (iters + 1) * batch_size]
                batch_t = t[iters * batch_size : (iters + 1) * batch_size]
                loss = model.forward(batch_x, batch_t)
                model.backward()
                params, grads = remove_duplicate(model.params, model.grads)
                if max_grad is not None:
                    clip_grads(grads, max_grad)
                optimizer.update(params, grads)
                total_loss += loss
                loss_count += 1
                if eval_interval is not None and iters % eval_interval == 0:
                    seconds = time.time() - start
                    print(f"epoch {epoch + 1}, loss {total_loss / loss_count:.2f}, {seconds:.1f} s")
                    self.loss_list.append(float(total_loss / loss_count))
                    total_loss, loss_count = 0, 0
            self.current_epoch += 1


def ppmi(C, verbose=False, eps=1e-8):
    M = np.zeros_like(C, dtype=np.float32)
    N = np.sum(C)
    S = np.sum(C, axis=0)
    total = C.shape[0] * C.shape[1]
    cnt = 0
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            value = np.log2(C[i, j] * N / (S[i] * S[j]) + eps)
            M[i, j] = max(0, value)
            if verbose:
                cnt += 1
                if cnt % (total // 10 + 1) == 0:
                    print(f"{100 * cnt / total:.1f}% of it")
    return M
