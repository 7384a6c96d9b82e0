"""Gradients of weights that are used in several pieces of a sequence."""

from collections.abc import Sequence

import numpy as np

from fasts2s_kernels.arrays import Array


def written(grads: Sequence[Array], add: bool) -> list[Array]:
    """Return where a kernel may write: the gradients, or arrays like them where they hold those of a later piece."""
    return [np.empty_like(grad) for grad in grads] if add else list(grads)


def settle(grads: Sequence[Array], made: Sequence[Array], add: bool) -> None:
    """Add what a kernel wrote into arrays of :func:`written`."""
    if add:
        for grad, new in zip(grads, made, strict=True):
            grad += new
