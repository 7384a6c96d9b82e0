"""What is dropped in a training step; nothing in evaluation."""

from typing import Any

import numpy as np

from fasts2s._rows import drawn
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside


class Dropper:
    """Draws which elements stay, on the host: a seed means the same on every backend.

    Parameters
    ----------
    ratio : float
        Share that is dropped; what stays is scaled up.
    variational : bool
        The same elements at every time step.
    """

    def __init__(self, ratio: float, variational: bool) -> None:
        self.ratio, self.variational = ratio, variational
        # Seeded by NumPy's global generator, whose seed then decides; but five times as fast.
        self.rng = np.random.Generator(np.random.SFC64(np.random.randint(2**31)))

    def draw(self, like: Array, shape: tuple[int, int, int], train: bool) -> Array | None:
        """Return factors for an array (N, T, D), of the kind of like: 0 or 1 / (1 - ratio); None: all stay."""
        if not train or self.ratio == 0:
            return None
        N, T, D = shape
        wanted = (N, 1 if self.variational else T, D)
        kept = drawn(lambda shape: self.rng.random(shape, np.float32), wanted) >= self.ratio
        return beside(like, kept * like.dtype.type(1 / (1 - self.ratio)))


def dropped(x: Any, factors: Array | None, steps: slice = slice(None)) -> Any:
    """Return x (N, T, D) times the factors of its steps; x itself where nothing is dropped."""
    if factors is None or x is None:
        return x
    return x * (factors if factors.shape[1] == 1 else factors[:, steps])
