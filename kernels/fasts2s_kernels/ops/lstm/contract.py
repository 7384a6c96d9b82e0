"""The part of the contract that is the LSTM layer. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array, Cache


class Lstm(Protocol):
    """The part of the contract that is the LSTM layer."""

    def lstm_forward(
        self,
        xs: Array,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        *,
        h0: Array | None = None,
        c0: Array | None = None,
        row_bias: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array, Array, Cache]:
        """Run one LSTM layer over a whole sequence.

        ``a_t = x_t Wx + h_{t-1} Wh + b + row_bias``, cut into the blocks f, g, i, o;
        ``c_t = sigmoid(f) c_{t-1} + tanh(g) sigmoid(i)``; ``h_t = sigmoid(o) tanh(c_t)``.

        Parameters
        ----------
        xs : (N, T, D)
        Wx : (D, 4H), Wh : (H, 4H), b : (4H,) or None
            Column blocks in the order f, g, i, o. ``None`` is a bias of zero.
        h0, c0 : (N, H) or None
            State before the first step; ``None`` is zero.
        row_bias : (N, 4H) or None
            Added at every step: the constant part of an input that does not change over time.
        mask : (N, T) bool or None
            Where False the step is padding: h and c pass through and ``xs[n, t]`` is not read.

        Returns
        -------
        hs : (N, T, H)
            h after every step (on padding: the h passed through).
        h, c : (N, H)
            State after the last step, in memory of their own.
        cache
            For :meth:`lstm_backward`.

        Raises
        ------
        ValueError
            Wrong type, dtype or shape, e.g. "Wh has shape (5, 20), expected (H, 4H) = (11, 44)".

        Notes
        -----
        Source: the book, section 6.3; Gers et al. 2000.
        """
        ...

    def lstm_backward(
        self,
        dhs: Array | None,
        Wx: Array,
        Wh: Array,
        cache: Cache,
        *,
        dh_last: Array | None = None,
        dc_last: Array | None = None,
        dWx: Array,
        dWh: Array,
        db: Array | None,
    ) -> tuple[Array, Array, Array, Array | None]:
        """Gradients of :meth:`lstm_forward`.

        Parameters
        ----------
        dhs : (N, T, H) or None
            Gradient of hs; ``None`` is zero.
        Wx, Wh
            The weights of the forward call.
        dh_last, dc_last : (N, H) or None
            Gradient of the last h and c, added to what ``dhs`` brings.
        dWx : (D, 4H), dWh : (H, 4H), db : (4H,) or None
            Overwritten with the gradients of the weights.

        Returns
        -------
        dxs : (N, T, D); dh0, dc0 : (N, H); drow_bias : (N, 4H), or None if the forward call had no row_bias.
        """
        ...

    def lstm_step(
        self,
        x: Array,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        *,
        h: Array,
        c: Array,
        row_bias: Array | None = None,
    ) -> tuple[Array, Array]:
        """One step of :meth:`lstm_forward` for inference: x (N, D), h, c (N, H) -> next h, c (N, H)."""
        ...

    def lstm_ids_forward(
        self,
        table: Array,
        ids: Array,
        Wh: Array,
        *,
        h0: Array | None = None,
        c0: Array | None = None,
        row_bias: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array, Array, Cache]:
        """Run one LSTM layer over sequences of ids: ``a_t = table[id_t] + h_{t-1} Wh + row_bias``.

        With ``table = W Wx + b`` this is :meth:`lstm_forward` on an embedding W, for a vocabulary so small that the
        products of all its words are fewer than those of the batch.

        Parameters
        ----------
        table : (V, 4H)
        ids : (N, T) integers, -V to V - 1; else IndexError
        Wh, h0, c0, row_bias, mask, and what is returned
            As for :meth:`lstm_forward`.
        """
        ...

    def lstm_ids_backward(
        self,
        dhs: Array | None,
        Wh: Array,
        cache: Cache,
        *,
        dh_last: Array | None = None,
        dc_last: Array | None = None,
        dtable: Array,
        dWh: Array,
    ) -> tuple[Array, Array, Array | None]:
        """Gradients of :meth:`lstm_ids_forward`: dtable (V, 4H) and dWh (H, 4H) are overwritten.

        Returns
        -------
        dh0, dc0 : (N, H); drow_bias : (N, 4H), or None if the forward call had no row_bias.
        """
        ...
