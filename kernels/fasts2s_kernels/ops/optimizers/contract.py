"""The part of the contract that clips gradients and updates parameters.

Letters and rules: :mod:`fasts2s_kernels.contract`.
"""

from typing import Any, Protocol

from fasts2s_kernels.arrays import Array


class Optimizers(Protocol):
    """The part of the contract that clips gradients and updates parameters."""

    def clip_grads(self, grads: list[Array], max_norm: float | None) -> Any:
        """Scale gradients, arrays of any shape, in place so that their global L2 norm is at most max_norm.

        The factor is ``max_norm / (norm + 1e-6)`` where that is below 1. ``None`` only measures. A norm that
        is not finite changes nothing: the caller decides.

        Returns
        -------
        float (cupy: float64 without dimensions, on the device)
            The norm before scaling, summed in float64.
        """
        ...

    def clip_rate(self, norm: Any, max_norm: float | None) -> Any:
        """Return the factor of :meth:`clip_grads` for gradients of a norm: below 1, or 1 where nothing is clipped.

        norm : what ``clip_grads`` returned for gradients of any shape, on the host or on the device; the factor is of
        the same kind. A norm that is not finite gives 1. A number below 0 is a ValueError.
        """
        ...

    def sgd_update(self, params: list[Array], grads: list[Array], *, lr: float, scale: float = 1.0) -> None:
        """``p -= lr g`` in place for every parameter.

        In all updates g is a gradient times ``scale``, in the dtype of the parameter: what ``clip_grads`` would have
        made of it, without writing it. The gradients stay as they are. ``scale`` is a number; cupy takes float64
        without dimensions on the device too, where NaN means: leave all parameters and slots as they are.
        """
        ...

    def momentum_update(
        self,
        params: list[Array],
        grads: list[Array],
        v: list[Array],
        *,
        lr: float,
        momentum: float,
        scale: float = 1.0,
    ) -> None:
        """``v = momentum v - lr g; p += v`` in place."""
        ...

    def nesterov_update(
        self,
        params: list[Array],
        grads: list[Array],
        v: list[Array],
        *,
        lr: float,
        momentum: float,
        scale: float = 1.0,
    ) -> None:
        """``v = momentum v - lr g; p += momentum^2 v - (1 + momentum) lr g`` in place, as in the book."""
        ...

    def adagrad_update(
        self, params: list[Array], grads: list[Array], h: list[Array], *, lr: float, scale: float = 1.0
    ) -> None:
        """``h += g^2; p -= lr g / (sqrt(h) + 1e-7)`` in place."""
        ...

    def rmsprop_update(
        self,
        params: list[Array],
        grads: list[Array],
        h: list[Array],
        *,
        lr: float,
        decay_rate: float,
        scale: float = 1.0,
    ) -> None:
        """``h = decay_rate h + (1 - decay_rate) g^2; p -= lr g / (sqrt(h) + 1e-7)`` in place."""
        ...

    def adam_update(
        self,
        params: list[Array],
        grads: list[Array],
        m: list[Array],
        v: list[Array],
        *,
        lr: float,
        beta1: float,
        beta2: float,
        step: int,
        scale: float = 1.0,
    ) -> None:
        """Adam with bias correction in the step size: ``lr_t = lr sqrt(1 - beta2^step) / (1 - beta1^step)``;
        ``m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); p -= lr_t m / (sqrt(v) + 1e-7)`` in place;
        ``step`` counts from 1."""
        ...
