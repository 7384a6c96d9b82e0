"""Tests of what the extra ``onnx`` brings are skipped where it is not installed, unless they are required."""

import importlib.util
import os

import pytest


def require_extra():
    """Skip the test where the extra is not installed; fail where it is required."""
    missing = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        required = "onnx" in os.environ.get("FASTS2S_TEST_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)(f"{missing} are not installed: pip install 'fasts2s[onnx]'")


@pytest.fixture(autouse=True)
def _extra():
    require_extra()
