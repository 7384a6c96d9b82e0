"""LSTM layers. Source: the book, sections 6.2 and 6.3; Gers et al. 2000."""

from typing import Any

from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers.buffers import gradient_buffers
from fasts2s.layers.recurrent import gradient_or_none, one_step
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.arguments import parts


def set_first_gradients(lstm: Any, dh: Array | None, dc: Array | None) -> None:
    """Set the gradient of the initial state; the book's own TimeLSTM, which may be given, has no ``dc``."""
    lstm.dh = dh
    if isinstance(lstm, TimeLSTM):
        lstm.dc = dc


class LSTM:
    """One LSTM step. Wx : (D, 4H), Wh : (H, 4H), b : (4H,); column blocks f, g, i, o."""

    def __init__(self, Wx: AnyArray, Wh: AnyArray, b: AnyArray, *, backend: BackendLike | None = None) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [Wx, Wh, b]
        self.grads = gradient_buffers(Wx=Wx, Wh=Wh, b=b)
        self._cache: Any = None

    def forward(self, x: AnyArray, h_prev: AnyArray, c_prev: AnyArray) -> tuple[Array, Array]:
        """x : (N, D), h_prev, c_prev : (N, H) -> h_next, c_next : (N, H). Raises ValueError."""
        Wx, Wh, b = self.params
        kernels = self.backend.kernels_for(x, Wx, h_prev, c_prev)
        _, h, c, self._cache = kernels.lstm_forward(one_step("x", x), Wx, Wh, b, h0=h_prev, c0=c_prev)
        return h, c

    def backward(self, dh_next: AnyArray, dc_next: AnyArray) -> tuple[Array, Array, Array]:
        """dh_next, dc_next : (N, H) or 0 -> dx (N, D), dh_prev, dc_prev (N, H); ``grads`` are overwritten."""
        Wx, Wh, _ = self.params
        dWx, dWh, db = self.grads
        kernels = self.backend.kernels_for(dh_next, Wx, dc_next)
        dh, dc = gradient_or_none(dh_next), gradient_or_none(dc_next)
        dxs, dh_prev, dc_prev, _ = kernels.lstm_backward(
            None, Wx, Wh, self._cache, dh_last=dh, dc_last=dc, dWx=dWx, dWh=dWh, db=db
        )
        return dxs[:, 0], dh_prev, dc_prev


class TimeLSTM:
    """LSTM over a sequence (batch first, one direction). Wx : (D, 4H), Wh : (H, 4H), b : (4H,), blocks f, g, i, o.

    ``stateful`` carries h and c from one forward to the next (truncated backpropagation through time); otherwise
    every forward starts at zero and leaves h and c set. ``layers``, in the book one LSTM per step, stays None: the
    whole sequence is one kernel call.

    Attributes
    ----------
    h, c : (N, H) or None
        State after the last forward.
    dh, dc : (N, H) or None
        Gradient of the initial state, after backward. (The book has no ``dc``.)
    """

    def __init__(
        self, Wx: AnyArray, Wh: AnyArray, b: AnyArray, stateful: bool = False, *, backend: BackendLike | None = None
    ) -> None:
        self.backend = get_backend(backend)
        self.params: list[Array] = [Wx, Wh, b]
        self.grads = gradient_buffers(Wx=Wx, Wh=Wh, b=b)
        self.layers = None
        self.h: Array | None = None
        self.c: Array | None = None
        self.dh: Array | None = None
        self.dc: Array | None = None
        self.stateful = flag("stateful", stateful)
        self._cache: Any = None

    def forward(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """Run the layer.

        Parameters
        ----------
        xs : (N, T, D) float
        mask : (N, T) bool or None
            Where False the step is padding: h and c pass through.

        Returns
        -------
        hs : (N, T, H) float32

        Raises
        ------
        ValueError
            Wrong type, dtype or shape; a held state of another batch size.
        """
        Wx, Wh, b = self.params  # read on every call: anyone may have changed them
        h0, c0 = (self.h, self.c) if self.stateful else (None, None)
        kernels = self.backend.kernels_for(xs, Wx, h0, c0, mask)
        hs, h, c, cache = kernels.lstm_forward(xs, Wx, Wh, b, h0=h0, c0=c0, mask=mask)
        self.h, self.c, self._cache = h, c, cache  # only after the kernel succeeded
        return self.backend.output(hs)

    def backward(
        self, dhs: AnyArray | None, dh_last: AnyArray | None = None, dc_last: AnyArray | None = None
    ) -> Array:
        """Compute the gradients; ``grads`` are overwritten, ``dh`` and ``dc`` set.

        Parameters
        ----------
        dhs : (N, T, H) or None
            Gradient of hs; None is zero.
        dh_last, dc_last : (N, H) or None
            Gradient of the state after the last step, added to what dhs brings.

        Returns
        -------
        dxs : (N, T, D) float32

        Raises
        ------
        ValueError
            Wrong type, dtype or shape; no forward before.
        """
        Wx, Wh, _ = self.params
        dWx, dWh, db = self.grads
        kernels = self.backend.kernels_for(dhs, Wx, dh_last, dc_last)
        dxs, dh, dc, _ = kernels.lstm_backward(
            dhs, Wx, Wh, self._cache, dh_last=dh_last, dc_last=dc_last, dWx=dWx, dWh=dWh, db=db
        )
        set_first_gradients(self, dh, dc)
        return self.backend.output(dxs)

    def step(self, x: AnyArray, state: tuple[Array, Array] | None) -> tuple[Array, tuple[Array, Array]]:
        """One step for inference: x (N, D), state (h, c) or None for zero -> h, next state. Own state untouched."""
        h, c = (None, None) if state is None else parts("state", state, 2, "the last step()")
        h, c = self.backend.kernels_for(x, self.params[0], h, c).lstm_step(x, *self.params, h=h, c=c)
        return self.backend.output(h), (h, c)

    def set_state(self, h: AnyArray | None, c: AnyArray | None = None) -> None:
        """Set the state, h and c : (N, H); None is zero. The arrays are read at the next forward, never written."""
        self.h, self.c = h, c

    def reset_state(self) -> None:
        """Forget the state: the next forward starts at zero."""
        self.h, self.c = None, None
