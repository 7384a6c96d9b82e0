"""The device that is stood in for: an H100 unless a test describes another."""

import contextlib

#: Limits that do not differ between devices.
_COMMON = {
    "WarpSize": 32, "MaxThreadsPerBlock": 1024, "MaxBlockDimX": 1024, "MaxBlockDimY": 1024, "MaxBlockDimZ": 64,
    "MaxGridDimX": 2**31 - 1, "MaxGridDimY": 65535, "MaxGridDimZ": 65535, "MaxSharedMemoryPerBlock": 49152,
    "MaxRegistersPerBlock": 65536, "MaxRegistersPerMultiprocessor": 65536, "MaxThreadsPerMultiProcessor": 2048,
    "CooperativeLaunch": 1, "ClockRate": 1980000, "L2CacheSize": 50 << 20, "ReservedSharedMemoryPerBlock": 1024,
}  # fmt: skip
_described = {}


def describe(*, sms=132, shared_memory=232448, capability="90", name="Stand-in"):
    """Describe the device: its multiprocessors, the most shared memory of a block, its compute capability."""
    _described.update(
        name=name,
        capability=capability,
        attributes=_COMMON
        | {
            "MultiProcessorCount": sms,
            "MaxSharedMemoryPerBlockOptin": shared_memory,
            "MaxSharedMemoryPerMultiprocessor": shared_memory + 1024,
            "ComputeCapabilityMajor": int(capability[:-1]),
            "ComputeCapabilityMinor": int(capability[-1]),
        },
    )


@contextlib.contextmanager
def described(**description):
    """Describe the device for the time of a block, as :func:`describe`."""
    before = dict(_described)
    describe(**description)
    try:
        yield
    finally:
        _described.update(before)


def attributes():
    return _described["attributes"]


def capability():
    return _described["capability"]


def name():
    return _described["name"]


describe()
