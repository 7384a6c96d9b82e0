"""Fixtures of all tests: the backends under test, NaN in uninitialised memory, the data beside the checkout.

``import cupy`` gives the stand-in of ``tests/stand_in``, whose kernels g++ builds, unless FASTS2S_TEST_BACKENDS names
cupy: then it is the real one, on a real GPU.
"""

import os
import shutil
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import fasts2s
from fasts2s_kernels import MODULES, load
from fasts2s_kernels.cpu import jit, memory
from fasts2s_kernels.cpu.launch import Launch

# The same examples every time, and no deadline: a slow machine is no failure.
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis.settings.load_profile("fixed")

# The kernels are under test, wherever a BLAS is faster; no noise decides. Read when a backend is loaded.
os.environ.setdefault("FASTS2S_BLAS", "0")

# The types of all fields of every launch are looked at.
Launch.checked = True
# Whether the cache of kernels is empty is not what tests of what is said are about.
jit._announced = True

ROOT = Path(__file__).resolve().parent.parent


def _names(variable):
    return [name for name in os.environ.get(variable, "").split(",") if name]


def _backends():
    # FASTS2S_TEST_BACKENDS=numpy,cupy names what must run: a backend named there that cannot run fails.
    return _names("FASTS2S_TEST_BACKENDS") or list(MODULES)


STANDS_IN = "cupy" not in _names("FASTS2S_TEST_BACKENDS")
if STANDS_IN:
    sys.path.insert(0, str(ROOT / "tests" / "stand_in"))


def _need_the_shim():
    # Without g++ there is no stand-in for a GPU; where FASTS2S_TEST_REQUIRE lists shim, that is no excuse.
    if STANDS_IN and shutil.which(os.environ.get("FASTS2S_TEST_CXX", "g++")) is None:
        reason = "there is no g++, which the stand-in for a GPU is built with"
        (pytest.fail if "shim" in _names("FASTS2S_TEST_REQUIRE") else pytest.skip)(reason)


@pytest.fixture(params=_backends())
def backend(request):
    """The name of every backend that runs here."""
    if request.param == "cupy":
        _need_the_shim()
    return request.param


@pytest.fixture
def kernels(backend):
    """The kernels of every backend that runs here."""
    return load(backend)


@pytest.fixture
def shim():
    """Skips, or fails, where no kernel can be built."""
    _need_the_shim()


@pytest.fixture(params=["forward", "reverse", "random"])
def thread_order(request, shim):
    """Every order in which the threads of a kernel may run; on a real GPU there is only its own."""
    if not STANDS_IN:
        yield request.param
        return
    from cupy import stand_in  # noqa: PLC0415 - what cupy is has been decided above

    with stand_in.order(request.param, 20260101):
        yield request.param


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
    monkeypatch.setattr(memory, "FROM", sys.maxsize)
    empty, empty_like = np.empty, np.empty_like

    def poison(a):
        if a.dtype.kind == "f":
            a.fill(np.nan)
        return a

    monkeypatch.setattr(np, "empty", lambda *a, **k: poison(empty(*a, **k)))
    monkeypatch.setattr(np, "empty_like", lambda *a, **k: poison(empty_like(*a, **k)))
