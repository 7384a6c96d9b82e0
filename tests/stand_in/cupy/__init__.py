"""A stand-in for CuPy on machines without a GPU: behaves as CuPy 14, computes with NumPy, runs CUDA text with g++.

Written after reading ``_core/core.pyx``, ``_core/_scalar.pyx``, ``_core/_routines_indexing.pyx`` and
``cuda/function.pyx`` of CuPy 15.0.0a1 and trying the wheel of CuPy 14.2.0 without a device. Arrays are not NumPy's:
they do not become NumPy arrays unasked, do not mix with them in arithmetic, keep zero dimensions, and wrap indices
out of range. Stricter than CuPy on purpose: ``cupy.random`` and ``cuda.set_allocator`` fail, for nothing may use
them; kernels take only what fits exactly (``_module``), and memory has guard pads (``_memory``). What only tests
want, counts and switches, is in :mod:`cupy.stand_in`.
"""

from types import ModuleType

import numpy as _np

from cupy import cuda, stand_in
from cupy._array import ndarray
from cupy._creation import *
from cupy._functions import *
from cupy._functions import add, c_, ufunc
from cupy._module import RawModule

__version__ = "14.2.0"
bool_, dtype, generic = _np.bool_, _np.dtype, _np.generic
float16, float32, float64 = _np.float16, _np.float32, _np.float64
int8, int16, int32, int64, intp = _np.int8, _np.int16, _np.int32, _np.int64, _np.intp
uint8, uint16, uint32, uint64, uintp = _np.uint8, _np.uint16, _np.uint32, _np.uint64, _np.uintp
floating, integer = _np.floating, _np.integer
newaxis, pi, inf, nan, e = None, _np.pi, _np.inf, _np.nan, _np.e
finfo, iinfo, isscalar = _np.finfo, _np.iinfo, _np.isscalar


class _Forbidden(ModuleType):
    def __getattr__(self, name):
        raise AssertionError(f"{self.__name__}.{name} was asked for")


random = _Forbidden("cupy.random")


class _Pool:
    """The pools of memory: they say that nothing is kept."""

    def used_bytes(self):
        return 0

    total_bytes = n_free_blocks = used_bytes

    def free_all_blocks(self, stream=None):
        pass

    free_all_free = free_all_blocks

    def set_limit(self, size=None, fraction=None):
        pass


_pools = _Pool(), _Pool()


def get_default_memory_pool():
    return _pools[0]


def get_default_pinned_memory_pool():
    return _pools[1]
