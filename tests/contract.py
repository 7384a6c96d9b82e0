"""The functions of the contract, which is composed of the parts of its operations."""

import inspect
from collections.abc import Callable
from typing import Any

from fasts2s_kernels.contract import Kernels


def functions() -> dict[str, Callable[..., Any]]:
    """Return every function that a backend has, by name, its own of the contract and those of its parts."""
    found = {name: f for part in reversed(Kernels.__mro__) for name, f in vars(part).items()}
    return {name: f for name, f in found.items() if inspect.isfunction(f) and not name.startswith("_")}
