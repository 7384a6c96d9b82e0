"""Numba, once something is compiled: its import takes a quarter of a second, and loading kernels needs none of it."""

from importlib import import_module
from typing import Any


class Later:
    """A module that is imported when something is asked of it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


types: Any = Later("numba.core.types")
cgutils: Any = Later("numba.core.cgutils")
