from ch04.negative_sampling_layer import NegativeSamplingLoss
from common.layers import Embedding
from common.np import *


class SkipGram:
    def __init__(self, vocab_size, hidden_size, window_size, corpus):
        W_in = 0.01 * np.random.randn(vocab_size, hidden_size).astype("f")
        W_out = 0.01 * np.random.randn(vocab_size, hidden_size).astype("f")
        self.in_layer = Embedding(W_in)
        self.loss_layers = [NegativeSamplingLoss(W_out, corpus, sample_size=3) for _ in range(2 * window_size)]
        self.params, self.grads = [], []
        for layer in [self.in_layer, *self.loss_layers]:
            self.params += layer.params
            self.grads += layer.grads
        self.word_vecs = W_in

    def forward(self, contexts, target):
        h = self.in_layer.forward(target)
        return sum(layer.forward(h, contexts[:, k]) for k, layer in enumerate(self.loss_layers))

    def backward(self, dout=1):
        self.in_layer.backward(sum(layer.backward(dout) for layer in self.loss_layers))
