"""Asking for the book's GPU mode where it cannot be had."""

import os
import sys
from importlib.machinery import PathFinder

import pytest

from tests.dropin.conftest import STAND_IN

_PLAIN = [p for p in sys.path if p and p != STAND_IN]
ASK = "import fasts2s\ntry:\n fasts2s.patch('gpu')\nexcept (ImportError, RuntimeError) as e:\n"
ASK += " kind = ImportError if isinstance(e, ImportError) else RuntimeError\n"
ASK += " print(kind.__name__, e, fasts2s.is_patched())"


@pytest.mark.parametrize(
    ("devices", "kind", "message"),
    [
        (None, "ImportError", "CuPy is not installed: pip install 'fasts2s[cuda12]' (CUDA 12)"),
        ("0", "RuntimeError", "CuPy 14.2.0 was found, but no CUDA device"),
        ("broken", "RuntimeError", "CuPy 14.2.0 was found, but no CUDA device: cudaErrorInsufficientDriver: too old"),
    ],
)
def test_without_cupy_or_a_device_it_is_an_error(run, tmp_path, devices, kind, message):
    if devices is None and PathFinder.find_spec("cupy", _PLAIN) is not None:
        pytest.skip("CuPy is installed here")
    paths = _PLAIN if devices is None else [STAND_IN, *_PLAIN]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "STAND_IN_DEVICES": devices or "1"}
    found = run("-c", "print(1)", cwd=tmp_path, FASTS2S_BACKEND="gpu", **environment)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert found.stderr.startswith(f"python -m fasts2s: FASTS2S_BACKEND is 'gpu', but {message}")
    found = run("-c", ASK, cwd=tmp_path, plain=True, **environment)
    assert found.stdout.startswith(f"{kind} backend is 'gpu', but {message}"), found.stderr
    assert found.stdout.endswith("; or choose numpy or auto False\n")
