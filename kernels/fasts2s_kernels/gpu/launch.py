"""Compiling and starting kernels: a module per set of constants, each compiled once."""

from functools import cache
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import sources
from fasts2s_kernels.gpu.device import xp

#: Shared memory of a block, in bytes, that needs no asking.
_FREE_SHARED_MEMORY = 48 * 1024
#: Threads of a block of the kernels with one element per thread.
BLOCK = 256

i32, i64, f64 = np.int32, np.int64, np.float64


@cache
def _module(name: str, defines: tuple[str, ...], cooperative: bool) -> Any:
    return xp.RawModule(
        code=sources.text(name),
        options=("-std=c++17", *defines),
        backend="nvrtc",
        enable_cooperative_groups=cooperative,
    )


@cache
def kernel(
    module: str, name: str, defines: tuple[str, ...], shared_memory: int = 0, cooperative: bool = False
) -> Any:
    """Return a kernel of a module of ``sources.PARTS``, allowed to use so much shared memory."""
    function = _module(module, defines, cooperative).get_function(name)
    if shared_memory > _FREE_SHARED_MEMORY:
        function.max_dynamic_shared_size_bytes = max(shared_memory, function.max_dynamic_shared_size_bytes)
    return function


def per_element(function: Any, size: int, *args: Any) -> None:
    """Start a kernel with one thread per element."""
    if size:
        function((blocks(size, BLOCK),), (BLOCK,), args)


def blocks(size: int, block: int) -> int:
    """Return how many blocks have at least so many threads."""
    return -(-size // block)


def contiguous(a: Any) -> Any:
    """Return an array in C order, a copy only where it is not; None stays None."""
    # As it is, for ascontiguousarray gives an array without dimensions one.
    return a if a is None or a.flags.c_contiguous else xp.ascontiguousarray(a)


def gemm(a: Array, b: Array, out: Array) -> None:
    """``out[...] = a b`` for matrices; out in C or Fortran order is written by the product itself."""
    if not a.shape[1]:
        out[...] = 0
    elif not out.size:
        return
    elif out.flags.c_contiguous:
        xp.matmul(a, b, out=out)
    elif out.flags.f_contiguous:
        xp.matmul(b.T, a.T, out=out.T)
    else:
        out[...] = xp.matmul(a, b)


def product(a: Array, b: Array) -> Array:
    """Return ``a b`` of matrices in a fresh array in C order."""
    out = xp.empty((a.shape[0], b.shape[1]), a.dtype)
    gemm(a, b, out)
    return out
