"""Every operation of the kernel contract, ready to be timed alone, and its float64 reference.

>>> from fasts2s.bench import kernel_ops
>>> from fasts2s_kernels import load
>>> case = kernel_ops.tiny(kernel_ops.CASES[0])
>>> call = kernel_ops.build(load("numpy"), case, kernel_ops.inputs(case))
>>> sorted(call())
['out_c', 'out_h', 'out_hs']

Names of results say how the gate compares them: ``out_`` outputs and what is updated in place, ``grad_`` gradients,
``ids_`` ids.
"""

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from fasts2s.bench.cases import Case
from fasts2s.bench.kernel_cases import CASES, flops, parameter_shapes, place, tiny
from fasts2s.bench.kernel_inputs import NUMBERS, OF_BACKWARD, SLOTS, doubled, inputs
from fasts2s.bench.peer import Arrays
from fasts2s_kernels import Kernels, load

__all__ = ["CASES", "build", "flops", "inputs", "parameter_shapes", "place", "reference", "tiny"]

Call = Callable[[], Arrays]

#: Function -> the names of its results, in their order; "" is not handed on: a cache.
RESULTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("lstm_forward", "lstm_ids_forward"), ("out_hs", "out_h", "out_c", "")),
    "lstm_step": ("out_h", "out_c"),
    "lstm_backward": ("grad_xs", "grad_h0", "grad_c0", "grad_row_bias"),
    "lstm_ids_backward": ("grad_h0", "grad_c0", "grad_row_bias"),
    "lstm_encode": ("out_h",),
    "lstm_greedy": ("ids_answers",),
    **dict.fromkeys(("gru_forward", "rnn_forward"), ("out_hs", "out_h", "")),
    **dict.fromkeys(("gru_step", "rnn_step"), ("out_h",)),
    **dict.fromkeys(("gru_backward", "rnn_backward"), ("grad_xs", "grad_h0", "grad_row_bias")),
    **dict.fromkeys(("affine_forward", "embedding_forward"), ("out",)),
    "affine_backward": ("grad_x",),
    "embedding_backward": ("",),
    "softmax_loss_forward": ("out_loss", ""),
    "softmax_loss_backward": ("grad_xs",),
    "attention_forward": ("out_context", "out_weights", ""),
    "attention_backward": ("grad_hs_enc", "grad_hs_dec"),
    **dict.fromkeys(("argmax", "sample"), ("ids",)),
}

#: Numbers, and arguments that are None but must be given.
_FIXED: dict[str, dict[str, Any]] = {
    "lstm_ids_backward": {"dhs": None},
    "lstm_greedy": {"b_out": None},
    "softmax_loss_forward": {"ignore_label": -1},
    "softmax_loss_backward": {"dout": 1.0},
}


class _Backward(NamedTuple):
    """What a backward pass takes of its forward pass: arguments, whether its cache; which of them have a buffer."""

    keeps: tuple[str, ...]
    cached: bool
    buffers: tuple[str, ...] = ()


_BACKWARDS = {
    **dict.fromkeys(
        ("lstm_backward", "gru_backward", "rnn_backward"), _Backward(("Wx", "Wh"), True, ("Wx", "Wh", "b"))
    ),
    "lstm_ids_backward": _Backward(("Wh",), True, ("table", "Wh")),
    "affine_backward": _Backward(("x", "W"), False, ("W", "b")),
    "embedding_backward": _Backward(("ids",), False, ("W",)),
    "softmax_loss_backward": _Backward((), True),
    "attention_backward": _Backward((), True),
}


def build(kernels: Kernels, case: Case, inputs: Arrays) -> Call:
    """Make a case ready: do everything that is not timed, and return the call that is.

    Parameters
    ----------
    kernels
        Of any backend.
    inputs : dict
        Of :func:`inputs`, any shapes; they are not written to.

    Returns
    -------
    callable
        It calls one function of the contract once and returns its results by name, on the side of the backend.
        Gradient buffers and what is updated in place are the same arrays every time: a result is right after the
        first call.
    """
    if case.kind in SLOTS:
        return _update(kernels, case, inputs)
    if case.kind == "clip_grads":
        return _clip_grads(kernels, case, inputs)
    if case.kind == "clip_rate":
        return _clip_rate(kernels, case, inputs)
    arrays = {name: kernels.asarray(a) for name, a in inputs.items()}
    if case.kind in _BACKWARDS:
        return _backward(kernels, case, arrays)
    length = {"length": case["T"]} if case.kind == "lstm_greedy" else {}
    return _call(kernels, case.kind, {**_FIXED.get(case.kind, {}), **length, **arrays}, {})


def reference(case: Case, inputs: Arrays) -> Arrays:
    """Return the results of a case, computed by the reference kernels in float64: name -> host array of any shape."""
    return {name: np.asarray(a) for name, a in build(load("numpy"), case, doubled(inputs))().items()}


def _call(kernels: Kernels, kind: str, arguments: dict[str, Any], buffers: Arrays) -> Call:
    """Return the call of a function with these arguments; buffers are results that it fills."""
    function, names = getattr(kernels, kind), RESULTS[kind]

    def ids() -> Arrays:
        found = function(**arguments)
        return {names[0]: found.reshape(len(found), -1)}  # the gate compares rows

    def one() -> Arrays:
        found = function(**arguments)
        return {names[0]: found, **buffers} if names[0] else buffers

    def several() -> Arrays:
        found = function(**arguments)
        return {name: a for name, a in zip(names, found, strict=True) if name and a is not None} | buffers

    return ids if names[0].startswith("ids") else one if len(names) == 1 else several


def _backward(kernels: Kernels, case: Case, arrays: Arrays) -> Call:
    kept = _BACKWARDS[case.kind]
    given = {name: a for name, a in arrays.items() if name in OF_BACKWARD}
    forward = case.kind.replace("backward", "forward")
    arguments = {**_FIXED.get(case.kind, {}), **given, **{name: arrays[name] for name in kept.keeps}}
    if kept.cached:
        taken = {name: a for name, a in arrays.items() if name not in given}
        arguments["cache"] = getattr(kernels, forward)(**_FIXED.get(forward, {}), **taken)[-1]
    # NaN, because backward overwrites: what stood there before must not matter.
    buffers = {name: kernels.xp.full_like(arrays[name], np.nan) for name in kept.buffers}
    arguments |= {f"d{name}": buffer for name, buffer in buffers.items()}
    return _call(kernels, case.kind, arguments, {f"grad_{name}": buffer for name, buffer in buffers.items()})


def _lists(kernels: Kernels, inputs: Arrays) -> dict[str, list[Any]]:
    """Return copies of numbered inputs as lists on the side of the backend."""
    found: dict[str, list[Any]] = {}
    for name in sorted(inputs):
        found.setdefault(name.partition("_")[0], []).append(kernels.asarray(inputs[name].copy()))
    return found


def _results_of(lists: dict[str, list[Any]]) -> Arrays:
    """Return params as out_00, out_01 ..., slots as out_v_00 ..."""
    prefixes = {group: "out" if group in {"params", "grads"} else f"out_{group}" for group in lists}
    return {f"{prefixes[group]}_{k:02d}": a for group, arrays in lists.items() for k, a in enumerate(arrays)}


def _update(kernels: Kernels, case: Case, inputs: Arrays) -> Call:
    function, numbers, lists = getattr(kernels, case.kind), NUMBERS[case.kind], _lists(kernels, inputs)
    results = _results_of({group: arrays for group, arrays in lists.items() if group != "grads"})

    def once() -> Arrays:
        function(**lists, **numbers)
        return results

    return once


def _clip_grads(kernels: Kernels, case: Case, inputs: Arrays) -> Call:
    grads = _lists(kernels, inputs)["grads"]
    results = _results_of({"grads": grads})
    turns = count()

    def written() -> Arrays:
        # A little less every time, so that every call has something to scale.
        return {"out_norm": kernels.clip_grads(grads, case.max_grad * 0.9999 ** next(turns)), **results}

    def measured() -> Arrays:
        return {"out_norm": kernels.clip_grads(grads, None), **results}

    return written if case.max_grad else measured


def _clip_rate(kernels: Kernels, case: Case, inputs: Arrays) -> Call:
    norm = kernels.clip_grads(_lists(kernels, inputs)["grads"], None)

    def once() -> Arrays:
        return {"out_rate": kernels.clip_rate(norm, case.max_grad)}

    return once
