"""What draws the numbers of one trial: the same for both sides."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = dict[str, int]


@dataclass
class Dice:
    """Draws for one trial: the same for both sides.

    Attributes
    ----------
    shape : dict of str to int
        N, T, S, D, H, V: batch, time, time of the encoder, size of inputs, of states, of the vocabulary.
    dtype, given : numpy dtypes of weights and of inputs
    scale, upstream : float
        Magnitude of inputs, and of the gradients that come from above.
    """

    rng: "np.random.Generator"  # which is imported when it is asked for
    shape: Shape
    dtype: Any = np.float32
    given: Any = np.float32
    scale: float = 1.0
    upstream: float = 1.0
    kind: str = ""
    stateful: bool = False

    def sizes(self, axes: str) -> list[int]:
        """Return the sizes of axes; ``4H`` is written as ``4*H``."""
        return [int(a[0]) * self.shape[a[2:]] if a[0].isdigit() else self.shape[a] for a in axes.split()]

    def weights(self, *axes: str) -> tuple[Any, ...]:
        """Return arrays of weights."""
        return tuple(self.rng.normal(0, 0.6, self.sizes(a)).astype(self.dtype) for a in axes)

    def floats(self, axes: str, scale: float | None = None) -> Any:
        """Return an input, in the order in memory that the trial asks for."""
        return self._ordered(self.rng.normal(0, self.scale if scale is None else scale, self.sizes(axes)))

    def gradient(self, axes: str) -> Any:
        """Return a gradient that comes from above."""
        return self.floats(axes, self.upstream)

    def _ordered(self, a: Any) -> Any:
        a = a.astype(self.given)
        if self.kind == "fortran":
            return np.asfortranarray(a)
        if self.kind == "reversed":
            return np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1]
        if self.kind == "transposed":
            return np.ascontiguousarray(np.swapaxes(a, 0, 1)).swapaxes(0, 1)
        return a

    def ids(self, axes: str) -> Any:
        """Return ids, some of them twice; negative ones where the trial asks for them."""
        V = self.shape["V"]
        found = self.rng.integers(-V if self.kind == "negative" else 0, V, self.sizes(axes))
        if self.kind == "repeated":
            found[...] = found.flat[0]
        return found.astype(np.int32 if self.kind in {"int32", "ignored"} else np.int64)

    def labels(self, axes: str) -> Any:
        """Return labels: some ignored, all ignored, or one-hot, as the trial asks."""
        found = self.ids(axes)
        if self.kind == "ignored":
            found[self.rng.random(found.shape) < 0.4] = -1
            found.flat[0] = 0
        if self.kind == "all ignored":
            found[...] = -1
        if self.kind == "one-hot":
            return np.eye(self.shape["V"], dtype=np.int64)[found]
        return found
