"""An LSTM without a memory beside it: what the memory machine is compared with."""

from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend
from fasts2s.layers import TimeAffine, TimeLSTM, sigmoid
from fasts2s_kernels.arrays import Array


class BitsLstm:
    """Reads vectors of bits, and says vectors of bits, as :class:`fasts2s.models.NeuralTuringMachine` does."""

    def __init__(self, input_size: int, output_size: int, hidden_size: int, backend: Backend) -> None:
        Wx, Wh, b = init.recurrent(4, input_size, hidden_size, backend)
        b[:hidden_size] = 1
        self.lstm = TimeLSTM(Wx, Wh, b, backend=backend)
        self.affine = TimeAffine(*init.affine(hidden_size, output_size, backend), backend=backend)
        self.params = self.lstm.params + self.affine.params
        self.grads = self.lstm.grads + self.affine.grads
        self._cache: Any = None

    @classmethod
    def as_large_as(cls, parameters: int, input_size: int, output_size: int, backend: Backend) -> "BitsLstm":
        """Return the smallest one that has at least so many parameters."""
        H = 1
        while 4 * H * (input_size + H + 1) + output_size * (H + 1) < parameters:
            H += 1
        return cls(input_size, output_size, H, backend)

    def scores(self, xs: Array) -> Array:
        """xs (N, T, D) -> scores (N, T, O); above 0 a bit is 1."""
        return self.affine.forward(self.lstm.forward(xs))

    def forward(self, xs: Array, ts: Array) -> float:
        """Return the mean loss in nats per bit of the last outputs, which are to be ts (N, L, O)."""
        scores = self.scores(xs)
        said = scores[:, scores.shape[1] - ts.shape[1] :]
        self._cache = (scores.shape, said, ts)
        return float((np.logaddexp(0, said) - said * ts).mean())

    def backward(self) -> None:
        """Compute all gradients."""
        shape, said, ts = self._cache
        dscores = np.zeros(shape, said.dtype)
        dscores[:, shape[1] - ts.shape[1] :] = (sigmoid(said) - ts) / ts.size
        self.lstm.backward(self.affine.backward(dscores))
