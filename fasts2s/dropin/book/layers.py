"""Layers of the book that differ from ours in what they take, or in what they keep by reference until backward."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fasts2s import layers
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import is_cupy
from fasts2s_kernels.checks.either import saved
from fasts2s_kernels.quiet import quiet

Methods = dict[str, Callable[..., Any]]


def _recurrent(methods: Mapping[str, Any], *state: str) -> Methods:
    """Return methods that leave h, c and dh in the dtype that the book computes them in.

    That is the widest of all that comes, such as float64 of a reader's data; ours compute in that of the weights.
    """
    ours_forward, ours_backward = methods["forward"], methods["backward"]

    def forward(self: Any, xs: Array) -> Array:
        held = [getattr(self, name) for name in state] if self.stateful else []
        hs: Array = ours_forward(self, xs)
        if xs.dtype != self.h.dtype or any(a is not None and a.dtype != self.h.dtype for a in held):
            given = [a.dtype for a in (xs, *held) if a is not None and (a is not xs or xs.shape[1])]
            for name in state:
                _widen(self, name, *given)
        return hs

    def backward(self: Any, dhs: Array) -> Array:
        dxs: Array = ours_backward(self, dhs)
        if not dhs.dtype == self.h.dtype == self.dh.dtype and dhs.shape[1]:
            _widen(self, "dh", dhs.dtype, self.h.dtype)
        return dxs

    return {"forward": forward, "backward": backward}


def _widen(obj: Any, name: str, *dtypes: Any) -> None:
    value = getattr(obj, name)
    setattr(obj, name, value.astype(np.result_type(value.dtype, *dtypes), copy=False))


TIME_RNN = _recurrent(vars(layers.TimeRNN), "h")
TIME_LSTM = _recurrent(vars(layers.TimeLSTM), "h", "c")


def _gru_forward(self: Any, xs: Array) -> Array:
    """TimeGRU of both editions; the Korean one has no bias, and no lists of parameters and gradients."""
    if hasattr(self, "params"):
        out: Array = layers.TimeGRU.forward(self, xs)
        return out
    kernels = self.backend.kernels_for(xs, self.Wx)
    hs, self.h, self._cache = kernels.gru_forward(xs, self.Wx, self.Wh, None, h0=self.h if self.stateful else None)
    return self.backend.output(hs)


def _gru_backward(self: Any, dhs: Array) -> Array:
    if hasattr(self, "params"):
        dxs: Array = layers.TimeGRU.backward(self, dhs)
        return dxs
    kernels = self.backend.kernels_for(dhs, self.Wx)
    dWx, dWh = kernels.xp.zeros_like(self.Wx), kernels.xp.zeros_like(self.Wh)
    dxs, dh, _ = kernels.gru_backward(dhs, self.Wx, self.Wh, self._cache, dWx=dWx, dWh=dWh, db=None)
    self.dWx, self.dWh, self.dh = dWx, dWh, dh
    return self.backend.output(dxs)


TIME_GRU = _recurrent({"forward": _gru_forward, "backward": _gru_backward}, "h")


def _embedding_forward(self: Any, xs: Array) -> Array:
    out = layers.TimeEmbedding.forward(self, xs)
    if not is_cupy(self._cache):
        self._cache = xs
    return out


TIME_EMBEDDING: Methods = {"forward": _embedding_forward, "backward": layers.TimeEmbedding.backward}


def _attention_forward(self: Any, hs_enc: Array, hs_dec: Array, mask: Array | None = None) -> Array:
    out = layers.TimeAttention.forward(self, hs_enc, hs_dec, mask)
    self._cache = (self._cache, hs_enc, hs_dec)
    return out


def _attention_backward(self: Any, dout: Array) -> tuple[Array, Array]:
    whole, hs_enc, hs_dec = saved(self._cache)
    for kept, given in zip(whole[0], (hs_enc, hs_dec), strict=False):
        if kept is not given:  # it had to be converted
            kept[...] = given
    self._cache = whole
    try:
        return layers.TimeAttention.backward(self, dout)
    finally:
        self._cache = (whole, hs_enc, hs_dec)


TIME_ATTENTION: Methods = {"forward": _attention_forward, "backward": _attention_backward}


class _Labels:
    """Labels (N, T) as the book keeps them, a view of the given ones where it can be one, and as they were."""

    def __init__(self, ts: Array, ignore_label: int) -> None:
        self.now = (ts.argmax(axis=2) if ts.ndim == 3 else ts).reshape(-1)
        self.then, self.counted = self.now.copy(), self.now != ignore_label

    def follow(self, dxs: Array, dout: float) -> None:
        """Change a gradient (R, V) by what labels have changed since."""
        if is_cupy(self.now) or np.array_equal(self.now, self.then):
            return
        rows = np.arange(self.now.size)
        step = self.counted * (dout / self.counted.sum())
        dxs[rows, self.then] += step
        dxs[rows, self.now] -= step


def _loss_forward(self: Any, xs: Array, ts: Array) -> Any:
    self._cache = None  # its arrays are as large as those that are made now
    labels = _Labels(ts, self.ignore_label)
    loss = layers.TimeSoftmaxWithLoss.forward(self, xs, labels.then.reshape(ts.shape[:2]))
    self._cache = (self._cache, labels, None)
    return loss


@quiet
def _loss_backward(self: Any, dout: float = 1) -> Array:
    whole, labels, given = saved(self._cache)
    if given is None:
        self._cache = whole
        try:
            given = layers.TimeSoftmaxWithLoss.backward(self, dout)
        finally:
            self._cache = (whole, labels, None)
        labels.follow(given.reshape(labels.now.size, -1), dout)
        self._cache = (None, labels, given)
        return given
    # The book's backward works in the probabilities that forward has left: a second one goes on from the first.
    dx, counted = given.reshape(labels.now.size, -1), labels.counted
    dx[np.arange(len(dx)), labels.now] -= 1
    dx *= dout
    dx /= counted.sum()
    dx *= counted[:, None]
    return given


def loss_after_backward(obj: Any, kept: Any, names: tuple[str, ...]) -> None:
    """Have the probabilities in attributes (of the book: cache) be the gradient, as the book's backward does."""
    given = None if kept is None else kept[2]
    if given is not None:
        vars(obj).update({name: _with_gradient(vars(obj)[name], given) for name in names if name in vars(obj)})


def _with_gradient(value: Any, given: Array) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_with_gradient(part, given) for part in value)
    if hasattr(value, "__dict__"):  # a layer that a reader has made a part of his
        vars(value).update({name: _with_gradient(part, given) for name, part in vars(value).items()})
    is_it = hasattr(value, "dtype") and value.dtype.kind == "f" and value.ndim >= 2 and value.size == given.size
    return given.reshape(value.shape) if is_it else value


def _sigmoid_loss_backward(self: Any, dout: float = 1) -> Array:
    dxs: Array = layers.TimeSigmoidWithLoss.backward(self, dout)
    return dxs.astype("f", copy=False)


TIME_SIGMOID_WITH_LOSS: Methods = {
    "forward": layers.TimeSigmoidWithLoss.forward,
    "backward": _sigmoid_loss_backward,
}
TIME_SOFTMAX_WITH_LOSS: Methods = {"forward": _loss_forward, "backward": _loss_backward}
