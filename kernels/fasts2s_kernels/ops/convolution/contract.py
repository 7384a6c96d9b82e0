"""The part of the contract that is convolution and pooling. Letters and rules: :mod:`fasts2s_kernels.contract`.

Further letters: C channels, M filters, IH and IW height and width of a picture, OH and OW those of what comes out.
"""

from typing import Protocol

from fasts2s_kernels.arrays import Array, Cache


class Convolution(Protocol):
    """The part of the contract that is convolution and pooling."""

    def convolution_forward(
        self, x: Array, W: Array, b: Array | None, *, stride: int = 1, pad: int = 0
    ) -> tuple[Array, Cache]:
        """Sum of products of every window of a picture with every filter.

        Parameters
        ----------
        x : (N, C, IH, IW)
        W : (M, C, FH, FW)
        b : (M,) or None
        stride : int
            Distance of two windows, at least 1.
        pad : int
            Rows and columns of zeros around every picture.

        Returns
        -------
        out : (N, M, OH, OW), with OH = (IH + 2 pad - FH) // stride + 1 and OW likewise; cache

        Notes
        -----
        The filter is not turned around. Source: LeCun et al. 1998; the book's first volume, section 7.2.
        """
        ...

    def convolution_backward(self, dout: Array, W: Array, cache: Cache, *, dW: Array, db: Array | None) -> Array:
        """Gradients of :meth:`convolution_forward`: dout (N, M, OH, OW) -> dx (N, C, IH, IW); dW, db overwritten."""
        ...

    def pooling_forward(
        self, x: Array, *, pool_h: int, pool_w: int, stride: int, pad: int = 0
    ) -> tuple[Array, Cache]:
        """Largest number of every window of pool_h x pool_w: x (N, C, IH, IW) -> out (N, C, OH, OW), cache.

        Padding is zeros, as in the book's first volume, section 7.3. Of equal numbers the first is taken.
        """
        ...

    def pooling_backward(self, dout: Array, cache: Cache) -> Array:
        """Gradient of :meth:`pooling_forward`: dout (N, C, OH, OW) -> dx (N, C, IH, IW)."""
        ...
