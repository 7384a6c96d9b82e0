"""Memory of large arrays: begins at a cache line, and is used again instead of given back to the system.

A training step makes the same large arrays as the one before. Where the C library returns their pages to the system
in between, the next step has every page mapped and cleared anew: measured, 0.9 of the 5.4 ms of a step. So memory
goes to a shelf of its size when the array, and every view of it, is gone.
"""

from math import prod
from typing import Any

import numpy as np

from fasts2s_kernels.contract import Array

#: Bytes from which memory is kept. What is smaller is cheap to get, and not worth the two microseconds.
FROM = 1 << 15
#: Bytes on one shelf; what comes back beyond them is given to the system.
ON_SHELF = 1 << 26
#: Bytes on all shelves together: with more they are cleared when a size is missing, as the sizes in use have changed.
IN_ALL = 1 << 28
_LINE = 64


class _Block:
    """Some memory, and the address of the first whole cache line in it."""

    __slots__ = ("address", "memory", "size")

    def __init__(self, size: int) -> None:
        self.size, self.memory = size, np.empty(size + _LINE, np.uint8)
        self.address = -(-self.memory.ctypes.data // _LINE) * _LINE


#: Size -> blocks that nobody uses. Only single operations on it, which threads cannot interrupt: blocks come back
#: whenever an array dies, also in the middle of what is done here.
_shelves: dict[int, list[_Block]] = {}


class _Lease:
    """The owner of an array's memory, which puts it on its shelf when the array is gone."""

    __slots__ = ("__array_interface__", "_block")

    def __init__(self, block: _Block, shape: tuple[int, ...]) -> None:
        self._block = block
        self.__array_interface__ = {"shape": shape, "typestr": "=f4", "data": (block.address, False), "version": 3}

    def __del__(self, shelves: dict[int, list[_Block]] = _shelves, most: int = ON_SHELF) -> None:
        # Defaults, because the names of a module are gone when the interpreter ends.
        size = self._block.size
        shelf = shelves.setdefault(size, [])
        if (len(shelf) + 1) * size <= most:
            shelf.append(self._block)


def held() -> int:
    """Return the bytes on all shelves."""
    return sum(size * len(shelf) for size, shelf in list(_shelves.items()))


def _rounded(size: int) -> int:
    """Return a size that few others share a shelf with: an eighth larger at most."""
    step = 1 << (size.bit_length() - 4)
    return -(-size // step) * step


def empty(*shape: int) -> Array:
    """Return an uninitialised float32 array in C order."""
    size = 4 * prod(shape)
    if size < FROM:
        return np.empty(shape, np.float32)
    size = _rounded(size)
    try:
        block = _shelves[size].pop()
    except (KeyError, IndexError):
        if held() > IN_ALL:
            _shelves.clear()
        block = _Block(size)
    lease: Any = _Lease(block, shape)
    return np.asarray(lease)
