from common.functions import sigmoid, softmax
from common.layers import *
from common.np import *


class LSTM:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(p) for p in self.params]
        self.cache = None

    def forward(self, x, h, c):
        Wx, Wh, b = self.params
        H = Wh.shape[0]
        a = x @ Wx + h @ Wh + b
        f, i, o = sigmoid(a[:, :H]), sigmoid(a[:, 2 * H : 3 * H]), sigmoid(a[:, 3 * H :])
        g = np.tanh(a[:, H : 2 * H])
        later = c * f + g * i
        self.cache = x, h, c, f, g, i, o, later
        return np.tanh(later) * o, later

    def backward(self, dh, dc):
        Wx, Wh, b = self.params
        x, h, c, f, g, i, o, later = self.cache
        t = np.tanh(later)
        ds = dc + dh * o * (1 - t * t)
        parts = ds * c * f * (1 - f), ds * i * (1 - g * g), ds * g * i * (1 - i), dh * t * o * (1 - o)
        da = np.concatenate(parts, axis=1)
        for grad, value in zip(self.grads, (x.T @ da, h.T @ da, da.sum(axis=0))):
            grad[...] = value
        return da @ Wx.T, da @ Wh.T, ds * f


class TimeLSTM:
    def __init__(self, Wx, Wh, b, stateful=False):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(p) for p in self.params]
        self.layers = None
        self.h = self.c = self.dh = None
        self.stateful = stateful

    def forward(self, xs):
        Wx, Wh, b = self.params
        N, T, D = xs.shape
        H = Wh.shape[0]
        if not self.stateful or self.h is None:
            self.h = np.zeros((N, H), dtype="f")
        if not self.stateful or self.c is None:
            self.c = np.zeros((N, H), dtype="f")
        self.layers = [LSTM(*self.params) for _ in range(T)]
        hs = np.empty((N, T, H), dtype="f")
        for t, layer in enumerate(self.layers):
            self.h, self.c = layer.forward(xs[:, t], self.h, self.c)
            hs[:, t] = self.h
        return hs

    def backward(self, dhs):
        N, T, H = dhs.shape
        dxs = np.empty((N, T, self.params[0].shape[0]), dtype="f")
        dh, dc = 0, 0
        totals = [0, 0, 0]
        for t in reversed(range(T)):
            dxs[:, t], dh, dc = self.layers[t].backward(dhs[:, t] + dh, dc)
            totals = [total + grad for total, grad in zip(totals, self.layers[t].grads)]
        for grad, total in zip(self.grads, totals):
            grad[...] = total
        self.dh = dh
        return dxs

    def set_state(self, h, c=None):
        self.h, self.c = h, c

    def reset_state(self):
        self.h, self.c = None, None


class TimeEmbedding:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]
        self.layers = None
        self.W = W

    def forward(self, xs):
        self.layers = [Embedding(self.W) for _ in range(xs.shape[1])]
        return np.stack([layer.forward(xs[:, t]) for t, layer in enumerate(self.layers)], axis=1).astype("f")

    def backward(self, dout):
        total = 0
        for t, layer in enumerate(self.layers):
            layer.backward(dout[:, t])
            total = total + layer.grads[0]
        self.grads[0][...] = total


class TimeAffine:
    def __init__(self, W, b):
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        self.x = x
        rows = x.reshape(-1, x.shape[2]) @ self.params[0] + self.params[1]
        return rows.reshape(*x.shape[:2], -1)

    def backward(self, dout):
        rows, douts = self.x.reshape(-1, self.x.shape[2]), dout.reshape(-1, dout.shape[2])
        self.grads[0][...] = rows.T @ douts
        self.grads[1][...] = douts.sum(axis=0)
        return (douts @ self.params[0].T).reshape(self.x.shape)


class TimeDropout:
    def __init__(self, dropout_ratio=0.5):
        self.params, self.grads = [], []
        self.dropout_ratio = dropout_ratio
        self.mask = None
        self.train_flg = True

    def forward(self, xs):
        if not self.train_flg:
            return xs
        kept = np.random.rand(*xs.shape) > self.dropout_ratio
        self.mask = kept.astype(np.float32) / (1 - self.dropout_ratio)
        return xs * self.mask

    def backward(self, dout):
        return dout * self.mask


class TimeSoftmaxWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.cache = None
        self.ignore_label = -1

    def forward(self, xs, ts):
        N, T, V = xs.shape
        ys, ids = softmax(xs.reshape(-1, V)), ts.reshape(-1)
        counted = ids != self.ignore_label
        self.cache = ys, ids, counted, xs.shape
        return -np.sum(np.log(ys[np.arange(N * T), ids]) * counted) / counted.sum()

    def backward(self, dout=1):
        ys, ids, counted, shape = self.cache
        ys[np.arange(len(ids)), ids] -= 1
        ys *= dout * counted[:, None] / counted.sum()
        return ys.reshape(shape)
