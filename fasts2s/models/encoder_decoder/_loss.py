"""Cross entropy with smoothed labels. Source: Szegedy et al. 2016, section 7."""

from typing import Any

import numpy as np

from fasts2s.backend import Backend
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside


class SmoothedLoss:
    """Mean over all labels that are not padding; ``share`` of a label's weight is spread evenly over all V words.

    With scores x, label t and share e the loss is ``cross entropy + e (x_t - mean(x))``: so the kernel of the cross
    entropy does the work.
    """

    def __init__(self, share: float, pad: int, backend: Backend) -> None:
        self.share, self.pad, self.backend = share, pad, backend
        self._cache: Any = None

    def forward(self, scores: Array, ts: Array, share: float | None = None) -> Any:
        """scores (N, T, V), ts (N, T) ids -> loss in nats per counted label; share : another one, for this call."""
        N, T, V = scores.shape
        rows, share = scores.reshape(N * T, V), self.share if share is None else share
        labels = beside(scores, ts.reshape(N * T))
        loss, cache = self.backend.kernels_for(scores).softmax_loss_forward(rows, labels, ignore_label=self.pad)
        counted = np.flatnonzero(labels != self.pad) if share else np.zeros(0, np.int64)
        self._cache = (cache, scores.shape, labels, counted, share, rows[:0])
        if counted.size == 0:
            return loss
        above = rows[counted, labels[counted]] - rows[counted].mean(axis=1, dtype=np.float64)
        return loss + share * above.mean(dtype=np.float64)

    def backward(self, dout: float = 1) -> Array:
        """Return the gradient of the scores (N, T, V), times the number dout."""
        cache, shape, labels, counted, share, like = self._cache
        dscores = self.backend.kernels_for(like).softmax_loss_backward(dout, cache)
        if counted.size:
            rate = share * dout / counted.size
            dscores = dscores.copy()
            dscores[counted] -= rate / shape[2]
            dscores[counted, labels[counted]] += rate
        return dscores.reshape(shape)
