"""The part of the contract that is the GRU layer. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array, Cache


class Gru(Protocol):
    """The part of the contract that is the GRU layer."""

    def gru_forward(
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
        """Run one GRU layer over a whole sequence. As :meth:`lstm_forward` with three blocks z, r, n.

        ``z = sigmoid(x Wx_z + h Wh_z + b_z)``, r likewise, ``n = tanh(x Wx_n + (r h) Wh_n + b_n)``,
        ``h' = (1 - z) h + z n``. Wx (D, 3H), Wh (H, 3H), b (3H,), row_bias (N, 3H).

        Returns
        -------
        hs : (N, T, H); h : (N, H); cache

        Notes
        -----
        Source: the book, appendix C. The reset gate acts before the product with Wh_n, as in Cho et al. 2014;
        cuDNN and PyTorch apply it after the product.
        """
        ...

    def gru_backward(
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
        """Gradients of :meth:`gru_forward`: returns dxs (N, T, D), dh0 (N, H), drow_bias (N, 3H) or None."""
        ...

    def gru_step(
        self, x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None
    ) -> Array:
        """One step of :meth:`gru_forward` for inference: x (N, D), h (N, H) -> next h (N, H)."""
        ...
