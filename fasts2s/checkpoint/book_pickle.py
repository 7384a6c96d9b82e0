"""Read and write the book's parameter files: pickles of a list of float16 arrays."""

import os
import pickle
import stat
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.checkpoint.errors import CheckpointError
from fasts2s.checkpoint.restricted_pickle import UnfitError, read_array_list
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import as_path, listed

# Written by hand, since NumPy 2 would name numpy._core, which NumPy before 1.26 does not know.
_RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\1b\x87R"
_FLOAT16 = b"cnumpy\ndtype\nX\2\0\0\0f2K\0K\1\x87R(K\3X\1\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"


def load_book_pickle(path: str | os.PathLike[str], *, max_bytes: int = 1 << 30) -> list[NDArray[np.float32]]:
    """Load a parameter file of the book; never runs code from the file.

    Parameters
    ----------
    path : file written by the book's `save_params`, by `save_book_pickle`, or any pickle (protocol 0 to 5, NumPy 1
        or 2) of a list of bool, integer, float16, float32 or float64 arrays
    max_bytes : refuse a larger file, in bytes

    Returns
    -------
    list of float32 arrays : in the file's order; C-contiguous, writable. An array that stands twice in the list is
        the same object twice, as `pickle.load` has it

    Raises
    ------
    CheckpointError : the file is damaged, hostile, larger than `max_bytes` or holds something else; a finite value
        is beyond float32
    OSError : the file does not exist or may not be read
    """
    target, max_bytes = as_path("path", path), integer("max_bytes", max_bytes, 0)
    try:
        return _float32_list(read_array_list(_read_bytes(target, max_bytes)))
    except (OSError, MemoryError):
        raise
    # A hostile pickle makes the unpickler raise nearly everything: what cannot be read is one kind of error here.
    except Exception as cause:
        what = str(cause) if type(cause) is UnfitError else f"{type(cause).__name__}: {cause}"
        raise CheckpointError(
            f"{target} cannot be read as a list of arrays: {what}. Take the file from its source again; if you trust "
            "it, load it with the program that wrote it and store its arrays by save_arrays"
        ) from cause


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    status = path.stat()
    # Asked before opening: opening a named pipe would wait for a writer.
    if not stat.S_ISREG(status.st_mode):
        raise UnfitError("it is not a plain file, as was expected")
    if status.st_size > max_bytes:
        raise UnfitError(f"it has {status.st_size} bytes, more than max_bytes = {max_bytes}")
    with path.open("rb") as file:
        return file.read(status.st_size + 1)


def _float32_list(arrays: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
    made: dict[int, NDArray[np.float32]] = {}
    for index, array in enumerate(arrays):
        if id(array) not in made:
            with np.errstate(all="ignore"):
                single = array.astype(np.float32, order="C")
            if np.any(np.isinf(single) & np.isfinite(array)):
                raise UnfitError(f"entry {index} holds a value beyond the range of float32")
            made[id(array)] = single
    return [made[id(array)] for array in arrays]


def save_book_pickle(path: str | os.PathLike[str], params: Sequence[NDArray[Any]]) -> None:
    """Save parameters as the book does: a pickle of float16 arrays, which its `load_params` reads.

    The file is replaced in one step or stays as it is. It names NumPy 1's functions, which NumPy 2 knows as well.

    Parameters
    ----------
    path : file to write, by custom ending in `.pkl`
    params : bool, integer or float arrays of any shape; an array that stands twice is written twice

    Raises
    ------
    ValueError : an entry is not such an array, or a finite value of it becomes infinite in float16 (from 65520 on)
    OSError : the disk is full or fails, the folder does not exist, no permission

    Notes
    -----
    float16 keeps about 3 decimal digits, and numbers below 3e-8 become 0: use `save_arrays` to resume a training.
    """
    if isinstance(params, np.ndarray):
        raise ValueError("params is one array, expected a list of arrays: write [params]")
    halves = [_to_float16(index, param) for index, param in enumerate(listed("params", params, "arrays"))]
    write_atomically(path, lambda file: _write_pickle(file, halves))


def _to_float16(index: int, param: object) -> NDArray[np.float16]:
    if not isinstance(param, np.ndarray) or isinstance(param, np.ma.MaskedArray) or param.dtype.kind not in "biuf":
        kind = f"{type(param).__module__}.{type(param).__qualname__}"
        dtype = f" of dtype {param.dtype}" if isinstance(param, np.ndarray) else ""
        raise ValueError(f"params[{index}] is a {kind}{dtype}, expected a numpy.ndarray of numbers: convert it first")
    with np.errstate(all="ignore"):
        half: NDArray[np.float16] = np.asarray(param, order="C").astype("<f2")
    lost = np.isinf(half) & np.isfinite(param)
    if lost.any():
        raise ValueError(
            f"params[{index}] holds {param[lost][0]}, which float16 turns into infinity (its largest number is "
            "65504): use save_arrays, which keeps float32"
        )
    return half


def _write_pickle(file: BinaryIO, halves: Sequence[NDArray[np.float16]]) -> None:
    """Write protocol 4 without frames: per array the call of _reconstruct, its state and BUILD, then APPEND."""
    file.write(b"\x80\4]")
    for half in halves:
        # Without the two bytes that name the protocol and the one that ends the pickle.
        shape = pickle.dumps(half.shape, protocol=3)[2:-1]
        short = half.nbytes < 2**32
        length = b"B" + struct.pack("<I", half.nbytes) if short else b"\x8e" + struct.pack("<Q", half.nbytes)
        file.write(_RECONSTRUCT + b"(K\1" + shape + _FLOAT16 + b"\x89" + length)
        file.write(half.tobytes())
        file.write(b"tba")
    file.write(b".")
