"""What the names of a text stand for when it runs: looked up without running anything of a reader's."""

import builtins
import sys
from collections.abc import Mapping
from types import FrameType, ModuleType
from typing import Any, TypeAlias

import numpy as np

from fasts2s.dropin.book.harmless import Needs
from fasts2s.dropin.book.unchanging import FUNCTIONS
from fasts2s_kernels.checks import is_cupy

#: Where names are looked for, one after the other.
Names: TypeAlias = tuple[Mapping[str, Any], ...]
_PYTHONS: dict[str, Any] = {name: getattr(builtins, name) for name in FUNCTIONS} | {"sys": sys}
_NUMBERS = frozenset({bool, int, float, complex, str, bytes})
_TYPES = _NUMBERS | {type(None), list, tuple, dict, set, frozenset, range, slice}
#: Stands for what is not there.
ABSENT: Any = object()


def of(frame: FrameType) -> Names:
    """Return the names of a frame."""
    return frame.f_locals, frame.f_globals, frame.f_builtins


def value_in(names: Names, name: str) -> Any:
    """Return what a name, which may have dots, stands for, ABSENT where it is not there.

    Attributes are those of modules, and of objects whose class has nothing under that name and no ways of its own.
    """
    if "." in name:
        before, _, last = name.rpartition(".")
        return _attribute(value_in(names, before), last)
    for space in names:
        if name in space:
            return space[name]
    return ABSENT


def _attribute(obj: Any, name: str) -> Any:
    kind: Any = type(obj)
    has_ways = kind.__getattribute__ is not object.__getattribute__ or any(
        name in vars(base) for base in kind.__mro__
    )
    if has_ways and kind is not ModuleType:
        return ABSENT
    return getattr(obj, "__dict__", {}).get(name, ABSENT)


def is_pythons(names: Names, name: str) -> bool:
    """Return whether a name stands for what Python has under it."""
    return value_in(names, name) is _PYTHONS[name]


def missing(needs: Needs, names: Names) -> str:
    """Return the first name that does not stand for what a text needs, or ""; one that is not there yet does."""
    looks = is_pythons, _is_plain, _is_number, _is_list, _is_plain
    kinds = zip(looks, needs, strict=True)
    return next((name for stands, wanted in kinds for name in sorted(wanted) if not stands(names, name)), "")


def _is_plain(names: Names, name: str) -> bool:
    """Return whether the type of a value is one of Python's, NumPy's or CuPy's own."""
    value = value_in(names, name)
    if value is ABSENT:
        return "." not in name
    if isinstance(value, np.ndarray):
        return type(value) in (np.ndarray, np.memmap) and not value.dtype.hasobject
    return type(value) in _TYPES or _counts(value) or is_cupy(value) or value is _PYTHONS.get(name, ABSENT)


def _is_number(names: Names, name: str) -> bool:
    value = value_in(names, name)
    return value is ABSENT or _counts(value)


def _counts(value: Any) -> bool:
    is_numpys = isinstance(value, np.generic) and type(value).__module__ == "numpy"
    return type(value) in _NUMBERS or is_numpys


def _is_list(names: Names, name: str) -> bool:
    value = value_in(names, name)
    return value is ABSENT or (type(value) is list and all(map(_counts, value)))
