"""Asking for the book's GPU mode where it cannot be had."""

import os
import sys
from importlib.machinery import PathFinder

import pytest

from tests.dropin.conftest import STAND_IN

_PLAIN = [p for p in sys.path if p and p != STAND_IN]
ASK = "import fasts2s\ntry:\n fasts2s.patch('gpu')\nexcept Exception as e:\n print(type(e), e, fasts2s.is_patched())"


@pytest.mark.parametrize(
    ("devices", "kind", "message"),
    [
        (None, ImportError, "CuPy is not installed: pip install cupy-cuda12x (CUDA 12) or cupy-cuda13x (CUDA 13)"),
        ("0", RuntimeError, "CuPy 14.2.0 was found, but no CUDA device"),
        ("broken", RuntimeError, "CuPy 14.2.0 was found, but no CUDA device: cudaErrorInsufficientDriver: too old"),
    ],
)
def test_without_cupy_or_a_device_it_is_an_error(run, tmp_path, devices, kind, message):
    if devices is None and PathFinder.find_spec("cupy", _PLAIN) is not None:
        pytest.skip("CuPy is installed here")
    paths = _PLAIN if devices is None else [STAND_IN, *_PLAIN]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "STAND_IN_DEVICES": devices or "1"}
    found = run("-c", "print(1)", cwd=tmp_path, FASTS2S_BACKEND="gpu", **environment)
    assert (found.returncode, found.stdout, found.stderr) == (2, "", f"python -m fasts2s: {message}\n")
    found = run("-c", ASK, cwd=tmp_path, plain=True, **environment)
    assert found.stdout == f"{kind} {message} False\n", found.stderr
