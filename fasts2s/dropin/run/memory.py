"""Memory that arrays leave stays with the process: glibc gives it back to the system at once, and asks for it anew.

A layer that makes an array of some 100 kB in every call, as the book's do, then pays for each of its pages every
time: a fifth of the time of scripts whose own LSTM runs. glibc learns better sizes when large arrays are freed
(mallopt(3), "M_MMAP_THRESHOLD"); what it would come to in the end, it has from the start here.
"""

import ctypes
import sys

from fasts2s.backend import memory_is_chosen

_MIB = 1 << 20
#: Of malloc.h: M_MMAP_THRESHOLD, the size from which an array has a mapping of its own; M_TRIM_THRESHOLD, how much
#: may lie free at the end; M_TOP_PAD, how much more than needed is asked for. In bytes.
_SIZES = {-3: 32 * _MIB, -1: 64 * _MIB, -2: 4 * _MIB}


def keep() -> None:
    """Keep what is freed, up to 64 MB, where the C library is glibc and the user has not chosen otherwise."""
    if not sys.platform.startswith("linux") or memory_is_chosen():
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for parameter, size in _SIZES.items():
        mallopt(parameter, size)
