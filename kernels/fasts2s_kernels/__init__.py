"""Kernels of fasts2s: plain functions on arrays, one module per backend, one contract for all of them.

``load("numpy")`` returns the reference. The contract with every shape is :class:`fasts2s_kernels.contract.Kernels`.
"""

import importlib
from typing import TYPE_CHECKING, Any, cast

from fasts2s_kernels import blas
from fasts2s_kernels.arrays import Kernels
from fasts2s_kernels.interrupts import interrupts_held_back
from fasts2s_kernels.settings import Settings

if TYPE_CHECKING:
    from fasts2s_kernels.backends import cupy, numba, numpy

    # The proof: a function missing from a backend, or an argument dropped or renamed, is a type error here.
    _checked: list[Kernels] = [numpy, numba, cupy]

#: Backend name -> module that satisfies the contract.
MODULES = {
    "numpy": "fasts2s_kernels.backends.numpy",
    "numba": "fasts2s_kernels.backends.numba",
    "cupy": "fasts2s_kernels.backends.cupy",
}

_SETUPS = {"numba": "fasts2s_kernels.cpu.setup", "cupy": "fasts2s_kernels.gpu.setup"}

__all__ = ["MODULES", "Settings", "load", "setup_of"]


def load(name: str, settings: Settings | None = None) -> Kernels:
    """Import the kernels of a backend.

    Parameters
    ----------
    name : str
        A key of ``MODULES``.
    settings : Settings or None
        They hold for the whole process, the number of threads for the BLAS below NumPy too. None leaves them as they
        are.

    Returns
    -------
    Kernels
        The module.

    Raises
    ------
    ValueError
        Unknown name.
    """
    if name not in MODULES:
        raise ValueError(f"there are no kernels named {name!r}, expected one of {sorted(MODULES)}")
    setup = setup_of(name)
    if settings is not None:
        blas.limit(settings.threads)
        if setup is not None:
            setup.configure(settings)
    with interrupts_held_back():  # half a module would be imported again, and be there twice
        return cast(Kernels, importlib.import_module(MODULES[name]))


def setup_of(name: str) -> Any:
    """Return the module with ``configure``, ``describe`` and ``warmup`` of a backend, or None if it has none."""
    return importlib.import_module(_SETUPS[name]) if name in _SETUPS else None
