"""The BLAS below NumPy: what it is called, and its number of threads, which NumPy has no function for."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def name() -> str:
    """Return name and version of the BLAS that NumPy was built with."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def thread_setter() -> Callable[[int], Any] | None:
    """Return what sets the number of threads of the OpenBLAS in NumPy's wheel; None where it is not found."""
    package = Path(np.__file__).parent
    for library in [*(package.parent / "numpy.libs").glob("*openblas*"), *(package / ".dylibs").glob("*openblas*")]:
        opened = ctypes.CDLL(str(library))
        for function in ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads"):
            if hasattr(opened, function):
                return getattr(opened, function)  # type: ignore[no-any-return]
    return None
