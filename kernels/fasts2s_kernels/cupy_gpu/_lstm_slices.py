"""The ``slices`` design: hidden units over blocks that wait for each other. See ``lstm_slices.cu``."""

from collections.abc import Iterator
from typing import Any

from fasts2s_kernels.cupy_gpu import _device, dispatch, specialisations
from fasts2s_kernels.cupy_gpu._device import xp
from fasts2s_kernels.cupy_gpu._launch import i32, kernel
from fasts2s_kernels.cupy_gpu._lstm_calls import Backward, Forward, backward_part, forward_part


def _kernel(name: str, plan: dispatch.Slices, shared_memory: int) -> Any:
    defines = specialisations.slices(plan.rows, plan.items)
    return kernel("lstm_slices", name, defines, shared_memory, cooperative=True)


def _start(function: Any, plan: dispatch.Slices, N: int, args: tuple[Any, ...], shared_memory: int) -> None:
    groups = -(-N // plan.rows)
    if plan.slices * groups > _device.device().processors:
        # CuPy would make a grid smaller without an error, and the blocks that are left would wait for ever.
        raise RuntimeError(f"{plan.slices} x {groups} blocks cannot run at once on this device")
    function((plan.slices, groups), (dispatch.SLICE_THREADS,), args, shared_mem=shared_memory)


def _parts(N: int, plan: dispatch.Slices) -> Iterator[tuple[int, int]]:
    step = plan.rows * plan.groups
    return ((start, min(N, start + step)) for start in range(0, N, step))


def forward(call: Forward, plan: dispatch.Slices) -> None:
    """Run all steps; ``call.hs`` must be there, for the blocks hand h to each other in it."""
    H, function = call.Wh.shape[0], _kernel("lstm_fwd_slices", plan, plan.forward_memory)
    for start, stop in _parts(call.N, plan):
        part = forward_part(call, start, stop)
        args = (*part[:-2], _device.counters(), i32(part.N), i32(part.T), i32(H), i32(plan.units))
        _start(function, plan, part.N, args, plan.forward_memory)


def backward(call: Backward, plan: dispatch.Slices) -> None:
    """Go back through all steps."""
    H, function = call.Wh.shape[0], _kernel("lstm_bwd_slices", plan, plan.backward_memory)
    for start, stop in _parts(call.N, plan):
        part = backward_part(call, start, stop)
        share = xp.empty((2, plan.slices, part.N, H), xp.float32)
        args = (*part[:-2], share, _device.counters(), i32(part.N), i32(part.T), i32(H), i32(plan.units))
        _start(function, plan, part.N, args, plan.backward_memory)
