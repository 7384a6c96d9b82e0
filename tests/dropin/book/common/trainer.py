import numpy
from common.np import *
from common.util import clip_grads


def remove_duplicate(params, grads):
    params, grads = params[:], grads[:]
    for i in range(len(params)):
        for j in reversed(range(i + 1, len(params))):
            turned = params[i].ndim == params[j].ndim == 2 and params[i].T.shape == params[j].shape
            if params[i] is params[j]:
                grads[i] += grads[j]
            elif turned and np.all(params[j] == params[i].T):
                grads[i] += grads[j].T
            else:
                continue
            del params[j], grads[j]
    return params, grads


class Trainer:
    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.loss_list = []

    def fit(self, x, t, max_epoch=1, batch_size=32, max_grad=None):
        for epoch in range(max_epoch):
            order = numpy.random.permutation(numpy.arange(len(x)))
            x, t = x[order], t[order]
            for k in range(len(x) // batch_size):
                here = slice(k * batch_size, (k + 1) * batch_size)
                loss = self.model.forward(x[here], t[here])
                self.model.backward()
                params, grads = remove_duplicate(self.model.params, self.model.grads)
                if max_grad is not None:
                    clip_grads(grads, max_grad)
                self.optimizer.update(params, grads)
                self.loss_list.append(float(loss))
            print("| epoch %d | loss %.3f" % (epoch + 1, loss))


class RnnlmTrainer:
    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.time_idx = None

    def get_batch(self, x, t, batch_size, time_size):
        xs = np.empty((batch_size, time_size), dtype="i")
        ts = np.empty((batch_size, time_size), dtype="i")
        for k in range(time_size):
            for i in range(batch_size):
                place = (i * (len(x) // batch_size) + self.time_idx) % len(x)
                xs[i, k], ts[i, k] = x[place], t[place]
            self.time_idx += 1
        return xs, ts
