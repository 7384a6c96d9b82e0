"""A small convolutional network that makes a map of features of a picture."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend
from fasts2s.layers import Convolution, Pooling, Relu
from fasts2s_kernels.arrays import Array


class Backbone:
    """3 x 3 convolutions, each with a ReLU, and pooling of 2 x 2 between them. Weights: He et al. 2015.

    channels : of the picture, then the number of filters of every convolution.
    """

    def __init__(self, channels: Sequence[int], backend: Backend) -> None:
        self.layers: list[Any] = []
        for C, M in pairwise(channels):
            if self.layers:
                self.layers.append(Pooling(2, 2, stride=2, backend=backend))
            W = init.draw(M, 9 * C, np.sqrt(9 * C / 2), backend).reshape(M, C, 3, 3)
            self.layers += [Convolution(W, init.zeros(M, backend), pad=1, backend=backend), Relu()]
        self.params = [p for layer in self.layers for p in layer.params]
        self.grads = [g for layer in self.layers for g in layer.grads]

    @staticmethod
    def map_sides(height: int, width: int, convolutions: int) -> tuple[int, int]:
        """Return the sides of the map of a picture."""
        halved = max(convolutions - 1, 0)
        return height >> halved, width >> halved

    def forward(self, x: Array) -> Array:
        """x : pictures (N, C, H, W) -> maps (N, M, H', W')."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout: Array) -> Array:
        """dout : (N, M, H', W') -> dx (N, C, H, W)."""
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout
