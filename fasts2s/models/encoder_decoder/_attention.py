"""Attention over the steps of an encoder. Sources: Luong et al. 2015 (dot, general), Bahdanau et al. 2015 (additive).

``prepare`` does once for a source what does not depend on the decoder; ``finish`` gives back the gradient of that.
"""

from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s.models.encoder_decoder._gradients import settle, written
from fasts2s_kernels.arrays import Array


class DotAttention:
    """Score ``h s``: of decoder state h and encoder state s, both (H,)."""

    def __init__(self, hidden_size: int, backend: Backend) -> None:
        self.backend = backend
        self.params: list[Array] = []
        self.grads: list[Array] = []

    def prepare(self, hs_enc: Array) -> Array | None:
        """hs_enc (N, S, H) -> keys, or None where the states are the keys."""
        return None

    def forward(self, hs: Array, hs_enc: Array, keys: Array | None, mask: Array | None) -> tuple[Array, Array, Any]:
        """hs (N, T, H), hs_enc (N, S, H), mask (N, S) bool -> context (N, T, H), weights (N, T, S), cache."""
        return self.backend.kernels_for(hs_enc).attention_forward(hs_enc, hs, mask=mask)

    def backward(self, dcontext: Array, cache: Any, add: bool = False) -> tuple[Array, Array, Array | None]:
        """dcontext (N, T, H) -> dhs (N, T, H), dhs_enc (N, S, H), dkeys or None."""
        dhs_enc, dhs = self.backend.kernels_for(dcontext).attention_backward(dcontext, cache)
        return dhs, dhs_enc, None

    def finish(self, dkeys: Array, hs_enc: Array) -> Array:
        """dkeys -> what it adds to dhs_enc; the gradient of the weights of the keys is written."""
        raise NotImplementedError("the states are the keys")


class GeneralAttention(DotAttention):
    """Score ``h W s``. W (H, H)."""

    def __init__(self, hidden_size: int, backend: Backend) -> None:
        super().__init__(hidden_size, backend)
        self.params = [init.draw(hidden_size, hidden_size, np.sqrt(hidden_size), backend)]
        self.grads = gradient_buffers(W=self.params[0])

    def forward(self, hs: Array, hs_enc: Array, keys: Array | None, mask: Array | None) -> tuple[Array, Array, Any]:
        """See :meth:`DotAttention.forward`."""
        (N, T, H), (W,) = hs.shape, self.params
        rows = hs.reshape(N * T, H)
        asked = self.backend.kernels_for(W).affine_forward(rows, W, None).reshape(N, T, H)
        context, weights, cache = super().forward(asked, hs_enc, keys, mask)
        return context, weights, (rows, cache)

    def backward(self, dcontext: Array, cache: Any, add: bool = False) -> tuple[Array, Array, Array | None]:
        """See :meth:`DotAttention.backward`."""
        rows, inner = cache
        dasked, dhs_enc, _ = super().backward(dcontext, inner)
        made = written(self.grads, add)
        kernels = self.backend.kernels_for(dasked)
        dhs = kernels.affine_backward(dasked.reshape(rows.shape), rows, self.params[0], dW=made[0], db=None)
        settle(self.grads, made, add)
        return dhs.reshape(dasked.shape), dhs_enc, None


class AdditiveAttention(DotAttention):
    """Score ``v tanh(h W + s U + b)``. W, U (H, H), b, v (H,)."""

    def __init__(self, hidden_size: int, backend: Backend) -> None:
        super().__init__(hidden_size, backend)
        H = hidden_size
        W, U = (init.draw(H, H, np.sqrt(H), backend) for _ in range(2))
        v = init.draw(1, H, np.sqrt(H), backend)[0]
        self.params = [W, init.zeros(H, backend), U, v]
        self.grads = gradient_buffers(W=W, b=self.params[1], U=U, v=v)

    def prepare(self, hs_enc: Array) -> Array:
        """hs_enc (N, S, H) -> keys ``s U`` (N, S, H)."""
        N, S, H = hs_enc.shape
        U = self.params[2]
        return self.backend.kernels_for(U).affine_forward(hs_enc.reshape(N * S, H), U, None).reshape(N, S, H)

    def finish(self, dkeys: Array, hs_enc: Array) -> Array:
        """See :meth:`DotAttention.finish`."""
        (N, S, H), U = hs_enc.shape, self.params[2]
        kernels = self.backend.kernels_for(U)
        rows = (dkeys.reshape(N * S, H), hs_enc.reshape(N * S, H))
        return kernels.affine_backward(*rows, U, dW=self.grads[2], db=None).reshape(N, S, H)

    def forward(self, hs: Array, hs_enc: Array, keys: Array | None, mask: Array | None) -> tuple[Array, Array, Any]:
        """See :meth:`DotAttention.forward`."""
        W, b, _, v = self.params
        N, T, H = hs.shape
        rows = hs.reshape(N * T, H)
        asked = self.backend.kernels_for(W).affine_forward(rows, W, b).reshape(N, T, H)
        weights = np.empty_like(hs, shape=(N, T, hs_enc.shape[1]))
        for t in range(T):  # all steps at once would be T times the memory of the keys
            weights[:, t] = _softmax(np.matmul(np.tanh(keys + asked[:, t, None]), v), mask)
        return np.matmul(weights, hs_enc), weights, (rows, asked, hs_enc, keys, weights)

    def backward(self, dcontext: Array, cache: Any, add: bool = False) -> tuple[Array, Array, Array | None]:
        """See :meth:`DotAttention.backward`."""
        W, _, _, v = self.params
        rows, asked, hs_enc, keys, weights = cache
        dhs_enc = np.matmul(weights.transpose(0, 2, 1), dcontext)
        dweights = np.matmul(dcontext, hs_enc.transpose(0, 2, 1))
        dscores = weights * (dweights - (weights * dweights).sum(axis=2, keepdims=True))
        dasked, dkeys, dv = np.empty_like(asked), np.zeros_like(keys), np.zeros_like(v)
        for t in range(asked.shape[1]):
            made = np.tanh(keys + asked[:, t, None])  # again: it was too large to keep
            dv += np.tensordot(dscores[:, t], made, axes=2)
            dsum = dscores[:, t, :, None] * v * (1 - made * made)
            dkeys += dsum
            dasked[:, t] = dsum.sum(axis=1)
        dW, db = made_grads = written(self.grads[:2], add)
        kernels = self.backend.kernels_for(W)
        dhs = kernels.affine_backward(dasked.reshape(rows.shape), rows, W, dW=dW, db=db).reshape(asked.shape)
        settle(self.grads[:2], made_grads, add)
        self.grads[3][...] = self.grads[3] + dv if add else dv
        return dhs, dhs_enc, dkeys


def _softmax(scores: Array, mask: Array | None) -> Array:
    """Return the softmax of scores (N, S) over places where mask is True, exactly 0 elsewhere."""
    if mask is None:
        made = np.exp(scores - scores.max(axis=1, keepdims=True))
        return made / made.sum(axis=1, keepdims=True)
    valid = np.where(mask, scores, -np.inf)
    highest = valid.max(axis=1, keepdims=True)
    made = np.exp(valid - np.where(np.isfinite(highest), highest, 0))
    total = made.sum(axis=1, keepdims=True)
    return made / np.where(total > 0, total, 1)  # a row of padding alone: zeros


ATTENTION = {"dot": DotAttention, "general": GeneralAttention, "additive": AdditiveAttention}
