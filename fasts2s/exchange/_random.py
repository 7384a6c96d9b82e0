"""NumPy's generator, from which a conversion draws nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def random_kept() -> Iterator[None]:
    """Leave NumPy's global generator as it was: new models draw weights, which are then replaced."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
