"""The ``slices`` design: hidden units over blocks that wait for each other. See ``lstm_slices.cu``."""

from collections.abc import Iterator
from typing import Any

from fasts2s_kernels.gpu import device as _device
from fasts2s_kernels.gpu import dispatch, specialisations
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import i32, kernel
from fasts2s_kernels.ops.lstm.gpu_calls import Backward, Call, Forward, part


def _kernel(name: str, plan: dispatch.Slices, shared_memory: int) -> Any:
    defines = specialisations.slices(plan.rows, plan.items)
    return kernel("lstm_slices", name, defines, shared_memory, cooperative=True)


def _start(function: Any, plan: dispatch.Slices, N: int, args: tuple[Any, ...], shared_memory: int) -> None:
    groups = -(-N // plan.rows)
    if plan.slices * groups > _device.device().processors:
        # CuPy would make a grid smaller without an error, and the blocks that are left would wait for ever.
        raise RuntimeError(f"{plan.slices} x {groups} blocks cannot run at once on this device")
    function((plan.slices, groups), (dispatch.SLICE_THREADS,), args, shared_mem=shared_memory)


def _parts(call: Call, plan: dispatch.Slices) -> Iterator[Call]:
    """Yield the call by as many rows of the batch as one launch has."""
    step = plan.rows * plan.groups
    return (part(call, start, min(call.N, start + step)) for start in range(0, call.N, step))


def forward(call: Forward, plan: dispatch.Slices) -> None:
    """Run all steps; ``call.hs`` must be there, for the blocks hand h to each other in it."""
    H, function = call.Wh.shape[0], _kernel("lstm_fwd_slices", plan, plan.forward_memory)
    for some in _parts(call, plan):
        args = (*some[:-2], _device.counters(), i32(some.N), i32(some.T), i32(H), i32(plan.units))
        _start(function, plan, some.N, args, plan.forward_memory)


def backward(call: Backward, plan: dispatch.Slices) -> None:
    """Go back through all steps."""
    H, function = call.Wh.shape[0], _kernel("lstm_bwd_slices", plan, plan.backward_memory)
    for some in _parts(call, plan):
        share = xp.empty((2, plan.slices, some.N, H), xp.float32)
        args = (*some[:-2], share, _device.counters(), i32(some.N), i32(some.T), i32(H), i32(plan.units))
        _start(function, plan, some.N, args, plan.backward_memory)
