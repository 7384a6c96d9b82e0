"""The plain twin: kernels as ordinary Python on NumPy, one vector a short array, every access bounds-checked.

``with plain.kernels():`` (or NUMBA_DISABLE_JIT=1) runs the very sources that are otherwise compiled. So a debugger
steps through them, coverage counts their lines, and an index that leaves its array is an IndexError that names both.
It is some thousand times slower.
"""

import contextlib
import ctypes
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu.environment import DISABLE_JIT


class _Switch:
    on = DISABLE_JIT


def is_on() -> bool:
    """Whether kernels run as plain Python."""
    return _Switch.on


@contextlib.contextmanager
def kernels() -> Iterator[None]:
    """Run kernels as plain Python inside, in all threads."""
    before, _Switch.on = _Switch.on, True
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _Switch.on = before


class Place:
    """A pointer of the plain twin: an array, and the number of an element in it.

    Parameters
    ----------
    elements : numpy.ndarray of one axis, or None
        None is a pointer to nothing.
    name : str
        What errors call the array.
    """

    __slots__ = ("elements", "name", "start")

    def __init__(self, elements: Any, name: str, start: int = 0) -> None:
        self.elements, self.name, self.start = elements, name, start

    def __add__(self, k: int) -> "Place":
        """Return the place k elements further; only an access is checked."""
        return Place(self.elements, self.name, self.start + k)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.elements is not None

    def nothing(self) -> "Place":
        """Return the pointer to nothing."""
        return Place(None, self.name)

    def __getitem__(self, k: int) -> Any:
        """Return one element."""
        return self.part(k, 1)[0]

    def __setitem__(self, k: int, value: Any) -> None:
        """Store one element."""
        self.part(k, 1)[0] = value

    def part(self, k: int, count: int) -> Any:
        """Return count elements from the k-th on as a view; IndexError where they leave the array."""
        first = self.start + k
        if self.elements is None or count < 0 or not 0 <= first <= first + count <= len(self.elements):
            size = "nothing" if self.elements is None else f"{len(self.elements)} elements"
            last = f" to {first + count - 1}" if count > 1 else ""
            raise IndexError(f"{self.name}: a kernel reaches for element {first}{last} of {size}")
        return self.elements[first : first + count]


def place_of(name: str, a: Array) -> Place:
    """Return the place of the first element of an array; nothing, of an array without elements."""
    if not a.size:
        return Place(None, name)
    if a.flags.c_contiguous:
        return Place(a.reshape(-1), name)
    # Rows may be strided, also backwards: the memory from the lowest element to the highest.
    low = a.ctypes.data + sum(min(0, (n - 1) * s) for n, s in zip(a.shape, a.strides, strict=True))
    high = a.ctypes.data + sum(max(0, (n - 1) * s) for n, s in zip(a.shape, a.strides, strict=True)) + a.itemsize
    memory: Any = (ctypes.c_char * (high - low)).from_address(low)
    memory.keeps = a
    return Place(np.frombuffer(memory, a.dtype), name, (a.ctypes.data - low) // a.itemsize)


def place_at(address: int, count: int) -> Place:
    """Return the place of count float32 at an address, which must stay alive; nothing, where that is 0."""
    if not address:
        return Place(None, "an array of a table")
    memory: Any = (ctypes.c_float * int(count)).from_address(int(address))
    return Place(np.frombuffer(memory, np.float32), "an array of a table")


def fields_of(record: Any) -> Any:
    """Return what a kernel reads from a record: places of its arrays, its numbers as they are."""
    values = record._asdict().items()
    return SimpleNamespace(**{k: place_of(k, v) if isinstance(v, np.ndarray) else v for k, v in values})
