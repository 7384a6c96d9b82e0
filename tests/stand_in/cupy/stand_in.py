"""For tests: what was launched and fetched, in which order threads run, which device this is.

``counts`` has the numbers; ``with order("random", 7):`` chooses the order of the threads; ``with device(sms=84,
shared_memory=101376, capability="86"):`` another device; ``with recorded() as launches:`` lists what was launched;
``with patience(2):`` shortens the time after which a cooperative launch that hangs is given up.
"""

import contextlib

from cupy._device import describe as set_device
from cupy._device import described as device
from cupy._memory import check_pads, live_bytes
from cupy._state import Counts, LaunchRecord, counts, records, run
from tests.cuda_shim.library import ORDERS, KernelFault

__all__ = [
    "ORDERS", "Counts", "KernelFault", "LaunchRecord", "check_pads", "counts", "cupy_order", "device", "live_bytes",
    "order", "patience", "recorded", "set_device", "set_order",
]  # fmt: skip


def set_order(name, seed=0):
    """Choose the order of threads and blocks: forward, reverse or random."""
    if name not in ORDERS:
        raise ValueError(f"order is {name!r}, expected one of {', '.join(ORDERS)}")
    run.order, run.seed, run.launch = name, seed, 0


@contextlib.contextmanager
def order(name, seed=0):
    """Choose the order for the time of a block. In random order every launch draws anew from the seed."""
    before = dict(vars(run))
    set_order(name, seed)
    try:
        yield
    finally:
        vars(run).update(before)


cupy_order = order


@contextlib.contextmanager
def patience(seconds):
    """Choose after how many seconds a launch is given up in which blocks sleep and none moves."""
    before, run.patience = run.patience, seconds
    try:
        yield
    finally:
        run.patience = before


@contextlib.contextmanager
def recorded():
    """Hand out a list that collects every launch of the block."""
    found = []
    records.append(found)
    try:
        yield found
    finally:
        records[:] = [r for r in records if r is not found]
