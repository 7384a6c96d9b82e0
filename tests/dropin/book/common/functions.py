from common.np import *


def sigmoid(x):
    e = np.exp(-x)
    return 1 / (e + 1)


def softmax(x):
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)
