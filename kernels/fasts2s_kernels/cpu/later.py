"""Numba, once something is compiled: its import takes a quarter of a second, and loading kernels needs none of it."""

from importlib import import_module
from typing import Any


class Later:
    """A module that is imported when something is asked of it. An import that fails is tried once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._failed = ""

    def __getattr__(self, name: str) -> Any:
        if self._failed:
            raise ImportError(self._failed)
        try:
            module = import_module(self._name)
        except Exception as error:  # whatever stands beside a script may be imported in the place of what Numba wants
            self._failed = f"Numba cannot be imported: {type(error).__name__}: {error}"
            raise
        return getattr(module, name)


types: Any = Later("numba.core.types")
cgutils: Any = Later("numba.core.cgutils")
