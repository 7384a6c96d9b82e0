"""What the gate reads from the machine code itself: which kernels there are, and for how many threads."""

import struct
from collections.abc import Iterator

_MAX_THREADS = 5  # EIATTR_MAX_THREADS: what __launch_bounds__ promised, as x, y, z
_SIZED = 4  # EIFMT_SVAL: a size and that many bytes follow; all other attributes take 4 bytes in all


def sections(cubin: bytes) -> dict[str, bytes]:
    """Return the sections of a 64-bit little-endian ELF file by name."""
    if cubin[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"not a 64-bit little-endian ELF file: it begins with {cubin[:6]!r}")
    (start,) = struct.unpack_from("<Q", cubin, 0x28)
    size, count, names_at = struct.unpack_from("<3H", cubin, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", cubin, start + k * size) for k in range(count)]
    names = headers[names_at][4]
    return {
        cubin[names + header[0] : cubin.index(b"\0", names + header[0])].decode(): cubin[
            header[4] : header[4] + header[5]
        ]
        for header in headers
    }


def kernels(cubin: bytes) -> set[str]:
    """Return the names by which kernels can be launched: those with code and launch information of their own."""
    found = sections(cubin)
    return {name.removeprefix(".text.") for name in found if f".nv.info.{name.removeprefix('.text.')}" in found}


def max_threads(cubin: bytes, kernel: str) -> int | None:
    """Return the largest block that a kernel may be launched with, None where no ``__launch_bounds__`` says it."""
    for attribute, value in _attributes(sections(cubin)[f".nv.info.{kernel}"]):
        if attribute == _MAX_THREADS:
            x, y, z = struct.unpack("<3I", value)
            return x * y * z
    return None


def _attributes(info: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(info):
        form, attribute, size = struct.unpack_from("<BBH", info, at)
        end = at + 4 + (size if form == _SIZED else 0)
        yield attribute, info[at + 4 : end]
        at = end
