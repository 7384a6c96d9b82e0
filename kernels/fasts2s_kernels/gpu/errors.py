"""Ids out of range, found on the device: written down there, raised here.

The device writes into memory of the host, so looking for a complaint costs a read of memory and waits for nothing.
Every kernel entry looks, and so does every way from the device to the host.
"""

import atexit
import logging
from typing import Any, NoReturn

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import device

# What it is about, the value, its position, and whether there is a complaint: see ``fs_complain``.
_memory = device.xp.cuda.alloc_pinned_memory(32)
_record = np.frombuffer(_memory, np.int64, 4)
_record[:] = 0
#: The record as an argument of a kernel.
RECORD = np.uintp(_memory.ptr)

#: Number that kernels get -> name of the argument, its shape, what is allowed.
_sites: list[tuple[str, tuple[int, ...], str]] = []
_numbers: dict[tuple[str, tuple[int, ...], str], int] = {}


class Mode:
    """``at_once``: wait for the device after every look at ids (FASTS2S_CHECK=1)."""

    at_once = False


def site(name: str, shape: tuple[int, ...], allowed: str) -> Any:
    """Return the number by which a kernel says which argument it complains of."""
    key = (name, shape, allowed)
    if key not in _numbers:
        _sites.append(key)
        _numbers[key] = len(_sites)  # from 1: 0 is no complaint
    return np.int64(_numbers[key])


def raise_pending() -> None:
    """Raise IndexError if the device has complained."""
    if _record[3]:
        _raise()


def _complaint() -> str:
    """Return what the device has complained of, and forget it."""
    what, value, position = (int(x) for x in _record[:3])
    _record[:] = 0
    name, shape, allowed = _sites[what - 1]
    where = tuple(int(k) for k in np.unravel_index(position, shape))
    return f"{name} holds {value} at position {where}, expected {allowed}"


@atexit.register
def _say_at_the_end() -> None:
    # Nobody called or fetched after it: it must not go unseen.
    if _record[3]:
        logging.getLogger("fasts2s").error("never raised: IndexError: %s", _complaint())


def after_launch() -> None:
    """Look at once where that was asked for."""
    if Mode.at_once:
        device.synchronize()
        raise_pending()


def fetch(a: Array) -> Array:
    """Return a device array on the host; raise IndexError if something behind it was out of range."""
    found = a.get()
    raise_pending()
    return found


def _raise() -> NoReturn:
    device.synchronize()
    raise IndexError(_complaint())
