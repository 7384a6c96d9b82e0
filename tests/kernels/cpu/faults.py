"""Mistakes planted into kernels: an index one past the end of an array, which the plain twin must refuse."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import load
from fasts2s_kernels.cpu import jit
from fasts2s_kernels.cpu.target import LANES
from tests.kernels import ops

_KERNELS = load("numba")


class Fault(NamedTuple):
    """A kernel, a text in it and what it is replaced by; the array that is left; a call that runs the kernel."""

    kernel: jit.Kernel
    old: str
    new: str
    array: str
    call: Callable[[Any], Any]


def _kernel(name: str) -> jit.Kernel:
    (found,) = [c for c in jit.REGISTRY if isinstance(c, jit.Kernel) and c.name == name]
    return found


def _call(op: ops.Op, *sizes: int) -> Callable[[Any], Any]:
    """Return a call of forward and backward with inputs of these sizes."""

    def call(rng: Any) -> None:
        inputs = ops.cast(op.case(rng, sizes), np.float32)
        inputs.pop("mask", None)
        outputs, cache = op.run(_KERNELS, inputs)
        op.back(_KERNELS, inputs, cache, ops.projection(rng, op, outputs, np.float32))

    return call


def _infer(rng: Any) -> None:
    draw: Any = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    N, T, D, H, V = 3, 2, 4, 5, LANES
    W, Wx, Wh, W_out, ids = draw(V, D), draw(D, 4 * H), draw(H, 4 * H), draw(H, V), rng.integers(0, V, (N, T))
    h = _KERNELS.lstm_encode(W, ids, Wx, Wh, None)
    _KERNELS.lstm_greedy(W, ids[:, 0], T, Wx, Wh, None, W_out, None, h=h)


_LSTM, _SOFTMAX = _call(ops.LSTM, 3, 2, 4, LANES), _call(ops.SOFTMAX_LOSS, 4, LANES)
_AFFINE = _call(ops.AFFINE, 3, 4, 5)
_EMBEDDING, _ATTENTION = _call(ops.EMBEDDING, 2, 3, 4, LANES), _call(ops.ATTENTION, 2, 3, 4, LANES)

FAULTS = [
    Fault(_kernel(name), old, new, array, call)
    for name, old, new, array, call in (
        ("lstm_rows", "a.hs + H * (T * n + t)", "a.hs + H * (T * n + t) + 1", "hs", _LSTM),
        ("lstm_gradients", "min(rows, start + group)", "min(rows, start + group) + 1", "dA", _LSTM),
        ("embedding_rows", "a.out + D * k", "a.out + D * k + 1", "out", _EMBEDDING),
        ("embedding_sums", "range(a.K)", "range(a.K + 1)", "ids", _EMBEDDING),
        ("softmax_rows", "a.xs + a.x_row * r", "a.xs + a.x_row * r + 1", "xs", _SOFTMAX),
        ("softmax_rows", "a.totals[r] = total", "a.totals[r + 1] = total", "totals", _SOFTMAX),
        ("attention_rows", "a.kept + T * S * n", "a.kept + T * S * n + 1", "kept", _ATTENTION),
        ("encode_rows", "a.out + H * (first + r)", "a.out + H * (first + r) + 1", "out", _infer),
        ("greedy_rows", "a.tops[T * (first + r) + t]", "a.tops[T * (first + r) + t + 1]", "tops", _infer),
        ("pack_scores", "a.W_out + first", "a.W_out + first + 1", "W_out", _infer),
        ("affine_panel", "(part + 1) * R // a.groups", "(part + 1) * R // a.groups + 1", "x", _AFFINE),
    )
]
