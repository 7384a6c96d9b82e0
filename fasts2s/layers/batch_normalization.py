"""Batch normalization. Source: Ioffe and Szegedy 2015; the book's first volume, section 6.3."""

from typing import Any

import numpy as np

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag, number
from fasts2s_kernels.checks.either import as_array, as_float, buffer, require_same_side, saved, weight
from fasts2s_kernels.quiet import quiet

#: Added to variances, as in the book.
_LEAST = 1e-6


class BatchNormalization:
    """Every feature gets mean 0 and variance 1 over the batch, then ``gamma x + beta``.

    Features are the columns of (N, D), or the channels of (N, C, H, W); the book takes every number of a picture for
    a feature. gamma, beta : (D,) or (C,), float32 or float64.

    Attributes
    ----------
    running_mean, running_var : (D,) or (C,)
        What evaluation uses: averages over the training batches, in which older ones count ``momentum`` times as much
        as at the batch before. They begin with 0 and 1.
    """

    def __init__(
        self,
        gamma: AnyArray,
        beta: AnyArray,
        momentum: float = 0.9,
        running_mean: AnyArray | None = None,
        running_var: AnyArray | None = None,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [gamma, beta]
        self.grads = gradient_buffers(gamma=gamma, beta=beta)
        self.momentum = number("momentum", momentum)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum is {momentum}, expected 0 to 1")
        D = weight("gamma", gamma, "(D,)", 1).shape
        self.running_mean = np.zeros_like(gamma) if running_mean is None else running_mean
        self.running_var = np.ones_like(gamma) if running_var is None else running_var
        for name in ("running_mean", "running_var"):
            as_float(name, getattr(self, name), gamma.dtype, D, "(D,)")
        self._cache: Any = None

    @quiet
    def forward(self, x: AnyArray, train_flg: bool = True) -> Array:
        """x : (N, D) or (N, C, H, W) -> the same shape. Raises ValueError for other shapes and types.

        train_flg : whether the batch's own mean and variance are taken; a batch of nothing has none.
        """
        gamma, beta = self._weights()
        rows, shape = _rows("x", x, gamma)
        require_same_side(x=rows, gamma=gamma, beta=beta)
        if flag("train_flg", train_flg) and len(rows):
            mean = rows.mean(axis=0)
            var = ((rows - mean) ** 2).mean(axis=0)
            share = gamma.dtype.type(self.momentum)
            after = [
                share * old + (1 - share) * new for old, new in zip(self._running(gamma), (mean, var), strict=True)
            ]
            self.running_mean, self.running_var = after
            of_batch = True
        else:
            (mean, var), of_batch = self._running(gamma), False
        std = np.sqrt(var + gamma.dtype.type(_LEAST))
        normal = (rows - mean) / std
        self._cache = (normal, std, of_batch, shape)
        return _back(gamma * normal + beta, shape)

    @quiet
    def backward(self, dout: AnyArray) -> Array:
        """dout : the shape of x -> dx; ``grads`` are overwritten. Raises ValueError for other shapes and types."""
        normal, std, of_batch, shape = saved(self._cache)
        gamma, _ = self._weights()
        dout = as_float("dout", dout, gamma.dtype, shape, "the shape of the input")
        require_same_side(dout=dout, gamma=gamma)
        rows, _ = _rows("dout", dout, gamma)
        dgamma, dbeta = (
            buffer(f"d{name}", g, gamma, "(D,)") for name, g in zip(("gamma", "beta"), self.grads, strict=True)
        )
        dgamma[...] = (rows * normal).sum(axis=0)
        dbeta[...] = rows.sum(axis=0)
        d = gamma * rows
        if of_batch:
            d = d - d.mean(axis=0) - normal * (d * normal).mean(axis=0)
        return _back(d / std, shape)

    def _weights(self) -> tuple[Array, Array]:
        gamma, beta = self.params
        gamma = weight("gamma", gamma, "(D,)", 1)
        return gamma, as_float("beta", beta, gamma.dtype, gamma.shape, "(D,)")

    def _running(self, gamma: Array) -> list[Array]:
        pairs = (("running_mean", self.running_mean), ("running_var", self.running_var))
        return [as_float(name, a, gamma.dtype, gamma.shape, "(D,)") for name, a in pairs]


def _rows(name: str, x: Any, gamma: Array) -> tuple[Array, tuple[int, ...]]:
    """Return x as rows of features (R, D), and its shape."""
    D = gamma.shape[0]
    x = as_array(name, x, f"a float array (N, D) or (N, C, H, W) with D, C = {D}")
    if x.ndim not in (2, 4) or x.shape[1] != D:
        raise ValueError(f"{name} has shape {x.shape}, expected (N, D) or (N, C, H, W) with D, C = {D}")
    x = as_float(name, x, gamma.dtype, x.shape, "(N, D) or (N, C, H, W)")
    rows = x if x.ndim == 2 else x.transpose(0, 2, 3, 1).reshape(x.size // D if D else 0, D)
    return rows, x.shape


def _back(rows: Array, shape: tuple[int, ...]) -> Array:
    """Return rows (R, D) in the shape that they came from."""
    if len(shape) == 2:
        return rows
    N, C, H, W = shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2).copy(order="C")
