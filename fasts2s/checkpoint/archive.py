"""The file format: a zip archive of uncompressed `<name>.npy` entries, which `numpy.load` reads too, and a manifest.

`manifest.json` is the last entry; numbers of `arrays` describe the bytes in C order:

    {"format": "fasts2s-checkpoint", "version": 1, "meta": {...},
     "arrays": {"<name>": {"dtype": "<f4", "shape": [3, 4], "sha256": "..."}}}

The reader believes nothing: each size is compared with what the file really holds before memory is asked for.
"""

import hashlib
import json
import math
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None

DTYPES = frozenset(
    np.dtype(code).newbyteorder(order).str
    for code in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
    for order in ("<", ">")
)

_FORMAT = "fasts2s-checkpoint"
_VERSION = 1
_MANIFEST = "manifest.json"
# A parsed manifest can take 20 times its size in memory.
_MANIFEST_MAX_BYTES = 16 << 20
_CHUNK_BYTES = 4 << 20


class DamageError(ValueError):
    """The file is not as it was written: the previous one may help."""


class RefusalError(ValueError):
    """The file may be whole but is not for this call: falling back to an older one would hide that."""


def write_archive(file: BinaryIO, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, JSON]) -> None:
    """Write checked, C-contiguous `arrays` and `meta`; ValueError if the manifest becomes too large."""
    with ZipFile(file, "w", ZIP_STORED) as archive:
        described = {name: _write_array(archive, name, array) for name, array in arrays.items()}
        manifest = {"format": _FORMAT, "version": _VERSION, "meta": meta, "arrays": described}
        text = json.dumps(manifest, allow_nan=False).encode("ascii")
        if len(text) > _MANIFEST_MAX_BYTES:
            raise ValueError(
                f"the manifest takes {len(text)} bytes, at most {_MANIFEST_MAX_BYTES} fit: "
                "put long lists of meta into arrays"
            )
        archive.writestr(_zip_info(_MANIFEST, len(text)), text)


def _write_array(archive: ZipFile, name: str, array: NDArray[Any]) -> dict[str, JSON]:
    """Write one entry and return what the manifest says about it."""
    header = _npy_header(array.dtype.str, array.shape)
    octets = array.reshape(-1).view(np.uint8)
    digest = hashlib.sha256()
    with archive.open(_zip_info(name + ".npy", len(header) + octets.size), "w") as entry:
        entry.write(header)
        for start in range(0, octets.size, _CHUNK_BYTES):
            # A copy: what is hashed is what is written, even if another thread updates the array meanwhile.
            chunk = octets[start : start + _CHUNK_BYTES].tobytes()
            digest.update(chunk)
            entry.write(chunk)
    return {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": digest.hexdigest()}


def _zip_info(name: str, size: int) -> ZipInfo:
    """Describe an entry: its date is fixed, so equal content makes equal files; from 2 GiB on zip needs the size."""
    info = ZipInfo(name)
    info.file_size = size
    return info


def _npy_header(dtype: str, shape: Sequence[int]) -> bytes:
    """Return the `.npy` header 1.0: always these bytes, whichever NumPy writes or reads.

    So a reader compares bytes and never parses a header that somebody else made.
    """
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}".encode("ascii")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def read_archive(path: Path, max_bytes: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read and check everything.

    Raises
    ------
    DamageError, RefusalError : what is wrong, without the path
    OSError : the file cannot be opened
    """
    return _read(path, max_bytes, with_arrays=True)


def looks_whole(path: Path) -> bool:
    """Tell whether the file has its manifest and all entries; finds what was cut short, not a flipped bit."""
    try:
        _read(path, sys.maxsize, with_arrays=False)
    except (OSError, DamageError, RefusalError):
        return False
    return True


def _read(path: Path, max_bytes: int, *, with_arrays: bool) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    # Asked before opening: opening a named pipe would wait for a writer.
    if not stat.S_ISREG(path.stat().st_mode):
        raise RefusalError("is not a plain file, expected the path of a file of save_arrays")
    with path.open("rb") as file:
        file_bytes = os.fstat(file.fileno()).st_size
        try:
            _check_directory(file, file_bytes)
            with ZipFile(file) as archive:
                entries = _checked_entries(archive, file_bytes, max_bytes)
                described, meta = _checked_manifest(_read_manifest(archive, entries))
                _compare_names(entries, described)
                if not with_arrays:
                    return {}, meta
                return {
                    name: _read_array(archive, entries[name + ".npy"], name, described[name]) for name in described
                }, meta
        except (DamageError, RefusalError, MemoryError):
            raise
        # Damaged archives make zipfile and json raise a dozen kinds, among them OSError and RecursionError.
        except Exception as cause:
            raise DamageError(f"{type(cause).__name__}: {cause}") from cause


def _check_directory(file: BinaryIO, file_bytes: int) -> None:
    """Bound the zip directory: zipfile would turn each of its entries into an object 13 times as large.

    The last 22 bytes end the archive (we write no comment); before them stand 20 bytes that point to a 56-byte
    record with 64-bit sizes, if the file needs one.
    """
    file.seek(max(0, file_bytes - 98))
    tail = file.read(98).rjust(98, b"\0")
    size = int.from_bytes(tail[-10:-6], "little")
    if tail[-22:-18] != b"PK\5\6" or tail[-2:] != b"\0\0":
        raise DamageError("it does not end as a zip archive does")
    if tail[-42:-38] == b"PK\6\7":
        if int.from_bytes(tail[-34:-26], "little") != file_bytes - 98:
            raise DamageError("the end of the zip archive points to a wrong place")
        size = int.from_bytes(tail[-58:-50], "little")
    if size > _MANIFEST_MAX_BYTES:
        raise DamageError(f"its zip directory has {size} bytes, more than {_MANIFEST_MAX_BYTES}")
    file.seek(0)


def _checked_entries(archive: ZipFile, file_bytes: int, max_bytes: int) -> dict[str, ZipInfo]:
    """Return the entries by name, once their sizes are known to be real."""
    declared = sum(info.file_size for info in archive.infolist())
    if declared > max_bytes:
        raise RefusalError(
            f"declares {declared} bytes of content, more than max_bytes = {max_bytes}: raise that limit"
        )
    entries: dict[str, ZipInfo] = {}
    for info in archive.infolist():
        if info.filename in entries:
            raise DamageError(f"entry {info.filename!a} occurs twice")
        if info.compress_type != ZIP_STORED or info.compress_size != info.file_size:
            raise DamageError(f"entry {info.filename!a} is compressed")
        entries[info.filename] = info
    if declared > file_bytes:
        raise DamageError(f"it declares {declared} bytes of content but has {file_bytes}")
    return entries


def _read_manifest(archive: ZipFile, entries: Mapping[str, ZipInfo]) -> Any:
    info = entries.get(_MANIFEST)
    if info is None:
        raise DamageError(f"it has no {_MANIFEST}")
    if info.file_size > _MANIFEST_MAX_BYTES:
        raise DamageError(f"its {_MANIFEST} has {info.file_size} bytes, more than {_MANIFEST_MAX_BYTES}")
    return json.loads(archive.read(info), object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise DamageError(f"{_MANIFEST} names a key twice")
    return result


def _refuse_constant(text: str) -> None:
    raise DamageError(f"{_MANIFEST} holds {text}, which is not JSON")


def _checked_manifest(manifest: Any) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the descriptions of the arrays and `meta`, once their form is right."""
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise DamageError(f"{_MANIFEST} does not name the format {_FORMAT}")
    version = manifest.get("version")
    if type(version) is int and version > _VERSION:
        raise RefusalError(f"has format version {version}, this release reads {_VERSION}: update fasts2s")
    if type(version) is not int or version != _VERSION:
        raise DamageError(f"{_MANIFEST} has no valid version")
    described, meta = manifest.get("arrays"), manifest.get("meta")
    if not isinstance(described, dict) or not isinstance(meta, dict):
        raise DamageError(f"{_MANIFEST} lacks arrays or meta")
    for name, line in described.items():
        if not isinstance(line, dict) or line.keys() != {"dtype", "shape", "sha256"}:
            raise DamageError(f"{_MANIFEST} does not describe array {name!a}")
        if not isinstance(line["dtype"], str) or line["dtype"] not in DTYPES:
            raise DamageError(f"array {name!a} is described with a dtype that is never stored")
        if not _is_shape(line["shape"]):
            raise DamageError(f"array {name!a} is described with an impossible shape")
    return described, meta


def _is_shape(value: Any) -> bool:
    """Tell whether NumPy could have written this shape; bounded, or the product of the numbers takes hours."""
    return isinstance(value, list) and len(value) <= 64 and all(type(n) is int and 0 <= n < 2**63 for n in value)


def _compare_names(entries: Mapping[str, ZipInfo], described: Mapping[str, dict[str, Any]]) -> None:
    expected = {_MANIFEST, *(name + ".npy" for name in described)}
    if expected != set(entries):
        raise DamageError(f"entries and {_MANIFEST} differ: {sorted(expected ^ set(entries))[:3]!a}")
    for name, line in described.items():
        header = _npy_header(line["dtype"], line["shape"])
        size = len(header) + math.prod(line["shape"]) * np.dtype(line["dtype"]).itemsize
        if entries[name + ".npy"].file_size != size:
            raise DamageError(
                f"array {name!a} should take {size} bytes, its entry has {entries[name + '.npy'].file_size}"
            )


def _read_array(archive: ZipFile, info: ZipInfo, name: str, line: Mapping[str, Any]) -> NDArray[Any]:
    """Read one entry, whose size is already known to be right."""
    header = _npy_header(line["dtype"], line["shape"])
    array = np.empty(tuple(line["shape"]), np.dtype(line["dtype"]))
    octets = array.reshape(-1).view(np.uint8)
    digest = hashlib.sha256()
    with archive.open(info) as entry:
        if entry.read(len(header)) != header:
            raise DamageError(f"the header of array {name!a} differs from {_MANIFEST}")
        start = 0
        while chunk := entry.read(_CHUNK_BYTES):
            octets[start : start + len(chunk)] = np.frombuffer(chunk, np.uint8)
            digest.update(chunk)
            start += len(chunk)
    if digest.hexdigest() != line["sha256"]:
        raise DamageError(f"array {name!a} does not have its sha256")
    # A bool that is neither 0 nor 1 makes NumPy count and index wrongly.
    if array.dtype == np.bool_ and octets.size and int(octets.max()) > 1:
        raise DamageError(f"bool array {name!a} holds other values than 0 and 1")
    return array
