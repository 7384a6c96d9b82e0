"""Calls the kernels of a built library."""

import ctypes
import functools
from pathlib import Path
from typing import NamedTuple

from tests.cuda_shim import builder

ORDERS = ("forward", "reverse", "random")


class KernelFault(AssertionError):  # noqa: N818 - the kernel is at fault
    """A kernel did what it must not do. Not a RuntimeError, which a backend might take for a device that fails."""


class Parameter(NamedTuple):
    """What a kernel takes at one place: a pointer to, or a value of, a dtype in NumPy's letters."""

    pointer: bool
    dtype: str


class _Launch(ctypes.Structure):
    # launch.h and block.h: struct Launch.
    _fields_ = (
        ("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared_bytes", ctypes.c_uint),
        ("cooperative", ctypes.c_int), ("order", ctypes.c_int), ("seed", ctypes.c_uint),
        ("patience", ctypes.c_double), ("message", ctypes.c_char * 512), ("own", ctypes.c_char * 64),
    )  # fmt: skip


class Kernel:
    """One kernel of a library.

    Attributes
    ----------
    name : str
    parameters : list of Parameter
    threads : int
        The most threads that a block may have, as its ``__launch_bounds__`` says.
    find_written_pad : function
        (addresses of pads, their number, the size of a pad, the byte that fills it) -> the address of the first other
        byte, or 0. Addresses that are 0 are left out.
    """

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.name = name
        self._run = library[f"fs_run_{name}"]
        self.threads = int(library[f"fs_threads_{name}"]())
        self.find_written_pad = library["fs_find_written_pad"]
        self.find_written_pad.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
        self.find_written_pad.restype = ctypes.c_size_t
        text = ctypes.create_string_buffer(4096)
        library[f"fs_describe_{name}"](text, ctypes.c_size_t(len(text)))
        self.parameters = [Parameter(p[0] == "*", p.lstrip("*")) for p in text.value.decode().split()]

    def run(
        self,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        slots: list[int],
        *,
        shared_bytes: int = 0,
        cooperative: bool = False,
        order: str = "forward",
        seed: int = 0,
        patience: float = 20.0,
    ) -> None:
        """Run it.

        Parameters
        ----------
        grid, block : three ints
        slots : list of int
            One per parameter: the bits of the value or the address, as an unsigned integer of 64 bits.
        shared_bytes : int
            Size of the dynamic shared memory.
        cooperative : bool
            All blocks at once rather than one after another.
        order, seed : str, int
            Of the threads and the blocks: one of ``ORDERS``.
        patience : float
            Seconds after which sleeping blocks, none of which moves, are a fault.

        Raises
        ------
        KernelFault
            It did something wrong; the message says what, and which thread.
        """
        launch = _Launch(grid, block, shared_bytes, cooperative, ORDERS.index(order), seed, patience)
        values = (ctypes.c_ulonglong * max(1, len(slots)))(*slots)
        if self._run(ctypes.byref(launch), values):
            raise KernelFault(
                f"{self.name} (threads {order}, seed {seed}): {launch.message.decode(errors='replace')}"
            )


class Library:
    """The kernels of one text under one set of definitions."""

    def __init__(self, path: Path, text: str) -> None:
        self._library = ctypes.CDLL(str(path))
        self.kernels = {name: Kernel(self._library, name) for name in builder.kernels_of(text)}


@functools.cache
def load(text: str, options: tuple[str, ...] = ()) -> Library:
    """Build and load a text. Raises as :func:`tests.cuda_shim.builder.build`."""
    return Library(builder.build(text, options), text)
