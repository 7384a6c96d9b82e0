"""Memory of large arrays: begins at a cache line, and is used again instead of given back to the system.

A training step makes the same large arrays as the one before. Where the C library returns their pages to the system
in between, the next step has every page mapped and cleared anew: measured, 0.9 of the 5.4 ms of a step. So memory
stays on a shelf of its size, and is given out again when no array and no view of one refers to it. Reference counts
tell: a finaliser in Python would swallow a Ctrl-C that comes while it runs.
"""

import os
import sys
import threading
from math import prod

import numpy as np

from fasts2s_kernels.contract import Array

#: Bytes from which memory is kept. What is smaller is cheap to get, and not worth the two microseconds.
FROM = 1 << 15
#: Bytes on one shelf, in use or not; what is wanted beyond them comes from the system and goes back to it.
ON_SHELF = 1 << 26
#: Bytes on all shelves together.
IN_ALL = 1 << 28
_LINE = 64


class _Block:
    """Some memory, and the floats in it from the first whole cache line on."""

    __slots__ = ("floats", "memory")

    def __init__(self, size: int) -> None:
        self.memory = np.empty(size + _LINE, np.uint8)
        start = -self.memory.ctypes.data % _LINE
        self.floats = self.memory[start : start + size].view(np.float32)

    def references(self) -> int:
        """Return how many refer to the memory; views refer to it whatever they are views of."""
        return sys.getrefcount(self.memory)


#: What a block has that nobody uses.
_UNUSED = _Block(4).references()
_shelves: dict[int, list[_Block]] = {}
_lock = threading.Lock()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()  # a thread that held it does not exist in the child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def held() -> int:
    """Return the bytes on all shelves, in use or not."""
    return sum(size * len(shelf) for size, shelf in list(_shelves.items()))


def _clear_unused() -> None:
    for shelf in _shelves.values():
        shelf[:] = [block for block in shelf if block.references() > _UNUSED]


def _rounded(size: int) -> int:
    """Return a size that few others share a shelf with: an eighth larger at most."""
    step = 1 << (size.bit_length() - 4)
    return -(-size // step) * step


def _floats(size: int) -> Array:
    """Return the floats of a block that nobody uses; the caller holds the lock."""
    shelf = _shelves.setdefault(size, [])
    for block in shelf:
        if block.references() == _UNUSED:
            return block.floats
    made = _Block(size)
    if (len(shelf) + 1) * size <= ON_SHELF:
        if held() + size > IN_ALL:
            _clear_unused()
        if held() + size <= IN_ALL:
            shelf.append(made)
    return made.floats


def empty(*shape: int) -> Array:
    """Return an uninitialised float32 array in C order."""
    count = prod(shape)
    if 4 * count < FROM:
        return np.empty(shape, np.float32)
    with _lock:
        return _floats(_rounded(4 * count))[:count].reshape(shape)
