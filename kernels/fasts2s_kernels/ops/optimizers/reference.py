"""Clipping and parameter updates, in place, with the arithmetic of the book under NumPy 2."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.quiet import quiet

# Outside the root, as in the book.
_EPS = 1e-7
# Numbers that are updated at once: what is in between stays in the cache.
_PIECE = 1 << 15


def _pieces(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Yield arrays of one shape piece by piece, where their memory allows it."""
    if arrays[0].size <= _PIECE or not all(a.flags.c_contiguous for a in arrays):
        yield arrays
        return
    flat = [a.reshape(-1) for a in arrays]
    for start in range(0, flat[0].size, _PIECE):
        yield tuple(a[start : start + _PIECE] for a in flat)


@quiet
def clip_grads(grads: list[Array], max_norm: float | None) -> float:
    """See :meth:`fasts2s_kernels.contract.Kernels.clip_grads`."""
    grads = checks.array_list("grads", grads)
    checks.norm_limit(max_norm)  # before any work
    # In float64: squares of float32 gradients beyond 1e19 would overflow and the step would silently be 0.
    norm = math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in grads))
    rate = checks.clip_rate(norm, max_norm)
    if rate < 1:
        for g in grads:
            g *= rate
    return norm


def _scaled(grads: list[Array], scale: float) -> list[Array]:
    factor = checks.number("scale", scale)
    return grads if factor == 1 else [g * g.dtype.type(factor) for g in grads]


@quiet
def sgd_update(params: list[Array], grads: list[Array], *, lr: float, scale: float = 1.0) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.sgd_update`."""
    params, grads, _ = checks.update_lists(params, grads)
    lr = checks.number("lr", lr)
    for arrays in zip(params, _scaled(grads, scale), strict=True):
        for p, g in _pieces(*arrays):
            p -= lr * g


@quiet
def momentum_update(
    params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float, scale: float = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.momentum_update`."""
    params, grads, slots = checks.update_lists(params, grads, v=v)
    lr, momentum = checks.number("lr", lr), checks.number("momentum", momentum)
    for arrays in zip(params, _scaled(grads, scale), slots["v"], strict=True):
        for p, g, velocity in _pieces(*arrays):
            velocity *= momentum
            velocity -= lr * g
            p += velocity


@quiet
def nesterov_update(
    params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float, scale: float = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.nesterov_update`."""
    params, grads, slots = checks.update_lists(params, grads, v=v)
    lr, momentum = checks.number("lr", lr), checks.number("momentum", momentum)
    for arrays in zip(params, _scaled(grads, scale), slots["v"], strict=True):
        for p, g, velocity in _pieces(*arrays):
            velocity *= momentum
            velocity -= lr * g
            p += momentum * momentum * velocity
            p -= (1 + momentum) * lr * g


@quiet
def adagrad_update(params: list[Array], grads: list[Array], h: list[Array], *, lr: float, scale: float = 1.0) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adagrad_update`."""
    params, grads, slots = checks.update_lists(params, grads, h=h)
    lr = checks.number("lr", lr)
    for arrays in zip(params, _scaled(grads, scale), slots["h"], strict=True):
        for p, g, squares in _pieces(*arrays):
            squares += g * g
            p -= lr * g / (np.sqrt(squares) + _EPS)


@quiet
def rmsprop_update(
    params: list[Array], grads: list[Array], h: list[Array], *, lr: float, decay_rate: float, scale: float = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.rmsprop_update`."""
    params, grads, slots = checks.update_lists(params, grads, h=h)
    lr, decay_rate = checks.number("lr", lr), checks.number("decay_rate", decay_rate)
    for arrays in zip(params, _scaled(grads, scale), slots["h"], strict=True):
        for p, g, squares in _pieces(*arrays):
            squares *= decay_rate
            squares += (1 - decay_rate) * g * g
            p -= lr * g / (np.sqrt(squares) + _EPS)


@quiet
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
    scale: float = 1.0,
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adam_update`."""
    params, grads, slots = checks.update_lists(params, grads, m=m, v=v)
    lr_t = adam_rate(lr, beta1, beta2, step)
    beta1, beta2 = checks.number("beta1", beta1), checks.number("beta2", beta2)
    for arrays in zip(params, _scaled(grads, scale), slots["m"], slots["v"], strict=True):
        for p, g, mean, square in _pieces(*arrays):
            mean += (1 - beta1) * (g - mean)
            square += (1 - beta2) * (g**2 - square)
            p -= lr_t * mean / (np.sqrt(square) + _EPS)


def adam_rate(lr: float, beta1: float, beta2: float, step: int) -> Any:
    """Return the step size of Adam with its bias correction, a numpy.float64.

    A NumPy scalar, not a float: it makes what is multiplied with it float64, as in the book under NumPy 2.
    """
    lr, beta1, beta2 = checks.number("lr", lr), checks.number("beta1", beta1), checks.number("beta2", beta2)
    t = checks.number("step", checks.integer("step", step, 1))
    return lr * np.sqrt(1.0 - np.float64(beta2) ** t) / (1.0 - np.float64(beta1) ** t)
