"""The part of the contract that is softmax with cross entropy. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Any, Protocol

from fasts2s_kernels.arrays import Array, Cache


class SoftmaxLoss(Protocol):
    """The part of the contract that is softmax with cross entropy."""

    def softmax_loss_forward(self, xs: Array, ts: Array, *, ignore_label: int) -> tuple[Any, Cache]:
        """Mean cross entropy of a softmax, from logits.

        Parameters
        ----------
        xs : (R, V)
            Scores (logits).
        ts : (R,) integer
            Labels, each 0 to V - 1 or exactly ``ignore_label``; else IndexError.
        ignore_label : int
            Rows with this label are not counted and never read.

        Returns
        -------
        loss : numpy.float64 (cupy: float64 without dimensions, on the device), in nats per counted label
            ``mean(log(sum(exp(xs))) - xs[t])``. With no counted label 0.0. A NaN or +infinity in a counted
            row reaches the loss.
        cache
            For :meth:`softmax_loss_backward`.
        """
        ...

    def softmax_loss_backward(self, dout: float, cache: Cache) -> Array:
        """Gradient of :meth:`softmax_loss_forward` times the number dout: (R, V), zero in ignored rows."""
        ...
