from common.config import GPU
from common.functions import softmax
from common.np import *


class Embedding:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]
        self.idx = None

    def forward(self, idx):
        self.idx = idx
        return self.params[0][idx]

    def backward(self, dout):
        total = np.zeros_like(self.params[0])
        if GPU:
            np.scatter_add(total, self.idx, dout)
        else:
            np.add.at(total, self.idx, dout)
        self.grads[0][...] = total


class Affine:
    def __init__(self, W, b):
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        self.grads[1][...] = dout.sum(axis=0)
        return dout @ self.params[0].T


class Softmax:
    def __init__(self):
        self.params, self.grads = [], []
        self.out = None

    def forward(self, x):
        self.out = softmax(x)
        return self.out

    def backward(self, dout):
        inner = np.sum(self.out * dout, axis=1, keepdims=True)
        return self.out * (dout - inner)


class SigmoidWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.loss = None
        self.y, self.t = None, None

    def forward(self, x, t):
        self.t, self.y = t, 1 / (1 + np.exp(-x))
        chosen = np.c_[1 - self.y, self.y][np.arange(len(t)), t]
        self.loss = -np.sum(np.log(chosen + 1e-7)) / len(t)
        return self.loss

    def backward(self, dout=1):
        return (self.y - self.t) * dout / self.t.shape[0]
