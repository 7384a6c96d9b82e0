"""The parts of CUDA's runtime that are asked for. STAND_IN_DEVICES: their number, or ``broken``."""

import ctypes
import os

from cupy import _device
from cupy._state import counts

memcpyHostToHost, memcpyHostToDevice, memcpyDeviceToHost, memcpyDeviceToDevice = range(4)
is_hip = False


class CUDARuntimeError(RuntimeError):
    pass


def getDeviceCount():
    devices = os.environ.get("STAND_IN_DEVICES", "1")
    if devices == "broken":
        raise CUDARuntimeError("cudaErrorInsufficientDriver: too old")
    return int(devices)


def getDevice():
    return 0


def setDevice(device):
    if device:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")


def runtimeGetVersion():
    return 12090


driverGetVersion = runtimeGetVersion


def getDeviceProperties(device):
    found = _device.attributes()
    return {
        "name": _device.name().encode(),
        "major": found["ComputeCapabilityMajor"],
        "minor": found["ComputeCapabilityMinor"],
        "multiProcessorCount": found["MultiProcessorCount"],
        "sharedMemPerBlockOptin": found["MaxSharedMemoryPerBlockOptin"],
        "sharedMemPerBlock": found["MaxSharedMemoryPerBlock"],
        "sharedMemPerMultiprocessor": found["MaxSharedMemoryPerMultiprocessor"],
        "regsPerBlock": found["MaxRegistersPerBlock"],
        "warpSize": found["WarpSize"],
        "totalGlobalMem": 1 << 36,
    }


def deviceSynchronize():
    counts.synchronizations += 1


def streamSynchronize(stream):
    counts.synchronizations += 1


def memcpy(dst, src, size, kind):
    counts.fetches += kind == memcpyDeviceToHost
    counts.uploads += kind == memcpyHostToDevice
    ctypes.memmove(dst, src, size)


def memcpyAsync(dst, src, size, kind, stream):
    memcpy(dst, src, size, kind)


def memset(ptr, value, size):
    ctypes.memset(ptr, value, size)


def memsetAsync(ptr, value, size, stream):
    memset(ptr, value, size)
