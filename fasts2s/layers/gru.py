"""GRU layers. Source: the book, appendix C; Cho et al. 2014.

The Korean edition has no bias: ``GRU(Wx, Wh)`` and ``TimeGRU(Wx, Wh, stateful)``. Both forms work here.
"""

from typing import Any

import numpy as np

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s.layers.recurrent import gradient_or_none, one_step, with_bias
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag


class GRU:
    """One GRU step. Wx : (D, 3H), Wh : (H, 3H), b : (3H,) or None; column blocks z, r, n.

    ``h_next = (1 - z) h_prev + z n``, where n uses ``(r h_prev) Wh_n``.
    """

    def __init__(
        self, Wx: AnyArray, Wh: AnyArray, b: AnyArray | None = None, *, backend: BackendLike | None = None
    ) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [Wx, Wh] if b is None else [Wx, Wh, b]
        self.grads = gradient_buffers(**dict(zip(("Wx", "Wh", "b"), self.params, strict=False)))
        self._cache: Any = None

    def forward(self, x: AnyArray, h_prev: AnyArray) -> Array:
        """x : (N, D), h_prev : (N, H) -> h_next : (N, H). Raises ValueError."""
        Wx, Wh, b = with_bias(self.params)
        kernels = self.backend.kernels_for(x, Wx, h_prev)
        _, h, self._cache = kernels.gru_forward(one_step("x", x), Wx, Wh, b, h0=h_prev)
        return h

    def backward(self, dh_next: AnyArray) -> tuple[Array, Array]:
        """dh_next : (N, H) -> dx (N, D), dh_prev (N, H); ``grads`` are overwritten. Raises ValueError."""
        Wx, Wh, _ = with_bias(self.params)
        dWx, dWh, db = with_bias(self.grads)
        kernels = self.backend.kernels_for(dh_next, Wx)
        dh = gradient_or_none(dh_next)
        dxs, dh_prev, _ = kernels.gru_backward(None, Wx, Wh, self._cache, dh_last=dh, dWx=dWx, dWh=dWh, db=db)
        return dxs[:, 0], dh_prev


class TimeGRU:
    """GRU over a sequence (batch first, one direction). Wx : (D, 3H), Wh : (H, 3H), b : (3H,) or None; z, r, n.

    ``stateful``, ``h``, ``dh``, ``layers`` and ``mask`` as in :class:`fasts2s.layers.TimeLSTM`.
    """

    def __init__(
        self,
        Wx: AnyArray,
        Wh: AnyArray,
        b: AnyArray | bool | None = None,
        stateful: bool = False,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        self.backend = get_backend(backend)
        if isinstance(b, bool | np.bool_):  # the Korean edition's third argument is stateful
            stateful, b = bool(b), None
        self.params: list[Array] = [Wx, Wh] if b is None else [Wx, Wh, b]
        self.grads = gradient_buffers(**dict(zip(("Wx", "Wh", "b"), self.params, strict=False)))
        self.layers = None
        self.h: Array | None = None
        self.dh: Array | None = None
        self.stateful = flag("stateful", stateful)
        self._cache: Any = None

    def forward(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T, D), mask : (N, T) bool or None -> hs (N, T, H) float32. Raises ValueError."""
        Wx, Wh, b = with_bias(self.params)
        h0 = self.h if self.stateful else None
        kernels = self.backend.kernels_for(xs, Wx, h0, mask)
        hs, h, cache = kernels.gru_forward(xs, Wx, Wh, b, h0=h0, mask=mask)
        self.h, self._cache = h, cache
        return self.backend.output(hs)

    def backward(self, dhs: AnyArray | None, dh_last: AnyArray | None = None) -> Array:
        """dhs : (N, T, H) or None, dh_last : (N, H) or None -> dxs (N, T, D) float32; ``grads`` are overwritten."""
        Wx, Wh, _ = with_bias(self.params)
        dWx, dWh, db = with_bias(self.grads)
        kernels = self.backend.kernels_for(dhs, Wx, dh_last)
        dxs, self.dh, _ = kernels.gru_backward(dhs, Wx, Wh, self._cache, dh_last=dh_last, dWx=dWx, dWh=dWh, db=db)
        return self.backend.output(dxs)

    def step(self, x: AnyArray, state: AnyArray | None) -> tuple[Array, Array]:
        """One step for inference: x (N, D), state h (N, H) or None for zero -> h, next state. Own state untouched."""
        Wx, Wh, b = with_bias(self.params)
        h = self.backend.kernels_for(x, Wx, state).gru_step(x, Wx, Wh, b, h=state)
        return self.backend.output(h), h

    def set_state(self, h: AnyArray | None) -> None:
        """Set the state h : (N, H); None is zero. The array is read at the next forward, never written."""
        self.h = h

    def reset_state(self) -> None:
        """Forget the state: the next forward starts at zero."""
        self.h = None
