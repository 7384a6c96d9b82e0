"""Whose module is it: a reader's own, or one of Python, of an installed package, of ours?"""

import os
import site
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType

_OURS = {"fasts2s", "fasts2s_kernels"}


def is_users(module: ModuleType) -> bool:
    """Return whether a module that was imported, or the script that runs, is a reader's own."""
    name = module.__name__
    if name == "__main__":
        return True
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and is_users_file(name, file)


@lru_cache(maxsize=4096)
def is_users_file(name: str, file: str) -> bool:
    """Return whether the module of this name in this file is a reader's own."""
    if name.partition(".")[0] in _OURS or not file.endswith(".py"):
        return False
    folder = _slashed(os.path.dirname(file))  # noqa: PTH120 - every module that is imported is asked about
    return not any(folder.startswith(other) for other in _others()) and "-packages/" not in folder


def _slashed(folder: str) -> str:
    return folder.replace("\\", "/") + "/"


@cache
def _others() -> tuple[str, ...]:
    """Return the folders of Python's own modules and of installed packages; a checkout may be inside of neither."""
    # What sysconfig says too, which takes three milliseconds of every start.
    found = {os.path.dirname(os.__file__), *site.getsitepackages(), site.getusersitepackages()}  # noqa: PTH120
    return tuple(map(_slashed, {path for f in found for path in (f, str(Path(f).resolve()))}))
