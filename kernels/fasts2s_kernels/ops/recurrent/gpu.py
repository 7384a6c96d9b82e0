"""What the recurrent layers share: products over all steps, gradients of the weights, sums in a fixed order."""

from collections.abc import Iterable
from typing import Any

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import blocks, contiguous, gemm, i32, i64, kernel, product
from fasts2s_kernels.gpu.specialisations import number


def is_wide(a: Array) -> bool:
    """Return whether an array is float64."""
    return bool(a.dtype == xp.float64)


def column_sums(a: Array) -> Array:
    """Sum a (B, K, M) over its middle axis, in a fixed order: (B, M)."""
    B, K, M = a.shape
    if not a.size:
        return xp.zeros((B, M), a.dtype)
    out = xp.empty((B, M), a.dtype)
    shared = 32 * 33 * a.dtype.itemsize
    function = kernel("sums", "column_sums", number(is_wide(a)))
    function((blocks(M, 32), B), (1024,), (contiguous(a), out, i64(K), i32(M)), shared_mem=shared)
    return out


def sequence(
    gates: int, xs: Any, Wx: Any, Wh: Any, b: Any, states: dict[str, Any], row_bias: Any, mask: Any
) -> tuple[checks.Sequence, dict[str, Array | None]]:
    """Check the inputs of a forward call; return them, and the states by name, None for zeros."""
    inputs.on_device(xs=xs, Wx=Wx, Wh=Wh, b=b, row_bias=row_bias, **states)
    if mask is not None and getattr(xs, "ndim", 0) == 3:
        mask = inputs.mask("mask", mask, xs.shape[:2], "(N, T)")
    seq = checks.sequence(gates, xs, Wx, Wh, b, states, row_bias, mask)
    return seq, by_name(states, seq.states)


def by_name(names: Iterable[str], arrays: list[Array | None]) -> dict[str, Array | None]:
    """Return checked arrays by name in C order: kernels take a null pointer, None, for zeros."""
    return {name: contiguous(a) for name, a in zip(names, arrays, strict=True)}


def input_products(seq: checks.Sequence) -> Array:
    """Return x Wx of all steps: (N, T, gH)."""
    N, T, D = seq.xs.shape
    return product(seq.xs.reshape(N * T, D), seq.Wx).reshape(N, T, seq.Wx.shape[1])


def gradients(
    gates: int, dhs: Any, seq: checks.Sequence, Wx: Any, Wh: Any, lasts: dict[str, Any], buffers: tuple[Any, Any, Any]
) -> tuple[Array | None, Array, Array, dict[str, Array | None], tuple[Array, Array, Array | None]]:
    """Check the inputs of a backward call; the gradients of the last states come back by name, None for zeros."""
    dWx, dWh, db = buffers
    inputs.on_device(dhs=dhs, Wx=Wx, Wh=Wh, dWx=dWx, dWh=dWh, db=db, **lasts)
    dhs, Wx, Wh, last, checked = checks.gradients(gates, dhs, seq, Wx, Wh, lasts, buffers)
    return contiguous(dhs), Wx, Wh, by_name(lasts, last), checked


def fresh_state(a: Array | None, like: Array, shape: tuple[int, int]) -> Array:
    """Return a copy of a state (N, H), or zeros for None, in the dtype of ``like``."""
    return xp.zeros(shape, like.dtype) if a is None else a.copy()


def input_gradients(seq: checks.Sequence, Wx: Array, dA: Array, buffers: tuple[Array, Array | None]) -> Array:
    """Write dWx and db from dA (N, T, gH); return dxs (N, T, D)."""
    (N, T, D), (dWx, db) = seq.xs.shape, buffers
    rows, x = dA.reshape(N * T, dA.shape[2]), seq.xs.reshape(N * T, D)
    gemm(x.T, rows, dWx)
    if db is not None:
        db[...] = column_sums(rows[None])[0]
    return product(rows, Wx.T).reshape(N, T, D)


def row_bias_gradient(seq: checks.Sequence, dA: Array) -> Array | None:
    """Return the sum of dA over time (N, gH), or None where there was no row_bias."""
    return None if seq.row_bias is None else column_sums(dA)
