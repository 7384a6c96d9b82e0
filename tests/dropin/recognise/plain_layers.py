"""The six time layers and three plain ones as a reader may type them, in one file: what variations are made of."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(scores):
    shifted = scores - np.max(scores, axis=-1, keepdims=True)
    powers = np.exp(shifted)
    return powers / np.sum(powers, axis=-1, keepdims=True)


class RNN:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.saved = None

    def forward(self, x, before):
        Wx, Wh, b = self.params
        after = np.tanh(np.dot(x, Wx) + np.dot(before, Wh) + b)
        self.saved = (x, before, after)
        return after

    def backward(self, d_after):
        Wx, Wh, b = self.params
        x, before, after = self.saved
        d_sum = d_after * (1 - after * after)
        self.grads[0][...] = np.dot(x.T, d_sum)
        self.grads[1][...] = np.dot(before.T, d_sum)
        self.grads[2][...] = np.sum(d_sum, axis=0)
        return np.dot(d_sum, Wx.T), np.dot(d_sum, Wh.T)


class TimeRNN:
    def __init__(self, Wx, Wh, b, stateful=False):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.steps = None
        self.h = None
        self.dh = None
        self.stateful = stateful

    def forward(self, xs):
        batch, length, width = xs.shape
        size = self.params[1].shape[0]
        self.steps = []
        outputs = np.zeros((batch, length, size), dtype="f")
        if not self.stateful or self.h is None:
            self.h = np.zeros((batch, size), dtype="f")
        for t in range(length):
            step = RNN(*self.params)
            self.h = step.forward(xs[:, t, :], self.h)
            outputs[:, t, :] = self.h
            self.steps.append(step)
        return outputs

    def backward(self, d_outputs):
        batch, length, size = d_outputs.shape
        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype="f")
        dh = 0
        sums = [0, 0, 0]
        for t in reversed(range(length)):
            d_inputs[:, t, :], dh = self.steps[t].backward(d_outputs[:, t, :] + dh)
            for k in range(3):
                sums[k] = sums[k] + self.steps[t].grads[k]
        for k in range(3):
            self.grads[k][...] = sums[k]
        self.dh = dh
        return d_inputs

    def set_state(self, h):
        self.h = h

    def reset_state(self):
        self.h = None


class LSTM:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.saved = None

    def forward(self, x, h_old, c_old):
        Wx, Wh, b = self.params
        H = Wh.shape[0]
        total = np.dot(x, Wx) + np.dot(h_old, Wh) + b
        forget = sigmoid(total[:, :H])
        gain = np.tanh(total[:, H : 2 * H])
        enter = sigmoid(total[:, 2 * H : 3 * H])
        leave = sigmoid(total[:, 3 * H :])
        c_new = forget * c_old + gain * enter
        h_new = leave * np.tanh(c_new)
        self.saved = (x, h_old, c_old, forget, gain, enter, leave, c_new)
        return h_new, c_new

    def backward(self, dh_new, dc_new):
        Wx, Wh, b = self.params
        x, h_old, c_old, forget, gain, enter, leave, c_new = self.saved
        bent = np.tanh(c_new)
        dc = dc_new + dh_new * leave * (1 - bent**2)
        d_forget = dc * c_old * forget * (1 - forget)
        d_gain = dc * enter * (1 - gain**2)
        d_enter = dc * gain * enter * (1 - enter)
        d_leave = dh_new * bent * leave * (1 - leave)
        d_total = np.hstack((d_forget, d_gain, d_enter, d_leave))
        self.grads[0][...] = np.dot(x.T, d_total)
        self.grads[1][...] = np.dot(h_old.T, d_total)
        self.grads[2][...] = d_total.sum(axis=0)
        return np.dot(d_total, Wx.T), np.dot(d_total, Wh.T), dc * forget


class TimeLSTM:
    def __init__(self, Wx, Wh, b, stateful=False):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.steps = None
        self.h, self.c = None, None
        self.dh = None
        self.stateful = stateful

    def forward(self, xs):
        batch, length, width = xs.shape
        size = self.params[1].shape[0]
        self.steps = []
        outputs = np.zeros((batch, length, size), dtype="f")
        if not self.stateful or self.h is None:
            self.h = np.zeros((batch, size), dtype="f")
        if not self.stateful or self.c is None:
            self.c = np.zeros((batch, size), dtype="f")
        for t in range(length):
            step = LSTM(*self.params)
            self.h, self.c = step.forward(xs[:, t, :], self.h, self.c)
            outputs[:, t, :] = self.h
            self.steps.append(step)
        return outputs

    def backward(self, d_outputs):
        batch, length, size = d_outputs.shape
        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype="f")
        dh, dc = 0, 0
        sums = [0, 0, 0]
        for t in reversed(range(length)):
            d_inputs[:, t, :], dh, dc = self.steps[t].backward(d_outputs[:, t, :] + dh, dc)
            for k, grad in enumerate(self.steps[t].grads):
                sums[k] += grad
        for k, total in enumerate(sums):
            self.grads[k][...] = total
        self.dh = dh
        return d_inputs

    def set_state(self, h, c=None):
        self.h, self.c = h, c

    def reset_state(self):
        self.h, self.c = None, None


class Embedding:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.idx = None

    def forward(self, idx):
        self.idx = idx
        return self.params[0][idx]

    def backward(self, d_rows):
        table = self.grads[0]
        table[...] = 0
        np.add.at(table, self.idx, d_rows)


class TimeEmbedding:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.steps = None
        self.W = W

    def forward(self, xs):
        batch, length = xs.shape
        rows = np.zeros((batch, length, self.W.shape[1]), dtype="f")
        self.steps = []
        for t in range(length):
            step = Embedding(self.W)
            rows[:, t, :] = step.forward(xs[:, t])
            self.steps.append(step)
        return rows

    def backward(self, d_rows):
        table = 0
        for t in range(d_rows.shape[1]):
            self.steps[t].backward(d_rows[:, t, :])
            table += self.steps[t].grads[0]
        self.grads[0][...] = table


class Affine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b

    def backward(self, d_out):
        self.grads[0][...] = np.dot(self.x.T, d_out)
        self.grads[1][...] = np.sum(d_out, axis=0)
        return np.dot(d_out, self.params[0].T)


class TimeAffine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        batch, length, width = x.shape
        W, b = self.params
        self.x = x
        return (np.dot(x.reshape(batch * length, -1), W) + b).reshape(batch, length, -1)

    def backward(self, d_out):
        batch, length, width = self.x.shape
        W, b = self.params
        d_rows = d_out.reshape(batch * length, -1)
        rows = self.x.reshape(batch * length, -1)
        self.grads[0][...] = np.dot(rows.T, d_rows)
        self.grads[1][...] = np.sum(d_rows, axis=0)
        return np.dot(d_rows, W.T).reshape(self.x.shape)


class TimeSoftmaxWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.saved = None
        self.ignore_label = -1

    def forward(self, xs, ts):
        batch, length, words = xs.shape
        if ts.ndim == 3:
            ts = ts.argmax(axis=2)
        counted = ts != self.ignore_label
        scores = xs.reshape(batch * length, words)
        labels = ts.reshape(batch * length)
        counted = counted.reshape(batch * length)
        shares = softmax(scores)
        logs = np.log(shares[np.arange(batch * length), labels])
        logs *= counted
        loss = -np.sum(logs)
        loss /= counted.sum()
        self.saved = (labels, shares, counted, (batch, length, words))
        return loss

    def backward(self, dout=1):
        labels, shares, counted, (batch, length, words) = self.saved
        change = shares
        change[np.arange(batch * length), labels] -= 1
        change *= dout
        change /= counted.sum()
        change *= counted[:, np.newaxis]
        return change.reshape((batch, length, words))


class Softmax:
    def __init__(self):
        self.params, self.grads = [], []
        self.out = None

    def forward(self, x):
        self.out = softmax(x)
        return self.out

    def backward(self, d_out):
        change = self.out * d_out
        change -= self.out * np.sum(change, axis=1, keepdims=True)
        return change


class Attention:
    def __init__(self):
        self.params, self.grads = [], []
        self.softmax = Softmax()
        self.attention_weight = None
        self.saved = None

    def forward(self, hs, h):
        batch, length, size = hs.shape
        asked = h.reshape(batch, 1, size)
        weights = self.softmax.forward(np.sum(hs * asked, axis=2))
        shares = weights.reshape(batch, length, 1)
        self.saved = (hs, asked, shares)
        self.attention_weight = weights
        return np.sum(hs * shares, axis=1)

    def backward(self, d_out):
        hs, asked, shares = self.saved
        batch, length, size = hs.shape
        spread = d_out.reshape(batch, 1, size).repeat(length, axis=1)
        d_scores = self.softmax.backward(np.sum(spread * hs, axis=2))
        d_scores = d_scores.reshape(batch, length, 1).repeat(size, axis=2)
        d_hs = spread * shares + d_scores * asked
        return d_hs, np.sum(d_scores * hs, axis=1)


class TimeAttention:
    def __init__(self):
        self.params, self.grads = [], []
        self.steps = None
        self.attention_weights = None

    def forward(self, hs_enc, hs_dec):
        batch, length, size = hs_dec.shape
        out = np.zeros_like(hs_dec)
        self.steps = []
        self.attention_weights = []
        for t in range(length):
            step = Attention()
            out[:, t, :] = step.forward(hs_enc, hs_dec[:, t, :])
            self.steps.append(step)
            self.attention_weights.append(step.attention_weight)
        return out

    def backward(self, d_out):
        batch, length, size = d_out.shape
        d_enc = 0
        d_dec = np.zeros_like(d_out)
        for t in range(length):
            d_hs, d_h = self.steps[t].backward(d_out[:, t, :])
            d_enc += d_hs
            d_dec[:, t, :] = d_h
        return d_enc, d_dec


class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for p, g in zip(params, grads):
            p -= self.lr * g


class Momentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum = lr, momentum
        self.v = None

    def update(self, params, grads):
        if self.v is None:
            self.v = [np.zeros_like(p) for p in params]
        for k in range(len(params)):
            self.v[k] *= self.momentum
            self.v[k] -= self.lr * grads[k]
            params[k] += self.v[k]


class AdaGrad:
    def __init__(self, lr=0.01):
        self.lr = lr
        self.h = None

    def update(self, params, grads):
        if self.h is None:
            self.h = [np.zeros_like(p) for p in params]
        for p, g, h in zip(params, grads, self.h):
            h += g**2
            p -= self.lr * g / (np.sqrt(h) + 1e-7)


class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.iter = 0
        self.m, self.v = None, None

    def update(self, params, grads):
        if self.m is None:
            self.m = [np.zeros_like(p) for p in params]
            self.v = [np.zeros_like(p) for p in params]
        self.iter += 1
        rate = self.lr * np.sqrt(1 - self.beta2**self.iter) / (1 - self.beta1**self.iter)
        for k in range(len(params)):
            self.m[k] = self.beta1 * self.m[k] + (1 - self.beta1) * grads[k]
            self.v[k] = self.beta2 * self.v[k] + (1 - self.beta2) * grads[k] ** 2
            params[k] -= rate * self.m[k] / (np.sqrt(self.v[k]) + 1e-7)
