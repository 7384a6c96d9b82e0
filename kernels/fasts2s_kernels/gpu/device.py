"""CuPy, and what the device in use can do. The one place where CuPy is imported."""

from functools import cache
from typing import Any

import cupy  # pyright: ignore[reportMissingImports]

from fasts2s_kernels.gpu.dispatch import Device

xp: Any = cupy


def device() -> Device:
    """Return the limits of the device in use."""
    return _limits(cupy.cuda.Device().id)


@cache
def _limits(index: int) -> Device:
    found = cupy.cuda.Device(index)
    attributes = found.attributes
    return Device(
        int(found.compute_capability),
        int(attributes["MultiProcessorCount"]),
        int(attributes["MaxSharedMemoryPerBlockOptin"]),
    )


@cache
def _zeros(index: int, stream: int) -> Any:
    # Kernels leave the counters at zero, so one set for every stream is enough: its launches follow each other.
    return cupy.zeros(1024, cupy.uint32)


def counters() -> Any:
    """Return counters (1024,) of zeros for a kernel that sets them back when it ends."""
    return _zeros(cupy.cuda.Device().id, cupy.cuda.get_current_stream().ptr)


def synchronize() -> None:
    """Wait until everything that was started has been done."""
    cupy.cuda.get_current_stream().synchronize()
