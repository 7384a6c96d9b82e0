"""What the tests of exchange need that is not everywhere."""

import importlib.util

import pytest


@pytest.fixture
def torch():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    import torch  # noqa: PLC0415 # pyright: ignore[reportMissingImports] - only where it is

    return torch
