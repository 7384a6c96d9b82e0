"""The part of the contract that is the Elman RNN layer. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array, Cache


class Rnn(Protocol):
    """The part of the contract that is the Elman RNN layer."""

    def rnn_forward(
        self,
        xs: Array,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        *,
        h0: Array | None = None,
        row_bias: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array, Cache]:
        """Run one Elman RNN layer: ``h_t = tanh(h_{t-1} Wh + x_t Wx + b)``. As :meth:`lstm_forward`, one block.

        Wx (D, H), Wh (H, H), b (H,), row_bias (N, H). Returns hs (N, T, H), h (N, H), cache.

        Notes
        -----
        Source: the book, section 5.3.
        """
        ...

    def rnn_backward(
        self,
        dhs: Array | None,
        Wx: Array,
        Wh: Array,
        cache: Cache,
        *,
        dh_last: Array | None = None,
        dWx: Array,
        dWh: Array,
        db: Array | None,
    ) -> tuple[Array, Array, Array | None]:
        """Gradients of :meth:`rnn_forward`: returns dxs (N, T, D), dh0 (N, H), drow_bias (N, H) or None."""
        ...

    def rnn_step(
        self, x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None
    ) -> Array:
        """One step of :meth:`rnn_forward` for inference: x (N, D), h (N, H) -> next h (N, H)."""
        ...
