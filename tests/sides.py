"""Arrays of tests on the side where a backend works, and back."""

import importlib.util

import numpy as np
import pytest

from fasts2s.backend import get_backend, to_cpu


def put(backend, *arrays):
    """Return the arrays where a backend (a name or a Backend) works; one array as itself, several as a list."""
    kernels = get_backend(backend).kernels()
    moved = [kernels.asarray(a) if isinstance(a, np.ndarray | np.generic) else a for a in arrays]
    return moved[0] if len(moved) == 1 else moved


def fetch(arrays):
    """Return a list of arrays on the host."""
    return [to_cpu(a) for a in arrays]


def skip_on_the_stand_in(backend):
    """Skip a test that would take minutes on the stand-in for a GPU."""
    if backend == "cupy" and importlib.util.find_spec("cupy.stand_in") is not None:
        pytest.skip("takes minutes on the stand-in for a GPU")
