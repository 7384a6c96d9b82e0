import sys

sys.path.append("..")
from common.layers import Softmax
from common.np import *


class Attention:
    def __init__(self):
        self.params, self.grads = [], []
        self.softmax = Softmax()
        self.attention_weight = None
        self.cache = None

    def forward(self, hs, h):
        a = self.softmax.forward((hs * h[:, None]).sum(axis=2))
        self.attention_weight, self.cache = a, (hs, h, a)
        return (hs * a[:, :, None]).sum(axis=1)

    def backward(self, dout):
        hs, h, a = self.cache
        ds = self.softmax.backward((hs * dout[:, None]).sum(axis=2))
        dhs = a[:, :, None] * dout[:, None] + ds[:, :, None] * h[:, None]
        return dhs, (ds[:, :, None] * hs).sum(axis=1)


class TimeAttention:
    def __init__(self):
        self.params, self.grads = [], []
        self.layers = None
        self.attention_weights = None

    def forward(self, hs_enc, hs_dec):
        self.layers = [Attention() for _ in range(hs_dec.shape[1])]
        out = [layer.forward(hs_enc, hs_dec[:, t]) for t, layer in enumerate(self.layers)]
        self.attention_weights = [layer.attention_weight for layer in self.layers]
        return np.stack(out, axis=1)

    def backward(self, dout):
        parts = [layer.backward(dout[:, t]) for t, layer in enumerate(self.layers)]
        return sum(part[0] for part in parts), np.stack([part[1] for part in parts], axis=1)
