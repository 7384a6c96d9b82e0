"""Clipping and parameter updates, in place, with the arithmetic of the book under NumPy 2."""

import math

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.contract import Array

# Outside the root, as in the book.
_EPS = 1e-7


def clip_grads(grads: list[Array], max_norm: float | None) -> float:
    """See :meth:`fasts2s_kernels.contract.Kernels.clip_grads`."""
    checks.update_lists(grads, grads)
    with np.errstate(over="ignore"):
        # In float64: squares of float32 gradients beyond 1e19 would overflow and the step would silently be 0.
        norm = math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in grads))
    if max_norm is None or not math.isfinite(norm):
        return norm
    rate = max_norm / (norm + 1e-6)
    if rate < 1:
        for g in grads:
            g *= rate
    return norm


def sgd_update(params: list[Array], grads: list[Array], *, lr: float) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.sgd_update`."""
    checks.update_lists(params, grads)
    for p, g in zip(params, grads, strict=True):
        p -= lr * g


def momentum_update(params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.momentum_update`."""
    checks.update_lists(params, grads, v=v)
    for p, g, velocity in zip(params, grads, v, strict=True):
        velocity *= momentum
        velocity -= lr * g
        p += velocity


def nesterov_update(params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.nesterov_update`."""
    checks.update_lists(params, grads, v=v)
    for p, g, velocity in zip(params, grads, v, strict=True):
        velocity *= momentum
        velocity -= lr * g
        p += momentum * momentum * velocity
        p -= (1 + momentum) * lr * g


def adagrad_update(params: list[Array], grads: list[Array], h: list[Array], *, lr: float) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adagrad_update`."""
    checks.update_lists(params, grads, h=h)
    for p, g, squares in zip(params, grads, h, strict=True):
        squares += g * g
        p -= lr * g / (np.sqrt(squares) + _EPS)


def rmsprop_update(params: list[Array], grads: list[Array], h: list[Array], *, lr: float, decay_rate: float) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.rmsprop_update`."""
    checks.update_lists(params, grads, h=h)
    for p, g, squares in zip(params, grads, h, strict=True):
        squares *= decay_rate
        squares += (1 - decay_rate) * g * g
        p -= lr * g / (np.sqrt(squares) + _EPS)


def adam_update(
    params: list[Array],
    grads: list[Array],
    m: list[Array],
    v: list[Array],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    step: int,
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adam_update`."""
    checks.update_lists(params, grads, m=m, v=v)
    # A NumPy scalar, not a float: it makes the last line compute in float64, as the book does under NumPy 2.
    lr_t = lr * np.sqrt(1.0 - beta2**step) / (1.0 - beta1**step)
    for p, g, mean, square in zip(params, grads, m, v, strict=True):
        mean += (1 - beta1) * (g - mean)
        square += (1 - beta2) * (g**2 - square)
        p -= lr_t * mean / (np.sqrt(square) + _EPS)
