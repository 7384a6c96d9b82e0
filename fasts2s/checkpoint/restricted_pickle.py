"""Read a pickled list of arrays without running anything that the file names.

The file's opcodes are checked first; the restricted unpickler then gets stand-ins that only record how they were
called. Nothing of NumPy sees the content until the records turn out to describe a plain numeric array of the right
size. So neither Python code nor NumPy's C code for pickles meets hostile arguments.
"""

import io
import math
import pickle
import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The globals that pickles of plain arrays name, for protocols 0 to 5 under NumPy 1 and 2, and the stand-in's name.
_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"): "array",  # an empty array, filled by its state; NumPy 1
    ("numpy._core.multiarray", "_reconstruct"): "array",  # NumPy 2
    ("numpy.core.numeric", "_frombuffer"): "buffer",  # an array over a buffer; protocol 5, NumPy 1
    ("numpy._core.numeric", "_frombuffer"): "buffer",  # NumPy 2
    ("numpy", "ndarray"): "ndarray",  # the class that _reconstruct shall make
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",  # protocols 0 to 2 write bytes as text
    ("__builtin__", "bytes"): "bytes",  # and empty bytes as a call
    ("builtins", "bytes"): "bytes",  # the same, pickled with fix_imports=False
}

# What those pickles consist of. Left out with intent: dict and set opcodes (hashing a deeply nested key overflows
# the C stack), classes and instances, persistent ids, the extension registry and out-of-band buffers.
_OPCODES = """
    PROTO FRAME STOP MARK EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE
    INT LONG LONG1 BININT BININT1 BININT2 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES
    BINBYTES8 BYTEARRAY8 GLOBAL STACK_GLOBAL REDUCE BUILD PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
"""
_ALLOWED_OPCODES = frozenset(_OPCODES.split())

# About 25 opcodes make an array. The bound also limits memo numbers, for which the unpickler reserves a table.
_MAX_OPCODES = 100_000

_DTYPES = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])


class UnfitError(ValueError):
    """Says what is wrong with the content, without the path."""


def read_array_list(data: bytes) -> list[NDArray[Any]]:
    """Return the arrays of a pickled list as views of its bytes, possibly read-only.

    An array that stands twice in the list is the same object twice.

    Raises
    ------
    UnfitError : what was refused; besides it whatever `pickletools` and `pickle` raise on a damaged pickle
    """
    _check_opcodes(data)
    content: object = _Recorder(io.BytesIO(data)).load()
    if not isinstance(content, list):
        raise UnfitError(f"it holds a {_kind(content)}, expected a list of arrays")
    made: dict[int, NDArray[Any]] = {}
    total = 0
    for index, record in enumerate(content):
        if id(record) not in made:
            try:
                array = _plain_array(record)
            except ValueError as cause:
                raise UnfitError(f"entry {index}: {cause}") from cause
            total += array.nbytes
            # Records may share one buffer a thousand times; honest files have one for each array.
            if total > len(data):
                raise UnfitError("its arrays take more bytes than the file has")
            made[id(record)] = array
    return [made[id(record)] for record in content]


def _check_opcodes(data: bytes) -> None:
    """Read all opcodes without running them; what passes cannot make the unpickler ask for much memory.

    The walk fails by itself on lengths beyond the end of the file, for which the unpickler would reserve memory.
    """
    for count, (opcode, argument, found_at) in enumerate(pickletools.genops(data)):
        position = found_at or 0
        if opcode.name not in _ALLOWED_OPCODES:
            raise UnfitError(f"refused the pickle opcode {opcode.name} at byte {position}, which no array list needs")
        if opcode.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            _find_global(module, name)
        if opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"} and not 0 <= int(argument or 0) <= _MAX_OPCODES:
            raise UnfitError(f"memo number {argument} at byte {position} is out of range")
        if count > _MAX_OPCODES:
            raise UnfitError(f"it has more than {_MAX_OPCODES} opcodes")
        if opcode.name == "STOP" and position + 1 != len(data):
            raise UnfitError(f"the pickle ends at byte {position + 1}, the file at byte {len(data)}")


@dataclass(frozen=True, eq=False)
class _Global:
    """Stands for a global of the pickle; records calls instead of making them."""

    name: str

    def __call__(self, *args: object) -> "_Call":
        return _Call(self.name, args)


@dataclass(eq=False)
class _Call:
    """A recorded call and the state set afterwards."""

    name: str
    args: tuple[object, ...]
    state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Recorder(pickle.Unpickler):
    """An unpickler that knows only `_GLOBALS`, and these only as stand-ins."""

    def find_class(self, module: str, name: str, /) -> _Global:
        return _find_global(module, name)


def _find_global(module: str, name: str) -> _Global:
    if (module, name) not in _GLOBALS:
        raise UnfitError(f"refused the global {ascii(f'{module}.{name}')[1:-1]:.100}, which no plain array needs")
    return _Global(_GLOBALS[module, name])


def _plain_array(record: object) -> NDArray[Any]:
    """Turn the record of an array into a view of its bytes."""
    axes: object = None
    match record:
        case _Call("array", (_Global("ndarray"), _, _), (int(), shape, dtype, bool(fortran), raw)):
            order = "F" if fortran else "C"
        case _Call("buffer", (raw, dtype, shape, "C" | "F" as order), None):
            pass
        # Protocol 5 and newer NumPy 2: bytes in C order, and which axis each one becomes.
        case _Call("buffer", (raw, dtype, shape, "K", axes), None):
            order = "C"
        case _:
            raise UnfitError(f"a {_kind(record)}, expected a plain array")
    plain_dtype, plain_shape, octets = _plain_dtype(dtype), _plain_integers(shape), _plain_bytes(raw)
    expected = math.prod(plain_shape) * plain_dtype.itemsize
    if len(octets) != expected:
        raise UnfitError(f"shape {plain_shape} of {plain_dtype} takes {expected} bytes, the file has {len(octets)}")
    array: NDArray[Any] = np.ndarray(plain_shape, plain_dtype, octets, order="F" if order == "F" else "C")
    return array if axes is None else array.transpose(_plain_integers(axes))


def _plain_dtype(record: object) -> np.dtype[Any]:
    match record:
        case _Call("dtype", (str(code), *_), (3, "<" | ">" | "|" as order, None, None, None, -1, -1, 0)):
            if code not in _DTYPES:
                raise UnfitError(f"dtype {code!a:.20} is not bool, integer, float16, float32 or float64")
            return np.dtype(code if order == "|" else order + code)
        case _:
            raise UnfitError("a dtype that is not plain")


def _plain_integers(value: object) -> tuple[int, ...]:
    """Check a shape or an order of axes; bounded, or the product of the numbers takes hours."""
    if not isinstance(value, tuple) or len(value) > 64 or not all(type(n) is int and 0 <= n < 2**63 for n in value):
        raise UnfitError("a shape that no array has")
    return value


def _plain_bytes(record: object) -> bytes | bytearray:
    match record:
        case bytes() | bytearray():
            return record
        case _Call("encode", (str(text), "latin1"), None):
            return text.encode("latin1")
        case _Call("bytes", (), None):
            return b""
        case _:
            raise UnfitError(f"a {_kind(record)} in place of the array's bytes")


def _kind(value: object) -> str:
    """Name the kind of a loaded object, never its content: that can be nested too deeply to print."""
    return value.name if isinstance(value, _Global | _Call) else type(value).__name__
