"""Recurrent layers of any cell that get their state and have none of their own: a sequence may come in pieces."""

from typing import Any, TypeAlias

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s.models.encoder_decoder._gradients import settle, written
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import weight

#: (h, c) of an LSTM, (h,) of other cells, each (N, H); None is zero.
State: TypeAlias = tuple[Array | None, ...]


def no_state(cell: str) -> State:
    """Return the state before the first step."""
    return (None, None) if cell == "lstm" else (None,)


class Recurrent:
    """One layer in one direction. Wx (C + D, gH), Wh (H, gH), b (gH,).

    The first C inputs do not change over time: what they add to the gates, :meth:`bias`, is computed once.
    """

    def __init__(
        self, cell: str, input_size: int, hidden_size: int, backend: Backend, constant_size: int = 0
    ) -> None:
        self.cell, self.backend, self.constant_size = cell, backend, constant_size
        Wx, Wh, b = init.recurrent(init.GATES[cell], constant_size + input_size, hidden_size, backend)
        if cell == "lstm":
            b[:hidden_size] = 1  # the forget gate begins open: Jozefowicz et al. 2015
        self.params = [Wx, Wh, b]
        self.grads = gradient_buffers(Wx=Wx, Wh=Wh, b=b)

    def bias(self, constant: Array) -> Array:
        """Return what constant inputs (N, C) add to the gates of every step: (N, gH)."""
        Wx = self._rows(self.params[0])[: self.constant_size]
        return self.backend.kernels_for(Wx).affine_forward(constant, Wx, None)

    def bias_backward(self, dbias: Array, constant: Array) -> Array:
        """Return the gradient of constant (N, C); that of its weights is written."""
        C, Wx = self.constant_size, self._rows(self.params[0])
        kernels = self.backend.kernels_for(Wx)
        return kernels.affine_backward(dbias, constant, Wx[:C], dW=self.grads[0][:C], db=None)

    def forward(
        self, xs: Array, state: State, mask: Array | None = None, bias: Array | None = None
    ) -> tuple[Array, State, Any]:
        """xs (N, T, D), mask (N, T) bool, False on padding, bias (N, gH) -> hs (N, T, H), last state, cache."""
        Wx, Wh, b = self._weights()
        kernels = self.backend.kernels_for(Wx)
        if self.cell == "lstm":
            h0, c0 = state
            hs, h, c, cache = kernels.lstm_forward(xs, Wx, Wh, b, h0=h0, c0=c0, row_bias=bias, mask=mask)
            return hs, (h, c), cache
        forward = kernels.gru_forward if self.cell == "gru" else kernels.rnn_forward
        hs, h, cache = forward(xs, Wx, Wh, b, h0=state[0], row_bias=bias, mask=mask)
        return hs, (h,), cache

    def backward(
        self, dhs: Array | None, dstate: State, cache: Any, add: bool = False
    ) -> tuple[Array, State, Array | None]:
        """Gradients of :meth:`forward`: dhs (N, T, H), that of the last state -> dxs, of the first state, dbias.

        ``add``: those of the weights are added to what is there.
        """
        Wx, Wh, _ = self._weights()
        C = self.constant_size
        grads = [self.grads[0][C:] if C else self.grads[0], *self.grads[1:]]
        dWx, dWh, db = made = written(grads, add)
        kernels = self.backend.kernels_for(Wx)
        first: State
        if self.cell == "lstm":
            dh, dc = dstate
            dxs, dh0, dc0, dbias = kernels.lstm_backward(
                dhs, Wx, Wh, cache, dh_last=dh, dc_last=dc, dWx=dWx, dWh=dWh, db=db
            )
            first = (dh0, dc0)
        else:
            backward = kernels.gru_backward if self.cell == "gru" else kernels.rnn_backward
            dxs, dh0, dbias = backward(dhs, Wx, Wh, cache, dh_last=dstate[0], dWx=dWx, dWh=dWh, db=db)
            first = (dh0,)
        settle(grads, made, add)
        return dxs, first, dbias

    def step(self, x: Array, state: State, bias: Array | None = None) -> tuple[Array, State]:
        """One step for inference: x (N, D), state, bias (N, gH) -> h (N, H), next state."""
        Wx, Wh, b = self._weights()
        kernels = self.backend.kernels_for(Wx)
        h0: Any = state[0]
        if self.cell == "lstm":
            c0: Any = state[1]
            h, c = kernels.lstm_step(x, Wx, Wh, b, h=h0, c=c0, row_bias=bias)
            return h, (h, c)
        step = kernels.gru_step if self.cell == "gru" else kernels.rnn_step
        h = step(x, Wx, Wh, b, h=h0, row_bias=bias)
        return h, (h,)

    def table(self, W: Array) -> Array | None:
        """Return what words, rows of W (V, D), bring to the gates: (V, gH), for :meth:`step_of_words`; or None."""
        if self.cell != "lstm":
            return None
        Wx, _, b = self._weights()
        return self.backend.kernels_for(Wx).affine_forward(W, Wx, b)

    def step_of_words(self, ids: Array, table: Array, state: State, bias: Array | None = None) -> tuple[Array, State]:
        """As :meth:`step`, of words ids (N,) whose products with Wx stand in a table."""
        h0: Any = state[0]
        c0: Any = state[1]
        _, Wh, _ = self._weights()
        h, c = self.backend.kernels_for(Wh).lstm_ids_step(table, ids, Wh, h=h0, c=c0, row_bias=bias)
        return h, (h, c)

    def _weights(self) -> tuple[Array, Array, Array]:
        Wx, Wh, b = self.params
        return self._rows(Wx)[self.constant_size :], Wh, b

    def _rows(self, Wx: Array) -> Array:
        return weight("Wx", Wx, "(C + D, gH)", 2)


class Bidirectional:
    """Two layers of half the units side by side, the second on the reversed sequence; outputs and states are joined.

    It has no ``step``: the second begins at the end of the sequence.
    """

    def __init__(self, cell: str, input_size: int, hidden_size: int, backend: Backend) -> None:
        self.cell = cell
        self.there, self.back = (Recurrent(cell, input_size, hidden_size // 2, backend) for _ in range(2))
        self.params, self.grads = self.there.params + self.back.params, self.there.grads + self.back.grads

    def forward(
        self, xs: Array, state: State, mask: Array | None = None, bias: Array | None = None
    ) -> tuple[Array, State, Any]:
        """xs (N, T, D), mask (N, T) bool -> hs (N, T, H), last states of both, cache. state, bias : nothing."""
        hs1, state1, cache1 = self.there.forward(xs, no_state(self.cell), mask)
        turned = None if mask is None else mask[:, ::-1]
        hs2, state2, cache2 = self.back.forward(xs[:, ::-1], no_state(self.cell), turned)
        pairs: Any = zip(state1, state2, strict=True)
        joined = tuple(np.concatenate(pair, axis=1) for pair in pairs)
        return np.concatenate((hs1, hs2[:, ::-1]), axis=2), joined, (cache1, cache2)

    def backward(
        self, dhs: Array | None, dstate: State, cache: Any, add: bool = False
    ) -> tuple[Array, State, Array | None]:
        """Gradients of :meth:`forward`: dhs (N, T, H), that of the last state -> dxs, nothing, nothing."""
        H = self.there.params[1].shape[0]
        dhs1, dhs2 = (None, None) if dhs is None else (dhs[:, :, :H], dhs[:, ::-1, H:])
        halves = [(None, None) if d is None else (d[:, :H], d[:, H:]) for d in dstate]
        dxs1, _, _ = self.there.backward(dhs1, tuple(half[0] for half in halves), cache[0], add)
        dxs2, _, _ = self.back.backward(dhs2, tuple(half[1] for half in halves), cache[1], add)
        return dxs1 + dxs2[:, ::-1], no_state(self.cell), None
