"""What runs here: the libraries below the backends and their versions, and what keeps a backend from running."""

import sys
from importlib import util

from fasts2s_kernels import setup_of

#: The versions of Numba that the kernels were tested with, as ``pyproject.toml`` has them: they use parts of it that
#: it may change. Another one may run too; where it does not, this is what to install.
TESTED_NUMBA = "numba>=0.61,<0.69"

#: Library -> the packages that bring it, where they are called otherwise.
_PACKAGES = {"cupy": ("cupy", "cupy-cuda13x", "cupy-cuda12x")}


class NoDeviceError(RuntimeError):
    """A backend whose library is there finds no device that computes."""


def failure(name: str, can_compile: bool) -> ImportError | NoDeviceError | None:
    """Return what keeps a backend from running here, or None; cupy computes a tiny kernel to find out.

    ``can_compile`` : whether Numba may compile.
    """
    if name == "cupy":
        try:
            setup_of("cupy").probe()
        except ImportError as error:
            return error
        except RuntimeError as error:
            return NoDeviceError(str(error))
    elif name == "numba" and not library_version(name):
        return ImportError(f"numba is not installed (pip install '{TESTED_NUMBA}')")
    elif name == "numba" and not can_compile:
        return ImportError("NUMBA_DISABLE_JIT is set, so nothing can be compiled")
    return None


def library_version(name: str) -> str:
    """Return the version of a library (numpy, numba, cupy), or "" where it is not installed."""
    try:
        if util.find_spec(name) is None:
            return ""
    except ValueError:  # a module that somebody has made by hand in its place
        return str(getattr(sys.modules.get(name), "__version__", "unknown"))
    from importlib import metadata  # noqa: PLC0415 - 20 ms, where nobody asks for a version

    for package in _PACKAGES.get(name, (name,)):
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    # Without metadata, put there by hand, a library says its version once it is imported.
    return str(getattr(sys.modules.get(name), "__version__", ""))
