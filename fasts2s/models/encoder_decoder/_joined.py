"""What attention makes of a decoder's output: ``tanh((context, h) W)``. Source: Luong et al. 2015, equation 5."""

from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s.models.encoder_decoder._attention import DotAttention
from fasts2s.models.encoder_decoder._encoder import Read
from fasts2s.models.encoder_decoder._gradients import settle, written
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import weight


class Joined:
    """Parameters: those of the attention, then W (2H, P)."""

    def __init__(self, attention: DotAttention, hidden_size: int, joined_size: int, backend: Backend) -> None:
        self.attention, self.backend = attention, backend
        W = init.draw(2 * hidden_size, joined_size, np.sqrt(2 * hidden_size), backend)
        self._own = gradient_buffers(W=W)
        self.params, self.grads = [*attention.params, W], [*attention.grads, *self._own]

    def forward(self, hs: Array, read: Read, keys: Array | None) -> tuple[Array, Array, Any]:
        """hs (N, T, H) -> (N, T, P), weights (N, T, S), cache."""
        context, weights, cache = self.attention.forward(hs, read.hs, keys, read.mask)
        W = weight("W", self.params[-1], "(2H, P)", 2)
        rows = np.concatenate((context, hs), axis=2).reshape(-1, W.shape[0])
        out = self.backend.kernels_for(W).affine_forward(rows, W, None)
        np.tanh(out, out=out)
        return out.reshape(*hs.shape[:2], W.shape[1]), weights, (rows, out, cache)

    def backward(self, dout: Array, cache: Any, add: bool) -> tuple[Array, Array, Array | None]:
        """dout (N, T, P) -> dhs (N, T, H), dhs_enc (N, S, H), gradient of the keys or None."""
        rows, out, inner = cache
        W, (N, T, P) = self.params[-1], dout.shape
        H = W.shape[0] // 2
        made = written(self._own, add)
        drows = self.backend.kernels_for(W).affine_backward(
            dout.reshape(N * T, P) * (1 - out * out), rows, W, dW=made[0], db=None
        )
        settle(self._own, made, add)
        d = drows.reshape(N, T, 2 * H)
        dhs, dhs_enc, dkeys = self.attention.backward(d[:, :, :H], inner, add)
        return dhs + d[:, :, H:], dhs_enc, dkeys
