"""Dot-product attention. Source: the book, section 8.1; Luong et al. 2015."""

from typing import Any

import numpy as np

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.softmax_with_loss import Softmax
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.either import as_float, inexact, require_same_side, saved
from fasts2s_kernels.quiet import quiet


def _encoder_states(hs: Any) -> Array:
    hs = inexact("hs", hs, "(N, T, H)")
    if hs.ndim != 3:
        raise ValueError(f"hs has shape {hs.shape}, expected (N, T, H)")
    return hs


class WeightSum:
    """Weighted sum of encoder states over time."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.cache: Any = None

    @quiet
    def forward(self, hs: AnyArray, a: AnyArray) -> Array:
        """hs : (N, T, H), a : (N, T) weights -> context (N, H). Raises ValueError."""
        states = _encoder_states(hs)
        weights = as_float("a", a, states.dtype, states.shape[:2], "(N, T)")
        require_same_side(hs=states, a=weights)
        self.cache = (states, weights)
        return np.matmul(weights[:, None, :], states)[:, 0]

    @quiet
    def backward(self, dc: AnyArray) -> tuple[Array, Array]:
        """dc : (N, H) -> dhs (N, T, H), da (N, T). Raises ValueError."""
        hs, a = saved(self.cache)
        d = as_float("dc", dc, hs.dtype, (hs.shape[0], hs.shape[2]), "(N, H)")
        require_same_side(hs=hs, dc=d)
        return a[:, :, None] * d[:, None, :], np.matmul(hs, d[:, :, None])[:, :, 0]


class AttentionWeight:
    """Softmax over time of the dot products of encoder states with one decoder state."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.softmax = Softmax()
        self.cache: Any = None

    @quiet
    def forward(self, hs: AnyArray, h: AnyArray) -> Array:
        """hs : (N, T, H), h : (N, H) -> weights (N, T), rows sum to 1. Raises ValueError."""
        states = _encoder_states(hs)
        asked = as_float("h", h, states.dtype, (states.shape[0], states.shape[2]), "(N, H)")
        require_same_side(hs=states, h=asked)
        self.cache = (states, asked)
        return self.softmax.forward(np.matmul(states, asked[:, :, None])[:, :, 0])

    @quiet
    def backward(self, da: AnyArray) -> tuple[Array, Array]:
        """da : (N, T) -> dhs (N, T, H), dh (N, H). Raises ValueError."""
        hs, h = saved(self.cache)
        ds = self.softmax.backward(as_float("da", da, hs.dtype, hs.shape[:2], "(N, T)"))
        return ds[:, :, None] * h[:, None, :], np.matmul(ds[:, None, :], hs)[:, 0]


class Attention:
    """Attention of one decoder step: weights, then the weighted sum."""

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.attention_weight_layer = AttentionWeight()
        self.weight_sum_layer = WeightSum()
        self.attention_weight: Array | None = None

    @quiet
    def forward(self, hs: AnyArray, h: AnyArray) -> Array:
        """hs : (N, T, H), h : (N, H) -> context (N, H). Raises ValueError."""
        a = self.attention_weight_layer.forward(hs, h)
        out = self.weight_sum_layer.forward(hs, a)
        self.attention_weight = a
        return out

    @quiet
    def backward(self, dout: AnyArray) -> tuple[Array, Array]:
        """dout : (N, H) -> dhs (N, T, H), dh (N, H). Raises ValueError."""
        dhs0, da = self.weight_sum_layer.backward(dout)
        dhs1, dh = self.attention_weight_layer.backward(da)
        return dhs0 + dhs1, dh


class TimeAttention:
    """Attention of every decoder step over all encoder steps, in one kernel call; ``layers`` stays None.

    Attributes
    ----------
    attention_weights : list of T arrays (N, S), or None
        One per decoder step, after forward.
    """

    def __init__(self, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.layers = None
        self.attention_weights: list[Array] | None = None
        self._cache: Any = None

    def forward(self, hs_enc: AnyArray, hs_dec: AnyArray, mask: AnyArray | None = None) -> Array:
        """Return the contexts (N, T, H).

        Parameters
        ----------
        hs_enc : (N, S, H)
        hs_dec : (N, T, H)
        mask : (N, S) bool or None
            Where False the encoder step is padding: weight exactly 0.

        Raises
        ------
        ValueError
            Wrong type, dtype or shape.
        """
        kernels = self.backend.kernels_for(hs_enc, hs_dec, mask)
        out, weights, cache = kernels.attention_forward(hs_enc, hs_dec, mask=mask)
        self._cache = (cache, hs_enc[:0])  # the last tells the kind of array
        self.attention_weights = [weights[:, t] for t in range(weights.shape[1])]
        return out

    def backward(self, dout: AnyArray) -> tuple[Array, Array]:
        """dout : (N, T, H) -> dhs_enc (N, S, H), fresh and writable, and dhs_dec (N, T, H). Raises ValueError."""
        cache, like = saved(self._cache)
        return self.backend.kernels_for(like).attention_backward(dout, cache)
