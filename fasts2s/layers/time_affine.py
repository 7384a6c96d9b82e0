"""Affine layers over a sequence. Source: the book, section 5.4."""

from typing import Any

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.either import as_array, saved


def _rows(name: str, x: Any) -> tuple[Array, tuple[int, int]]:
    x = as_array(name, x, "a float array (N, T, D)")
    if x.ndim != 3:
        raise ValueError(f"{name} has shape {x.shape}, expected (N, T, D)")
    N, T, D = x.shape
    return x.reshape(N * T, D), (N, T)


class TimeAffine:
    """``x W + b`` at every time step. W : (D, M), b : (M,), float32 or float64.

    W may be the transposed view of an embedding matrix (weight tying): its memory is shared, its gradient is not.
    """

    def __init__(self, W: AnyArray, b: AnyArray, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [W, b]
        self.grads = gradient_buffers(W=W, b=b)
        self.x: Array | None = None

    def forward(self, x: AnyArray) -> Array:
        """x : (N, T, D) -> (N, T, M). Raises ValueError for other shapes and types."""
        W, b = self.params
        rows, lead = _rows("x", x)
        out = self.backend.kernels_for(x, W, b).affine_forward(rows, W, b)
        self.x = x
        return out.reshape(*lead, out.shape[1])

    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, T, M) -> dx (N, T, D); ``grads`` are overwritten. Raises ValueError."""
        W, _ = self.params
        dW, db = self.grads
        rows, lead = _rows("x", saved(self.x))
        douts, came = _rows("dout", dout)
        if came != lead:
            raise ValueError(f"dout has shape {dout.shape}, expected (N, T, M) with N, T = {lead}")
        dx = self.backend.kernels_for(dout, W).affine_backward(douts, rows, W, dW=dW, db=db)
        return dx.reshape(*lead, dx.shape[1])

    def step(self, x: AnyArray, state: Any = None) -> tuple[Array, Any]:
        """One step for inference: x (N, D) -> (N, M), and the state, of which it has none, as it came."""
        W, b = self.params
        return self.backend.kernels_for(x, W, b).affine_forward(x, W, b), state


class Simple_TimeAffine:
    """TimeAffine with the gradients in ``dW`` and ``db``. W : (D, M), b : (M,).

    In the book its backward fails with an AttributeError; here it works.
    """

    def __init__(self, W: AnyArray, b: AnyArray, *, backend: BackendLike | None = None) -> None:
        self.W: Array = W
        self.b: Array = b
        self.dW: Array | None = None
        self.db: Array | None = None
        self.layers = None
        self._affine = TimeAffine(W, b, backend=backend)

    def forward(self, xs: AnyArray) -> Array:
        """xs : (N, T, D) -> (N, T, M). Raises ValueError for other shapes and types."""
        self._affine.params = [self.W, self.b]
        return self._affine.forward(xs)

    def step(self, x: AnyArray, state: Any = None) -> tuple[Array, Any]:
        """One step for inference: x (N, D) -> (N, M), and the state as it came."""
        self._affine.params = [self.W, self.b]
        return self._affine.step(x, state)

    def backward(self, dout: AnyArray) -> Array:
        """dout : (N, T, M) -> dxs (N, T, D); sets ``dW`` and ``db``. Raises ValueError."""
        dxs = self._affine.backward(dout)
        self.dW, self.db = self._affine.grads
        return dxs
