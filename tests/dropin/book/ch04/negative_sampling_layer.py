from common.layers import Embedding, SigmoidWithLoss
from common.np import *


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
        column = dout[:, None]
        self.embed.backward(column * h)
        return column * rows


class UnigramSampler:
    def __init__(self, corpus, power, sample_size):
        self.sample_size, self.vocab_size = sample_size, len(set(corpus.tolist()))
        self.word_p = np.zeros(self.vocab_size)
        for word in corpus:
            if word < self.vocab_size:
                self.word_p[word] += 1
        self.word_p = np.power(self.word_p, power)
        self.word_p /= np.sum(self.word_p)

    def get_negative_sample(self, target):
        found = []
        for word in target:
            p = self.word_p.copy()
            p[word] = 0
            p /= p.sum()
            found.append(np.random.choice(self.vocab_size, size=self.sample_size, replace=False, p=p))
        return np.array(found, dtype=np.int32)


class NegativeSamplingLoss:
    def __init__(self, W, corpus, power=0.75, sample_size=5):
        self.sample_size = sample_size
        self.sampler = UnigramSampler(corpus, power, sample_size)
        self.loss_layers = [SigmoidWithLoss() for _ in range(sample_size + 1)]
        self.embed_dot_layers = [EmbeddingDot(W) for _ in range(sample_size + 1)]
        self.params = [layer.params[0] for layer in self.embed_dot_layers]
        self.grads = [layer.grads[0] for layer in self.embed_dot_layers]

    def forward(self, h, target):
        words = [target, *self.sampler.get_negative_sample(target).T]
        one, zero = np.ones(len(target), dtype=np.int32), np.zeros(len(target), dtype=np.int32)
        loss = 0
        for k in range(self.sample_size + 1):
            score = self.embed_dot_layers[k].forward(h, words[k])
            loss += self.loss_layers[k].forward(score, zero if k else one)
        return loss

    def backward(self, dout=1):
        dh = 0
        for k in range(self.sample_size + 1):
            dh += self.embed_dot_layers[k].backward(self.loss_layers[k].backward(dout))
        return dh
