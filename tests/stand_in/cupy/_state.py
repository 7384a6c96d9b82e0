"""What tests count and switch; handed out by cupy.stand_in."""

import os
from collections import Counter
from types import SimpleNamespace
from typing import NamedTuple


class Counts:
    """What happened since :meth:`reset`.

    Attributes
    ----------
    launches : int
        Kernels of RawModules that ran; ``by_kernel`` has them by name.
    operations : int
        Functions, operators and methods that compute or copy on the device: in CuPy each launches something too.
    fetches : int
        Times that the host waited for a value of the device: get, item, float(), printing, indexing by a mask.
    uploads : int
        Arrays and lists of the host that went to the device.
    synchronizations : int
        Calls of ``synchronize`` of a stream or the device.
    """

    def __init__(self):
        self.reset()

    def reset(self):
        self.launches = self.operations = self.fetches = self.uploads = self.synchronizations = 0
        self.by_kernel = Counter()


class LaunchRecord(NamedTuple):
    """One launch of a kernel."""

    name: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_mem: int
    cooperative: bool


def _order_of_environment():
    # FASTS2S_TEST_SHIM_ORDER=reverse, or random:7 with a seed.
    name, _, seed = os.environ.get("FASTS2S_TEST_SHIM_ORDER", "forward").partition(":")
    return name, int(seed or 0)


counts = Counts()
#: Lists that collect launches.
records: list[list[LaunchRecord]] = []
_name, _seed = _order_of_environment()
run = SimpleNamespace(order=_name, seed=_seed, launch=0, patience=20.0)
