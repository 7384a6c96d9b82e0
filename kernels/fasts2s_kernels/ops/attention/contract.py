"""The part of the contract that is dot-product attention. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array, Cache


class Attention(Protocol):
    """The part of the contract that is dot-product attention."""

    def attention_forward(
        self, hs_enc: Array, hs_dec: Array, *, mask: Array | None = None
    ) -> tuple[Array, Array, Cache]:
        """Dot-product attention of every decoder step over all encoder steps.

        Parameters
        ----------
        hs_enc : (N, S, H)
        hs_dec : (N, T, H)
        mask : (N, S) bool or None
            Where False the encoder step is padding: its weight is exactly 0 and it is not read. A row with no
            valid step has weights 0 and context 0.

        Returns
        -------
        context : (N, T, H); weights : (N, T, S), rows sum to 1; cache

        Notes
        -----
        Source: the book, section 8.1; Luong et al. 2015, score "dot".
        """
        ...

    def attention_backward(self, dout: Array, cache: Cache) -> tuple[Array, Array]:
        """Gradients of :meth:`attention_forward`: dout (N, T, H) -> dhs_enc (N, S, H), dhs_dec (N, T, H)."""
        ...
