"""A plugin of pytest (``-p gpu.no_pool``): CuPy without its memory pools, which hide overruns from the sanitizer."""

import importlib
from typing import Any


def pytest_sessionstart() -> None:
    """Let every array have memory of its own; after the conftest has chosen which CuPy there is."""
    cuda: Any = importlib.import_module("cupy").cuda
    cuda.set_allocator(None)
    cuda.set_pinned_memory_allocator(None)
