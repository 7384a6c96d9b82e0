"""Fixtures of all tests: the backends under test, NaN in uninitialised memory, the data beside the checkout."""

import os
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import fasts2s
from fasts2s_kernels import MODULES, load
from fasts2s_kernels.numba_cpu import _memory

# The same examples every time, and no deadline: a slow machine is no failure.
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis.settings.load_profile("fixed")

ROOT = Path(__file__).resolve().parent.parent


def _backends():
    # FASTS2S_TEST_BACKENDS=numpy,cupy names what must run: a backend named there that cannot run fails.
    named = os.environ.get("FASTS2S_TEST_BACKENDS")
    return named.split(",") if named else list(MODULES)


@pytest.fixture(params=_backends())
def backend(request):
    """The name of every backend that runs here."""
    return request.param


@pytest.fixture
def kernels(backend):
    """The kernels of every backend that runs here."""
    return load(backend)


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def book_data():
    """Folder of the book's data files. They are third-party: a test that wants them skips where they are absent."""
    folder = Path(os.environ.get("FASTS2S_TEST_DATA", ROOT.parent / "shared" / "data" / "book"))
    if not (folder / "addition.txt.gz").exists():
        pytest.skip(f"the book's data files are not in {folder}: set FASTS2S_TEST_DATA to their folder")
    return folder


@pytest.fixture(autouse=True)
def _clean_switch(monkeypatch):
    """No test inherits or leaves a chosen backend or a random state."""
    monkeypatch.delenv("FASTS2S_BACKEND", raising=False)
    state = np.random.get_state()
    np.random.seed(20260101)
    fasts2s.set_backend(None)
    yield
    fasts2s.set_backend(None)
    np.random.set_state(state)


@pytest.fixture(autouse=True)
def _poisoned_memory(monkeypatch):
    """Uninitialised float memory holds NaN, so that reading it shows; none is used again."""
    monkeypatch.setattr(_memory, "FROM", sys.maxsize)
    empty, empty_like = np.empty, np.empty_like

    def poison(a):
        if a.dtype.kind == "f":
            a.fill(np.nan)
        return a

    monkeypatch.setattr(np, "empty", lambda *a, **k: poison(empty(*a, **k)))
    monkeypatch.setattr(np, "empty_like", lambda *a, **k: poison(empty_like(*a, **k)))
