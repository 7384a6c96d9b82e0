"""``np.int``, ``np.float`` and the other names that NumPy has taken away, for a reader's own code: ``--old-numpy``.

NumPy asks its ``__getattr__`` for a name that it does not have. Ours answers for the old ones, if it is not a library
that asks (some look whether the name is there), and says once for each line which name stands where.
"""

import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.dropin.run.repairs import say, undone_by

#: Name -> what it was, and the NumPy without it.
_OLD: dict[str, tuple[Any, str]] = {
    "int": (int, "1.24"),
    "float": (float, "1.24"),
    "complex": (complex, "1.24"),
    "object": (object, "1.24"),
    "str": (str, "1.24"),
    "unicode": (str, "1.24"),
    "float_": (np.float64, "2.0"),
    "complex_": (np.complex128, "2.0"),
    "unicode_": (np.str_, "2.0"),
    "string_": (np.bytes_, "2.0"),
    "Inf": (np.inf, "2.0"),
    "NaN": (np.nan, "2.0"),
    "row_stack": (np.vstack, "2.0"),
    "product": (np.prod, "2.0"),
}
_LIBRARIES = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")]


@cache  # some ask again and again, in a loop
def _is_the_readers(module: str, file: str) -> bool:
    """Return whether code is no library's, and not ours."""
    if module.partition(".")[0] in {"fasts2s", "fasts2s_kernels", "numpy"}:
        return False
    return not any(folder in Path(file).resolve().parents for folder in _LIBRARIES)


def bring_back() -> None:
    """Have NumPy know its old names again, until :func:`fasts2s.dropin.run.repairs.undo`."""
    module: Any = np
    theirs = module.__getattr__

    def found(name: str) -> Any:
        if name in _OLD:
            frame = sys._getframe(1)
            file = frame.f_code.co_filename
            if _is_the_readers(frame.f_globals.get("__name__", ""), file):
                value, version = _OLD[name]
                meant = getattr(value, "__name__", value)
                say(f"np.{name} means {meant} in {file}, line {frame.f_lineno} (gone since NumPy {version})")
                return value
        return theirs(name)

    module.__getattr__ = found
    undone_by(lambda: setattr(module, "__getattr__", theirs))
