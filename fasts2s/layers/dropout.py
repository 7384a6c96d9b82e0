"""Dropout, the book's two kinds. Source: the book, section 6.5; Srivastava et al. 2014."""

from typing import Any

import numpy as np

from fasts2s._rows import drawn
from fasts2s.backend import Backend, BackendLike, get_backend
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.either import as_float, beside, inexact, is_cupy, require_same_side, saved
from fasts2s_kernels.checks.scalars import bounded
from fasts2s_kernels.quiet import quiet


def _kept(backend: Backend, name: str, xs: Array, ratio: float) -> Array:
    """Return which elements of xs stay, bool, beside xs; drawn on the host: a seed means the same mask everywhere."""
    backend.require_here(name, xs)
    return beside(xs, np.asarray(drawn(lambda shape: np.random.rand(*shape), xs.shape) > ratio))


def _masked(dout: Any, cache: Any) -> Array:
    mask, shape, dtype = saved(cache)
    dout = as_float("dout", dout, dtype, shape, "the shape of the input")
    if isinstance(mask, np.ndarray) or is_cupy(mask):
        require_same_side(dout=dout, mask=mask)
    return dout.copy() if mask is None else dout * mask


class TimeDropout:
    """Inverted dropout: in training, elements are zeroed with probability dropout_ratio, the rest scaled up.

    ``train_flg`` is set from outside. One draw of ``numpy.random.rand`` per training forward, none in evaluation.
    ``mask`` is that of the last training forward. After a forward in evaluation, backward passes the gradient
    through; the book uses the old mask there.
    """

    def __init__(self, dropout_ratio: float = 0.5, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.dropout_ratio = bounded("dropout_ratio", dropout_ratio, 0.5, below=1)
        self.mask: Array | None = None
        self.train_flg = True
        self._cache: Any = None

    @quiet
    def forward(self, xs: AnyArray) -> Array:
        """xs : any shape, float -> the same shape. Raises ValueError if xs is no float array."""
        xs = inexact("xs", xs, "of any shape")
        if not flag("train_flg", self.train_flg):
            self._cache = (None, xs.shape, xs.dtype)
            return xs.copy()
        kept = _kept(self.backend, "xs", xs, self.dropout_ratio)
        mask = kept.astype(np.float32)
        mask *= 1 / (1.0 - self.dropout_ratio)
        self.mask = mask
        self._cache = (self.mask, xs.shape, xs.dtype)
        return xs * mask

    @quiet
    def backward(self, dout: AnyArray) -> Array:
        """dout : the shape of xs -> dxs of the same shape. Raises ValueError for another shape."""
        return _masked(dout, self._cache)

    def step(self, x: Array, state: Any = None) -> tuple[Array, Any]:
        """One step for inference, where nothing is dropped: x (N, D) and the state as they came."""
        return x, state


class Dropout:
    """The book's first dropout: no scaling in training, multiplication by 1 - dropout_ratio in evaluation."""

    def __init__(self, dropout_ratio: float = 0.5, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = []
        self.grads: list[Array] = []
        # The book's first kind may drop everything.
        is_all = type(dropout_ratio) in (int, float) and dropout_ratio == 1
        self.dropout_ratio = 1.0 if is_all else bounded("dropout_ratio", dropout_ratio, 0.5, below=1)
        self.mask: Array | None = None
        self._cache: Any = None

    @quiet
    def forward(self, x: AnyArray, train_flg: bool = True) -> Array:
        """x : any shape, float -> the same shape. Raises ValueError if x is no float array."""
        x = inexact("x", x, "of any shape")
        if not flag("train_flg", train_flg):
            keep = x.dtype.type(1.0 - self.dropout_ratio)
            self._cache = (keep, x.shape, x.dtype)
            return x * keep
        kept = _kept(self.backend, "x", x, self.dropout_ratio)
        self.mask, self._cache = kept, (kept, x.shape, x.dtype)
        return kept * x

    @quiet
    def backward(self, dout: AnyArray) -> Array:
        """dout : the shape of x -> dx of the same shape. Raises ValueError for another shape."""
        return _masked(dout, self._cache)
