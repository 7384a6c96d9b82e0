"""Embedding layers. Source: the book, sections 4.1 and 5.4."""

from typing import Any

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.either import as_integers, ids_beside


class Embedding:
    """Rows of a table by id. W : (V, D), float32 or float64."""

    def __init__(self, W: AnyArray, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [W]
        self.grads = gradient_buffers(W=W)
        self.idx: Array | None = None

    def forward(self, idx: AnyArray) -> Array:
        """idx : integers of any shape -> ``idx.shape + (D,)``. IndexError for an id outside -V to V - 1."""
        (W,) = self.params
        out = self.backend.kernels_for(W, idx).embedding_forward(W, idx)
        self.idx = idx
        return out

    def backward(self, dout: AnyArray) -> None:
        """dout : ``idx.shape + (D,)``. Overwrites ``grads[0]`` (V, D); ids have no gradient, so returns None."""
        (dW,) = self.grads
        self.backend.kernels_for(dW, dout).embedding_backward(dout, self.idx, dW=dW)


class TimeEmbedding:
    """Rows of a table for a batch of id sequences. W : (V, D), float32 or float64.

    As in the book, forward reads the attribute ``W``; replacing ``params[0]`` has no effect. ``layers``, in the book
    one Embedding per step, stays None: the whole sequence is one kernel call.
    """

    def __init__(self, W: AnyArray, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [W]
        self.grads = gradient_buffers(W=W)
        self.layers = None
        self.W: Array = W
        self._cache: Array | None = None

    def forward(self, xs: AnyArray) -> Array:
        """xs : (N, T) integers -> (N, T, D) float32. IndexError for an id outside -V to V - 1, else ValueError."""
        xs = as_integers("xs", xs, "(N, T)", 2)
        ids = ids_beside("xs", xs, self.W)
        out = self.backend.kernels_for(self.W, ids).embedding_forward(self.W, ids)
        # A copy: ids are small, and a caller may reuse his batch array before backward.
        self._cache = xs.copy() if ids is xs else ids
        return self.backend.output(out)

    def step(self, ids: AnyArray, state: Any = None) -> tuple[Array, Any]:
        """One step for inference: ids (N,) -> (N, D), and the state, of which it has none, as it came."""
        out = self.backend.kernels_for(self.W, ids).embedding_forward(self.W, ids)
        return self.backend.output(out), state

    def backward(self, dout: AnyArray) -> None:
        """dout : (N, T, D). Overwrites ``grads[0]`` (V, D); ids have no gradient, so returns None."""
        (dW,) = self.grads
        self.backend.kernels_for(dW, dout).embedding_backward(dout, self._cache, dW=dW)
