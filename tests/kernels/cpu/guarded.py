"""Arrays beside memory that must not be touched: one element too far, and the process dies of it at once.

An array lies at the end of its pages, before one that cannot be accessed, or at their beginning, after one. Inputs
are read-only to the processor too. While kernels run, NumPy makes all arrays that way: outputs, caches, working
memory.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from fasts2s_kernels import letters
from fasts2s_kernels.calling import everything, host, reference
from fasts2s_kernels.cases import Function, whole
from fasts2s_kernels.cpu import memory as _memory
from fasts2s_kernels.drawing import values
from tests.kernels.cpu.training import kernels, parallel_always
from tests.kernels.helpers import assert_results

PAGE = mmap.PAGESIZE
_NO_ACCESS, _READ = 0, 1  # PROT_NONE, PROT_READ


@cache
def _mprotect() -> Any:
    function = ctypes.CDLL(None, use_errno=True).mprotect
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function


def _protect(address: int, size: int, access: int) -> None:
    if _mprotect()(address, size, access):
        raise OSError(ctypes.get_errno(), "mprotect")


class Place:
    """Where arrays lie: at the end or the beginning of their pages, and how far apart their rows are.

    ``gap`` numbers lie between the rows of an array of several dimensions, ``shift`` bytes between it and the page
    that cannot be accessed.
    """

    def __init__(self, at_end: bool, gap: int = 0, shift: int = 0) -> None:
        self.at_end, self.gap, self.shift = at_end, gap, shift

    def memory(self, size: int) -> tuple[Any, int, int]:
        """Return size bytes, and address and size of the pages that hold them."""
        inner = -(-(size + self.shift) // PAGE) * PAGE
        pages = mmap.mmap(-1, inner + 2 * PAGE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        _protect(first, PAGE, _NO_ACCESS)
        _protect(first + PAGE + inner, PAGE, _NO_ACCESS)
        start = PAGE + (inner - size - self.shift if self.at_end else self.shift)
        return np.frombuffer(pages, np.uint8)[start : start + size], first + PAGE, inner

    def empty(self, shape: Any, dtype: Any = float) -> Any:
        """Return an array in C order, filled with NaN where it can be."""
        wanted = np.dtype(dtype)
        shape = tuple(shape) if isinstance(shape, tuple | list) else (int(shape),)
        size = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
        if not size or wanted.kind not in "fiub":
            return _plain["empty"](shape, wanted)
        a = self.memory(size)[0].view(wanted).reshape(shape)
        if wanted.kind == "f":
            a.fill(np.nan)
        return a

    def put(self, a: Any, written: bool = False) -> Any:
        """Return a copy of an input, which cannot be written to; of what a call writes to, one that can."""
        a = np.asarray(a)
        if not a.size:
            return a
        turned = a.flags.f_contiguous and not a.flags.c_contiguous
        a = a.T if turned else a
        gap = self.gap if a.ndim > 1 else 0
        wide = (*a.shape[:-1], a.shape[-1] + gap) if gap else a.shape
        bytes_, pages, inner = self.memory(int(np.prod(wide)) * a.itemsize)
        whole = bytes_.view(a.dtype).reshape(wide)
        copy = whole if not gap else whole[..., gap:] if self.at_end else whole[..., : a.shape[-1]]
        copy[...] = a
        if not written:
            _protect(pages, inner, _READ)
            copy.flags.writeable = False
        return copy.T if turned else copy


_plain: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in ("empty", "zeros", "ones", "full")}


@contextmanager
def arrays_at(place: Place) -> Iterator[None]:
    """Let NumPy make arrays there."""

    def filled(value: Any) -> Callable[..., Any]:
        def make(shape: Any, dtype: Any = float, order: str = "C") -> Any:
            a = place.empty(shape, dtype)
            a[...] = value
            return a

        return make

    before, _memory.FROM = _memory.FROM, sys.maxsize  # each array its own pages
    np.empty = lambda shape, dtype=float, order="C": place.empty(shape, dtype)
    np.zeros, np.ones = filled(0), filled(1)
    np.full = lambda shape, value, dtype=None, order="C": filled(value)(shape, dtype or np.asarray(value).dtype)
    try:
        yield
    finally:
        _memory.FROM = before
        for name, function in _plain.items():
            setattr(np, name, function)


PLACES = {
    "end": Place(True),
    "beginning": Place(False),
    "end, rows apart": Place(True, gap=3),
    "beginning, rows apart": Place(False, gap=5),
    "odd address": Place(True, shift=1),
}

_H = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 130)
_D = (7, 1, 16, 33, 3, 17, 65, 2, 15, 1, 31, 5, 64, 4, 13, 32, 70)
_N = (1, 2, 3, 4, 5, 7, 25, 13, 1, 3, 49, 2, 6, 24, 1, 97, 3)
_T = (1, 3, 2, 5, 1, 2, 4, 11, 7, 2, 1, 3, 2, 3, 1, 3, 2)
_WIDE = (1, 13, 65, 2, 15, 16, 17, 31, 33, 7, 64, 63, 130, 257, 5, 8, 1000)
#: Letter -> odd sizes around whole vectors, panels of columns, and blocks of rows of every processor.
SIZES = {"N": _N, "T": _T, "D": _D, "H": _H, "S": _D, "M": _WIDE, "V": _WIDE, "R": (*_N[:-1], 300), "K": _D}


def _sizes(function: Function) -> list[dict[str, int]]:
    usual = [function.fitted({letter: SIZES[letter][k] for letter in function.letters}) for k in range(len(_N))]
    return usual + [
        {letter: (letters.SIZES | sizes)[letter] for letter in function.letters} for sizes, _ in function.hard
    ]


def operations(place: str, workers: int, seed: int) -> int:
    """Run every second case of all functions in guarded memory; return how many.

    In a place one worker has those that several have not, and in the next place the others: every case meets every
    place, and one worker as well as several.
    """
    parallel_always(workers)
    first = (list(PLACES).index(place) + (workers > 1)) % 2
    todo = [(function, sizes) for function in whole() for sizes in _sizes(function)][first::2]
    for function, sizes in todo:
        print(function.name, sizes, flush=True)  # who dies has said of what
        _check(function, sizes, PLACES[place], seed)
    return len(todo)


def _check(function: Function, sizes: dict[str, int], place: Place, seed: int) -> None:
    given = function.inputs if seed == 0 else None
    drawn = values(function, np.random.default_rng([seed, *sizes.values()]), sizes, dtype=np.float32, given=given)
    wanted = reference(function, drawn)
    with arrays_at(place):
        found = everything(kernels(), function, drawn, place.put)
    assert_results(f"{function.name} {sizes}", host(kernels(), found), wanted)


def touch(place: str, offset: int) -> float:
    """Read beside a guarded array, which must be fatal: the test of the test."""
    a = PLACES[place].put(np.ones(5, np.float32))
    return float(ctypes.c_float.from_address(a.ctypes.data + offset).value)


def write_to_input() -> None:
    """Write to a guarded input behind NumPy's back."""
    a = PLACES["end"].put(np.ones(5, np.float32))
    ctypes.c_float.from_address(a.ctypes.data).value = 2
