"""Mistakes planted into kernels: an index one past the end of an array, which the plain twin must refuse."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import load
from fasts2s_kernels.calling import everything
from fasts2s_kernels.cases import functions
from fasts2s_kernels.cpu import jit
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.ops.recurrent.cpu_forward import _one_step
from fasts2s_kernels.ops.recurrent.cpu_gradients import gradients
from tests.kernels.helpers import draw

_KERNELS = load("numba")


class Fault(NamedTuple):
    """A kernel, or what several share; a text in it, and another one; the array that is left; a call that runs it."""

    kernel: jit.Kernel | jit.Inline
    old: str
    new: str
    array: str
    call: Callable[[Any], Any]


def _kernel(name: str) -> jit.Kernel:
    (found,) = [c for c in jit.REGISTRY if c.name == name]
    return found


def _call(name: str, *sizes: int) -> Callable[[Any], Any]:
    """Return a call of a function, and of its forward pass, with inputs of these sizes."""
    given = set(functions()[name].inputs) - {"mask"}
    return lambda rng: everything(_KERNELS, functions()[name], draw(name, rng, *sizes, given=given, dtype=np.float32))


_LSTM, _SOFTMAX = _call("lstm_backward", 3, 2, 4, LANES), _call("softmax_loss_backward", 4, LANES)
_BEST = _call("best", 4, LANES, 2)
_AFFINE = _call("affine_backward", 3, 4, 5)
_EMBEDDING = _call("embedding_backward", 2, 3, 4, LANES)
_ATTENTION = _call("attention_backward", 2, 3, 4, LANES)
_ATTENTION_GREEDY = _call("attention_greedy", 3, 2, 4, LANES, 4, 5)
_TEXT = _call("lstm_text", 2, 2 * LANES, 3, 4, LANES)
_ENCODE, _GREEDY = _call("lstm_encode", 3, 2, LANES, 4, 5), _call("lstm_greedy", 3, 2, LANES, 4, 5)

FAULTS = [
    Fault(kernel if isinstance(kernel, jit.Inline) else _kernel(kernel), old, new, array, call)
    for kernel, old, new, array, call in (
        (_one_step, "a.hs + (a.H * (a.T * n + t) + u)", "a.hs + (a.H * (a.T * n + t) + 1)", "hs", _LSTM),
        (gradients, "min(rows, start + group)", "min(rows, start + group) + 1", "dA", _LSTM),
        ("embedding_rows", "a.out + D * k", "a.out + D * k + 1", "out", _EMBEDDING),
        ("embedding_sums", "range(a.K)", "range(a.K + 1)", "ids", _EMBEDDING),
        ("softmax_rows", "a.xs + a.x_row * r", "a.xs + a.x_row * r + 1", "xs", _SOFTMAX),
        ("softmax_rows", "a.totals[r] = total", "a.totals[r + 1] = total", "totals", _SOFTMAX),
        ("best_row", "a.tops[task] =", "a.tops[task + 1] =", "tops", _BEST),
        ("attention_rows", "a.kept + T * S * n", "a.kept + T * S * n + 1", "kept", _ATTENTION),
        ("encode_rows", "a.out + H * (first + r)", "a.out + H * (first + r) + 1", "out", _ENCODE),
        ("greedy_rows", "a.tops[T * (first + r) + t]", "a.tops[T * (first + r) + t + 1]", "tops", _GREEDY),
        ("pack_scores", "a.W_out + first", "a.W_out + first + 1", "W_out", _GREEDY),
        ("attend", "range(begin, end)", "range(begin, end + 1)", "enc", _ATTENTION_GREEDY),
        ("text_begin", "a.h0 + here[FLAT]", "a.h0 + here[FLAT] + LANES", "h0", _TEXT),
        ("text_end", "a.K * k + here[FLAT]), a.cs", "a.K * k + here[FLAT] + 1), a.cs", "c", _TEXT),
        ("affine_panel", "(part + 1) * R // a.groups", "(part + 1) * R // a.groups + 1", "x", _AFFINE),
    )
]
