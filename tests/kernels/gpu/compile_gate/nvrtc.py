"""NVRTC through ctypes: CUDA C++ becomes machine code without a GPU, a driver or CuPy."""

import ctypes
import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

#: The wheel with the library. ``pyproject.toml`` lists it in the extra ``test``.
DISTRIBUTION = "nvidia-cuda-nvrtc"


class NvrtcMissingError(Exception):
    """There is no NVRTC here; the text says why and what to do."""


class Compiled(NamedTuple):
    """What came of one compilation: whether it succeeded, all that was said, the machine code."""

    succeeded: bool
    log: str
    cubin: bytes


def options(arch: int, defines: Iterable[str]) -> tuple[str, ...]:
    """Return the options that CuPy passes for ``RawModule(options=("-std=c++17", *defines))``, in CuPy's order.

    Recorded from CuPy 14.2 and 13.6 at their call of nvrtcCompileProgram. What they add besides are include paths:
    the sources include nothing, and the gate proves it by having none. The last option is ours; it adds a report and
    changes no instruction.
    """
    ours = "--ptxas-options=-v"
    return ("-std=c++17", *defines, "-ftz=true", f"-arch=sm_{arch}", "--device-as-default-execution-space", ours)


def library() -> Path:
    """Return the path of the wheel's libnvrtc. Raises NvrtcMissingError."""
    try:
        files = importlib.metadata.distribution(DISTRIBUTION).files or []
    except importlib.metadata.PackageNotFoundError:
        raise NvrtcMissingError(
            f"{DISTRIBUTION} is not installed: pip install 'fasts2s[test]' on Linux x86-64"
        ) from None
    for file in files:
        if file.name.startswith("libnvrtc.so."):
            return Path(str(file.locate()))
    raise NvrtcMissingError(f"{DISTRIBUTION} has no libnvrtc.so: only its wheels for Linux are known here")


class Nvrtc:
    """The library. ``compile`` may run in several threads at once: ctypes releases the interpreter lock."""

    def __init__(self, path: Path) -> None:
        try:
            # Its second half first: some wheels (13.0) look for it by name, but not in their own folder.
            self._builtins = [ctypes.CDLL(str(file)) for file in sorted(path.parent.glob("libnvrtc-builtins.so.*"))]
            self._lib = ctypes.CDLL(str(path))
            self._path = path
        except OSError as error:
            raise NvrtcMissingError(f"{path} cannot be loaded: {error}") from error
        self._lib.nvrtcGetErrorString.restype = ctypes.c_char_p

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._lib, name)(*arguments)
        if status:
            raise RuntimeError(f"{name}: {self._lib.nvrtcGetErrorString(status).decode()}")

    @functools.cached_property
    def digest(self) -> str:
        """The hash of the library's bytes, both halves."""
        whole = hashlib.sha256()
        for file in [self._path, *sorted(self._path.parent.glob("libnvrtc-builtins.so.*"))]:
            whole.update(file.read_bytes())
        return whole.hexdigest()

    def version(self) -> tuple[int, int]:
        """Return the version of CUDA it belongs to."""
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        return major.value, minor.value

    def architectures(self) -> tuple[int, ...]:
        """Return all architectures it compiles for: 75 for sm_75."""
        count = ctypes.c_int()
        self._call("nvrtcGetNumSupportedArchs", ctypes.byref(count))
        found = (ctypes.c_int * count.value)()
        self._call("nvrtcGetSupportedArchs", found)
        return tuple(found)

    def compile(self, text: str, name: str, arguments: tuple[str, ...]) -> Compiled:
        """Compile ``text`` (``name`` stands in messages). An error of the text is no exception: see the log."""
        program = ctypes.c_void_p()
        self._call("nvrtcCreateProgram", ctypes.byref(program), text.encode(), name.encode(), 0, None, None)
        try:
            passed = (ctypes.c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
            succeeded = self._lib.nvrtcCompileProgram(program, len(arguments), passed) == 0
            log = self._read(program, "ProgramLog").rstrip(b"\0").decode(errors="replace")
            return Compiled(succeeded, log, self._read(program, "CUBIN") if succeeded else b"")
        finally:
            self._call("nvrtcDestroyProgram", ctypes.byref(program))

    def _read(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self._call(f"nvrtcGet{what}", program, buffer)
        return buffer.raw
