"""Bidirectional LSTM. Source: the book, section 8.5."""

from typing import Any, NoReturn, TypeAlias

import numpy as np

from fasts2s.backend import BackendLike
from fasts2s.layers._transaction import all_or_nothing
from fasts2s.layers.lstm import TimeLSTM
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.either import as_array, weight
from fasts2s_kernels.quiet import quiet

State: TypeAlias = tuple[Array, Array] | None


class TimeBiLSTM:
    """Two TimeLSTM side by side, the second on the reversed sequence; outputs concatenated, (N, T, 2H).

    Wx1, Wx2 : (D, 4H), Wh1, Wh2 : (H, 4H), b1, b2 : (4H,).
    """

    def __init__(
        self,
        Wx1: AnyArray,
        Wh1: AnyArray,
        b1: AnyArray,
        Wx2: AnyArray,
        Wh2: AnyArray,
        b2: AnyArray,
        stateful: bool = False,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        self.forward_lstm = TimeLSTM(Wx1, Wh1, b1, stateful, backend=backend)
        self.backward_lstm = TimeLSTM(Wx2, Wh2, b2, stateful, backend=backend)
        self.params = self.forward_lstm.params + self.backward_lstm.params
        self.grads = self.forward_lstm.grads + self.backward_lstm.grads

    @quiet
    def forward(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T, D), mask : (N, T) bool or None -> hs (N, T, 2H) float32. Raises ValueError."""
        with all_or_nothing([self.forward_lstm, self.backward_lstm]):
            o1 = self.forward_lstm.forward(xs, mask)
            o2 = self.backward_lstm.forward(xs[:, ::-1], None if mask is None else mask[:, ::-1])
        return np.concatenate((o1, o2[:, ::-1]), axis=2)

    @quiet
    def backward(self, dhs: AnyArray) -> Array:
        """dhs : (N, T, 2H) -> dxs (N, T, D) float32; ``grads`` are overwritten. Raises ValueError."""
        dhs = as_array("dhs", dhs, "a float array (N, T, 2H)")
        H = weight("Wh1", self.forward_lstm.params[1], "(H, 4H)", 2).shape[0]
        if dhs.ndim != 3 or dhs.shape[2] != 2 * H:
            raise ValueError(f"dhs has shape {dhs.shape}, expected (N, T, 2H) with 2H = {2 * H}")
        dxs1 = self.forward_lstm.backward(dhs[:, :, :H])
        dxs2 = self.backward_lstm.backward(dhs[:, ::-1, H:])
        return dxs1 + dxs2[:, ::-1]

    def step(self, x: Any, state: Any = None) -> NoReturn:
        """Raise ValueError: a single step x (N, D) is not enough, one half begins at the end of the text."""
        raise ValueError(
            "a TimeBiLSTM has no single step: it reads the text backwards too, from a last word that is not there "
            "yet; expected a layer that reads forwards, such as TimeLSTM, where a model goes on word by word"
        )

    def set_state(self, forward: State, backward: State) -> None:
        """Set the states of both directions, each a pair (h, c) of (N, H); None is zero. Raises ValueError."""
        for name, state in (("forward", forward), ("backward", backward)):
            if state is not None and not (isinstance(state, tuple | list) and len(state) == 2):
                raise ValueError(f"{name} is of type {type(state).__name__}, expected a pair (h, c) or None")
        self.forward_lstm.set_state(*(forward or (None, None)))
        self.backward_lstm.set_state(*(backward or (None, None)))

    def reset_state(self) -> None:
        """Forget the states: the next forward starts at zero."""
        self.set_state(None, None)
