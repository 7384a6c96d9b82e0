"""Optimisers, clipping and weight sharing, as in the book's ``common.optimizer``, ``util`` and ``trainer``.

Every optimiser changes the parameter arrays in place; its slots are lists by position, made at the first update.
``lr`` and the other hyper-parameters may be assigned between updates; only the constructors look at them.
"""

from typing import Any

import numpy as np

from fasts2s.backend import Backend, BackendLike, get_backend
from fasts2s_kernels.arrays import Array, Kernels
from fasts2s_kernels.checks import scalars
from fasts2s_kernels.checks.arguments import listed_arrays
from fasts2s_kernels.checks.either import array_list, is_cupy
from fasts2s_kernels.checks.scalars import bounded


def _arrays(arrays: Any) -> Any:
    """Return what a list holds; what is no list is left for the kernel to refuse."""
    return arrays if isinstance(arrays, list | tuple) else ()


def _kernels(backend: Backend, params: Any, grads: Any) -> Kernels:
    return backend.kernels_for(*_arrays(params), *_arrays(grads))


def _slots(params: list[Array]) -> list[Array]:
    return [np.zeros_like(p) for p in array_list("params", params)]


class SGD:
    """Stochastic gradient descent: ``p -= lr g``."""

    def __init__(self, lr: float = 0.01, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.lr = bounded("lr", lr, 0.01)

    def update(self, params: list[Array], grads: list[Array], *, scale: float = 1.0) -> None:
        """Change params in place, by ``scale`` times grads. ValueError if lists, or shapes in them, do not match."""
        _kernels(self.backend, params, grads).sgd_update(params, grads, lr=self.lr, scale=scale)


class Momentum:
    """SGD with momentum: ``v = momentum v - lr g; p += v``."""

    def __init__(self, lr: float = 0.01, momentum: float = 0.9, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.lr, self.momentum = bounded("lr", lr, 0.01), bounded("momentum", momentum, 0.9, below=1)
        self.v: list[Array] | None = None

    def update(self, params: list[Array], grads: list[Array], *, scale: float = 1.0) -> None:
        """Change params in place, by ``scale`` times grads. ValueError if lists, or shapes in them, do not match."""
        kernels = _kernels(self.backend, params, grads)
        v = _slots(params) if self.v is None else self.v
        kernels.momentum_update(params, grads, v, lr=self.lr, momentum=self.momentum, scale=scale)
        self.v = v  # only after the kernel accepted everything


class Nesterov:
    """Nesterov's accelerated gradient in the form of arXiv:1212.0901."""

    def __init__(self, lr: float = 0.01, momentum: float = 0.9, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.lr, self.momentum = bounded("lr", lr, 0.01), bounded("momentum", momentum, 0.9, below=1)
        self.v: list[Array] | None = None

    def update(self, params: list[Array], grads: list[Array], *, scale: float = 1.0) -> None:
        """Change params in place, by ``scale`` times grads. ValueError if lists, or shapes in them, do not match."""
        kernels = _kernels(self.backend, params, grads)
        v = _slots(params) if self.v is None else self.v
        kernels.nesterov_update(params, grads, v, lr=self.lr, momentum=self.momentum, scale=scale)
        self.v = v  # only after the kernel accepted everything


class AdaGrad:
    """AdaGrad (Duchi et al. 2011): ``h += g^2; p -= lr g / (sqrt(h) + 1e-7)``."""

    def __init__(self, lr: float = 0.01, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.lr = bounded("lr", lr, 0.01)
        self.h: list[Array] | None = None

    def update(self, params: list[Array], grads: list[Array], *, scale: float = 1.0) -> None:
        """Change params in place, by ``scale`` times grads. ValueError if lists, or shapes in them, do not match."""
        kernels = _kernels(self.backend, params, grads)
        h = _slots(params) if self.h is None else self.h
        kernels.adagrad_update(params, grads, h, lr=self.lr, scale=scale)
        self.h = h  # only after the kernel accepted everything


class RMSprop:
    """RMSprop (Tieleman and Hinton 2012): AdaGrad with a decaying mean of squares."""

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.lr, self.decay_rate = bounded("lr", lr, 0.01), bounded("decay_rate", decay_rate, 0.99, below=1)
        self.h: list[Array] | None = None

    def update(self, params: list[Array], grads: list[Array], *, scale: float = 1.0) -> None:
        """Change params in place, by ``scale`` times grads. ValueError if lists, or shapes in them, do not match."""
        kernels = _kernels(self.backend, params, grads)
        h = _slots(params) if self.h is None else self.h
        kernels.rmsprop_update(params, grads, h, lr=self.lr, decay_rate=self.decay_rate, scale=scale)
        self.h = h  # only after the kernel accepted everything


class Adam:
    """Adam (Kingma and Ba, arXiv:1412.6980), bias correction in the step size, 1e-7 outside the root."""

    def __init__(
        self,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        self.backend = get_backend(backend)
        self.lr = bounded("lr", lr, 0.001)
        self.beta1, self.beta2 = bounded("beta1", beta1, 0.9, below=1), bounded("beta2", beta2, 0.999, below=1)
        self.iter = 0
        self.m: list[Array] | None = None
        self.v: list[Array] | None = None

    def update(self, params: list[Array], grads: list[Array], *, scale: float = 1.0) -> None:
        """Change params in place, by ``scale`` times grads. ValueError if lists, or shapes in them, do not match."""
        kernels = _kernels(self.backend, params, grads)
        m = _slots(params) if self.m is None else self.m
        v = _slots(params) if self.v is None else self.v
        kernels.adam_update(
            params,
            grads,
            m,
            v,
            lr=self.lr,
            beta1=self.beta1,
            beta2=self.beta2,
            step=self.iter + 1,
            scale=scale,
        )
        self.m, self.v, self.iter = m, v, self.iter + 1  # only after the kernel accepted everything


class AdamW(Adam):
    """Adam with weight decay beside the gradient (Loshchilov and Hutter, arXiv:1711.05101).

    ``p *= 1 - lr weight_decay``, then Adam's step. All parameters decay, biases too.
    """

    def __init__(
        self,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        weight_decay: float = 0.01,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        super().__init__(lr, beta1, beta2, backend=backend)
        self.weight_decay = bounded("weight_decay", weight_decay, 0.01)

    def update(self, params: list[Array], grads: list[Array], *, scale: float = 1.0) -> None:
        """Change params in place, by ``scale`` times grads. ValueError if lists, or shapes in them, do not match."""
        rate = bounded("weight_decay", self.weight_decay, 0.01)
        # Adam looks at gradients alone, so the weights may shrink after its step, by what they were before: only then
        # has the kernel accepted everything.
        before = [p.copy() for p in array_list("params", params)]
        super().update(params, grads, scale=scale)
        decay = self.lr * rate
        for p, old in zip(params, before, strict=True):
            # On a device a scale that is not finite leaves a step out; 0 times it is NaN then.
            p -= (
                old * p.dtype.type(decay)
                if not is_cupy(scale)
                else np.where(np.isfinite(scale), decay * old, 0 * old)
            )


def clip_grads(grads: list[Array], max_norm: float | None) -> Any:
    """Scale gradients in place so that their global L2 norm is at most max_norm; None only measures.

    Returns
    -------
    float, or for gradients on a device a float64 array without dimensions there
        The norm before scaling, summed in float64 (the book sums in float32 and returns nothing). A norm that is
        not finite changes nothing.
    """
    return get_backend().kernels_beside(*_arrays(grads)).clip_grads(grads, max_norm)


def clip_rate(norm: Any, max_norm: float | None) -> Any:
    """Return the scale of an update that clips: 1 where the norm is small enough, or not finite.

    norm : what clip_grads returned; the scale is a float, or lies on the device as the norm does.
    """
    if is_cupy(norm):
        return get_backend().kernels_beside(norm).clip_rate(norm, max_norm)
    return scalars.clip_rate(norm, max_norm)


#: Numbers that are summed up at once: 128 kB of float32.
_PIECE = 1 << 15

#: Those of the book.
OPTIMIZERS = (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)


def takes_scale(optimizer: Any) -> bool:
    """Return whether ``optimizer.update`` is one of this module, and not one of a subclass or of somebody else."""
    update = getattr(getattr(optimizer, "update", None), "__func__", None)
    return any(update is kind.update for kind in (*OPTIMIZERS, AdamW))


def _is_tied(a: Array, b: Array) -> bool:
    """Whether b, whose shape is that of the transpose of a, is it by memory or, on the host, by value.

    The book's rule, extended to matrices with NaN. On a device memory alone decides: to look at values would wait for
    it in every step.
    """
    if is_cupy(a) or is_cupy(b):
        return bool(is_cupy(a) and is_cupy(b) and a.T.strides == b.strides and a.data.ptr == b.data.ptr)
    if isinstance(a, np.ndarray) and a.T.strides == b.strides and a.ctypes.data == b.ctypes.data:
        return True
    # One row first: unrelated matrices, the usual case, differ there already.
    return bool((a.T[:1] == b[:1]).all()) and bool((b == a.T).all())


def _add_all(total: Array, more: list[Array]) -> None:
    """Add arrays to the first one, in their order.

    Of large ones a piece at a time, which stays in the cache meanwhile: a word2vec of the book has 60 gradients of
    one matrix.
    """
    arrays = [total, *more]
    is_alike = all(type(a) is np.ndarray and a.flags.carray and a.shape == total.shape for a in arrays)
    if len(more) < 2 or not is_alike:
        for array in more:
            total += array
        return
    first, *others = (a.reshape(-1) for a in arrays)
    for start in range(0, first.size, _PIECE):
        piece = first[start : start + _PIECE]
        for other in others:
            piece += other[start : start + _PIECE]


def remove_duplicate(params: list[Array], grads: list[Array]) -> tuple[list[Array], list[Array]]:
    """Merge shared parameters: copies of both lists with every shared parameter once, its gradients summed.

    Shared are the same array twice, and a matrix and its transpose (weight tying). As in the book a transpose is
    recognised by its values, so two matrices of zeros that fit are merged too; on a device by its memory alone. The
    sums are made in place, in the gradient array of the first occurrence.
    """
    params, grads = listed_arrays("params", params), listed_arrays("grads", grads)
    if len(params) != len(grads):
        raise ValueError(f"grads holds {len(grads)} arrays, expected {len(params)}, as many as params")
    i = 0
    while i < len(params):
        j, shape = i + 1, params[i].shape
        more: list[Array] = []
        while j < len(params):
            if params[i] is params[j]:
                more.append(grads[j])
            elif len(shape) == 2 and params[j].shape == shape[::-1] and _is_tied(params[i], params[j]):
                more.append(grads[j].T)
            else:
                j += 1
                continue
            del params[j], grads[j]
        _add_all(grads[i], more)
        i += 1
    return params, grads
