"""Memory of the stand-in: every allocation is poisoned and has guard pads on both sides."""

import ctypes
import functools
import sys

import numpy as np

from tests.cuda_shim import builder

PAD = 1024
_ALIGNMENT = 512  # as the allocator of CuPy
_CANARY = 0xA7
#: What uninitialised integers hold; it fits no shape, id or label. Floats hold NaN.
_POISON = {1: 0x6B, 2: 0x6B6B, 4: 0x6B6B6B6B, 8: 0x6B6B6B6B6B6B6B6B}


class _Table:
    """Addresses of all pads, two to a row, so that compiled code can look at them at once."""

    def __init__(self):
        self.rows = np.zeros((256, 2), np.int64)
        self.free = list(range(256))

    def add(self, front, back):
        if not self.free:
            n = len(self.rows)
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
            self.free = list(range(n, 2 * n))
        row = self.free.pop()
        self.rows[row] = front, back
        return row

    def remove(self, row):
        self.rows[row] = 0
        self.free.append(row)


_table = _Table()
_live = {"bytes": 0}


class _Memory(np.ndarray):
    """The bytes of one allocation with its pads. There is one of these at the root of every device array."""

    row = None
    size_of_data = 0
    owner = None

    def __del__(self):
        if self.row is None or sys is None or sys.is_finalizing():  # then this module is half gone
            return
        _tell_sanitizer("__asan_unpoison_memory_region", self.row)
        _table.remove(self.row)
        _live["bytes"] -= self.size_of_data


@functools.cache
def _process():
    return ctypes.CDLL(None)


def _tell_sanitizer(function, row):
    # It would otherwise take the pads for a part of the array, for both are one piece of memory to it.
    if builder.sanitizing():
        for address in _table.rows[row]:
            _process()[function](ctypes.c_void_p(int(address)), ctypes.c_size_t(PAD))


def _dense(shape, itemsize, order):
    steps, step = [0] * len(shape), itemsize
    axes = range(len(shape)) if order == "F" else range(len(shape) - 1, -1, -1)
    for axis in axes:
        steps[axis] = step
        step *= max(1, shape[axis])
    return tuple(steps)


def allocate(shape, dtype, order="C", strides=None):
    """Return poisoned memory as a NumPy array of this shape, dtype and order (or with these strides)."""
    dtype = np.dtype(dtype)
    shape = (int(shape),) if isinstance(shape, int | np.integer) else tuple(map(int, shape))
    if dtype.kind not in "biufc":
        raise ValueError(f"Unsupported dtype {dtype}")
    if any(n < 0 for n in shape):
        raise ValueError(f"negative dimensions are not allowed: {shape}")
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = _Memory(
        size + 2 * PAD + _ALIGNMENT, np.uint8
    )  # owns its bytes, else NumPy would take its base for the root
    raw.view(np.ndarray).fill(_CANARY)
    start = PAD + -(raw.ctypes.data + PAD) % _ALIGNMENT
    raw.row, raw.size_of_data = _table.add(raw.ctypes.data + start - PAD, raw.ctypes.data + start + size), size
    _live["bytes"] += size
    steps = _dense(shape, dtype.itemsize, order) if strides is None else strides
    data = np.ndarray(shape, dtype, raw, start, steps)
    poison(data)
    _tell_sanitizer("__asan_poison_memory_region", raw.row)
    return data


def poison(data):
    if data.dtype.kind in "fc":
        data.fill(np.nan)
    elif data.dtype.kind in "iu":
        data.fill(_POISON[data.dtype.itemsize])
    else:
        data.fill(True)


def root(data):
    """Return the allocation that an array lies in, or None if it is not on the device."""
    while data is not None and not isinstance(data, _Memory):
        data = data.base if isinstance(data, np.ndarray) else None
    return data


def on_device(data):
    """Return an array, copied with its layout unless it is on the device."""
    if root(data) is not None:
        return data
    strides = np.empty_like(data).strides if data.size else None
    copy = allocate(data.shape, data.dtype, strides=strides)
    np.copyto(copy, data)
    return copy


def live_bytes():
    """Return the size of all device arrays, without pads."""
    return _live["bytes"]


def check_pads(find=None):
    """Return an address in a guard pad that has been written, or None. A library of the shim does it faster."""
    if builder.sanitizing():
        return None  # the sanitizer knows the pads, and reports whoever touches them
    rows = _table.rows
    if find is not None:
        return find(rows.ctypes.data, rows.size, PAD, _CANARY) or None
    for address in rows.ravel()[rows.ravel() != 0]:
        pad = np.frombuffer((ctypes.c_ubyte * PAD).from_address(int(address)), np.uint8)
        if (pad != _CANARY).any():
            return int(address) + int((pad != _CANARY).argmax())
    return None


def describe_address(address):
    """Return where an address lies, for a message, and repair the pad, so that the fault is reported once."""
    for row, (front, back) in enumerate(_table.rows):
        for pad, name in ((front, "before"), (back, "behind")):
            if pad and pad <= address < pad + PAD:
                ctypes.memset(int(pad), _CANARY, PAD)
                size = back - front - PAD
                offset = address - pad - PAD if name == "before" else address - pad
                return f"byte {offset} {name} an array of {size} bytes (allocation {row})"
    return "outside of all arrays"
