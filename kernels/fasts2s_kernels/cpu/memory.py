"""Memory of large arrays: begins at a cache line, and is used again instead of given back to the system.

A training step makes the same large arrays as the one before. Where the C library returns their pages to the system
in between, the next step has every page mapped and cleared anew: measured, 0.9 of the 5.4 ms of a step. So memory
stays on a shelf of its size, and is given out again when no array and no view of one refers to it. Reference counts
tell: a finaliser in Python would swallow a Ctrl-C that comes while it runs.
"""

import os
import threading
from math import prod
from sys import getrefcount

import numpy as np

from fasts2s_kernels.arrays import Array

#: Bytes from which memory is kept. What is smaller is cheap to get, and not worth the two microseconds.
FROM = 1 << 15
#: Bytes on one shelf, in use or not; what is wanted beyond them comes from the system and goes back to it.
ON_SHELF = 1 << 26
#: Bytes on all shelves together.
IN_ALL = 1 << 28
_LINE = 64


def _block(size: int) -> tuple[Array, Array]:
    """Return some memory, and the floats in it from the first whole cache line on."""
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory, memory[start : start + size].view(np.float32)


def _unused() -> int:
    """Return the references to the memory of a block that nobody uses, one of them a local variable."""
    block = _block(4)
    memory = block[0]
    return getrefcount(memory)


_UNUSED = _unused()
#: Size -> blocks: (memory, its floats). Views refer to the memory whatever they are views of.
_shelves: dict[int, list[tuple[Array, Array]]] = {}
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
        shelf[:] = [(memory, floats) for memory, floats in shelf if getrefcount(memory) > _UNUSED]


def _made(size: int) -> Array:
    """Return the floats of a new block, which is on a shelf if there is room; the caller holds the lock."""
    memory, floats = _block(size)
    shelf = _shelves.setdefault(size, [])
    if (len(shelf) + 1) * size <= ON_SHELF:
        if held() + size > IN_ALL:
            _clear_unused()
        if held() + size <= IN_ALL:
            shelf.append((memory, floats))
    return floats


def empty(*shape: int) -> Array:
    """Return an uninitialised float32 array in C order."""
    count = prod(shape)
    size = 4 * count
    if size < FROM:
        return np.empty(shape, np.float32)
    # A size that few others share a shelf with: an eighth larger at most.
    step = 1 << (size.bit_length() - 4)
    size = -(-size // step) * step
    # A training step comes here fifty times, each time in cold code: so no function is called that need not be.
    with _lock:
        for memory, floats in _shelves.get(size, ()):
            if getrefcount(memory) == _UNUSED:
                return floats[:count].reshape(shape)
        return _made(size)[:count].reshape(shape)
