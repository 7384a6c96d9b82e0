"""Devices, streams and pinned memory."""

import ctypes

from cupy import _device
from cupy._state import counts
from cupy.cuda import compiler, driver, runtime

__all__ = ["Device", "MemoryPool", "Stream", "alloc_pinned_memory", "compiler", "driver", "runtime"]


def is_available():
    return runtime.getDeviceCount() > 0


class Device:
    """The device, as :mod:`cupy.stand_in` describes it."""

    def __init__(self, device=None):
        self.id = 0 if device is None else int(device)
        if self.id:
            raise runtime.CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    attributes = property(lambda self: dict(_device.attributes()))
    compute_capability = property(lambda self: _device.capability())
    mem_info = property(lambda self: (1 << 36, 1 << 36))

    def synchronize(self):
        counts.synchronizations += 1

    def use(self):
        return self

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return self.id

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Stream:
    """A stream; everything has been done when a call returns."""

    ptr = 0
    null: "Stream"

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.null_stream = null

    def synchronize(self):
        counts.synchronizations += 1

    def use(self):
        return self

    done = property(lambda self: True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


Stream.null = Stream(null=True)


def get_current_stream(device_id=None):
    return Stream.null


class PinnedMemory(bytearray):
    """Memory of the host; as in CuPy it may be larger than what was asked for."""

    @property
    def ptr(self):
        return ctypes.addressof((ctypes.c_char * len(self)).from_buffer(self))

    def size(self):
        return len(self)


def alloc_pinned_memory(size):
    return PinnedMemory(-(-max(size, 1) // 512) * 512)


class MemoryPool:
    """A pool that nobody may put to use: what the book makes with it is hidden from CuPy's own."""

    malloc = None


def set_allocator(allocator=None):
    raise AssertionError("the book's allocator was set")
