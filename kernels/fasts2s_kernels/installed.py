"""What is installed of the libraries below the backends, without importing them."""

import sys
from importlib import metadata, util

#: Library -> the packages that bring it, where they are called otherwise.
_PACKAGES = {"cupy": ("cupy", "cupy-cuda13x", "cupy-cuda12x")}


def library_version(name: str) -> str:
    """Return the version of a library (numpy, numba, cupy), or "" where it is not installed."""
    if util.find_spec(name) is None:
        return ""
    for package in _PACKAGES.get(name, (name,)):
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    # Without metadata, put there by hand, a library says its version once it is imported.
    return str(getattr(sys.modules.get(name), "__version__", ""))
