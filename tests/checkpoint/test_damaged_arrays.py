"""Damaged and hostile array files end in one kind of error, or in the previous file."""

import hashlib
import io
import json
import random
import stat
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasts2s.checkpoint import (
    CheckpointError,
    CheckpointWarning,
    load_arrays,
    load_book_pickle,
    previous_path,
    save_arrays,
)
from tests.checkpoint.helpers import same, small


def damaged(data: bytes) -> Iterator[tuple[str, bytes]]:
    """One flipped bit in every byte, every shorter file, and a few hundred larger accidents."""
    rng = random.Random(5)
    for i in range(len(data)):
        yield f"bit in byte {i}", data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1 :]
    for size in range(0, len(data), 3):
        yield f"cut at {size}", data[:size]
    for _ in range(400):
        start, length, other = rng.randrange(len(data)), rng.randrange(1, 200), rng.randrange(len(data))
        middle = rng.choice([b"", bytes(length), rng.randbytes(length), data[other : other + length]])
        yield f"{length} bytes at {start}", data[:start] + middle + data[start + rng.choice([0, length]) :]


def test_any_damage_is_found(path: Path) -> None:
    save_arrays(path, small(), {"step": 3, "text": "abc"})
    good, errors = path.read_bytes(), 0
    for what, data in damaged(good):
        path.write_bytes(data)
        try:
            arrays, meta = load_arrays(path)
        except CheckpointError as error:
            assert str(path) in str(error) and "restore a copy" in str(error), what
            errors += 1
        else:
            # Some bytes of a zip archive carry nothing, for one the date of an entry.
            assert same(arrays, small()) and meta == {"step": 3, "text": "abc"}, what
    assert errors > 0.8 * len(list(damaged(good)))


def test_damage_falls_back_to_the_previous_file(path: Path) -> None:
    save_arrays(path, small(1), {"step": 1})
    save_arrays(path, small(2), {"step": 2})
    good = path.read_bytes()
    middle = zipfile.ZipFile(path).getinfo("b.npy").header_offset
    for data in (b"", good[:100], good[:middle] + b"\xff" * 300 + good[middle + 300 :], b"text"):
        path.write_bytes(data)
        with pytest.warns(CheckpointWarning, match="previous file") as caught:
            arrays, meta = load_arrays(path)
        assert same(arrays, small(1)) and meta == {"step": 1}
        assert caught[0].filename == __file__
    path.unlink()
    with pytest.warns(CheckpointWarning, match="does not exist"):
        assert load_arrays(path)[1] == {"step": 1}
    previous_path(path).write_bytes(good[:-5])
    with pytest.raises(CheckpointError, match="previous file"):
        load_arrays(path)
    previous_path(path).unlink()
    with pytest.raises(FileNotFoundError):
        load_arrays(path)


def test_other_file_kinds_are_explained(path: Path, tmp_path: Path) -> None:
    np.savez(path, a=np.zeros(3))
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        load_arrays(path)
    path.write_bytes(b"\x80\x03]q\x00.")
    with pytest.raises(CheckpointError, match="load_book_pickle"):
        load_arrays(path)
    for load in (load_arrays, load_book_pickle):
        with pytest.raises(CheckpointError, match="plain file"):
            load(tmp_path)
    with pytest.raises(ValueError, match="plain file"):
        save_arrays(tmp_path, small())
    assert stat.S_ISDIR(tmp_path.stat().st_mode)


def forge(path: Path, changes: dict[str, Any], entries: dict[str, bytes] | None = None, **zip_options: Any) -> None:
    """Write an archive with one float32 array x = [1, 2, 3], its manifest line and top level changed at will."""
    data = np.array([1, 2, 3], np.float32)
    buffer = io.BytesIO()
    np.save(buffer, data)
    line = {"dtype": "<f4", "shape": [3], "sha256": hashlib.sha256(data.tobytes()).hexdigest()}
    line |= changes.pop("line", {})
    manifest = {"format": "fasts2s-checkpoint", "version": 1, "meta": {}, "arrays": {"x": line}} | changes
    content = {"x.npy": buffer.getvalue(), "manifest.json": json.dumps(manifest).encode()} | (entries or {})
    with zipfile.ZipFile(path, "w", **zip_options) as archive:
        for name, octets in content.items():
            archive.writestr(name, octets)


def big_header() -> bytes:
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 30) + b"{" + b" " * 127


FORGERIES: dict[str, tuple[dict[str, Any], dict[str, bytes], str]] = {
    "wrong sha256": ({"line": {"sha256": "0" * 64}}, {}, "sha256"),
    "sha256 is no text": ({"line": {"sha256": None}}, {}, "sha256"),
    "other shape": ({"line": {"shape": [3, 1]}}, {}, "header"),
    "other size": ({"line": {"shape": [4]}}, {}, "bytes"),
    "shape of 8 EiB": ({"line": {"shape": [2**31, 2**31]}}, {}, "bytes"),
    "endless shape": ({"line": {"shape": [2**62] * 65}}, {}, "shape"),
    "huge number in shape": ({"line": {"shape": [10**4000]}}, {}, "shape"),
    "huge empty shape": ({"line": {"shape": [0, 2**62, 2**62]}}, {"x.npy": b""}, "bytes"),
    "negative shape": ({"line": {"shape": [-3]}}, {}, "shape"),
    "bool in shape": ({"line": {"shape": [True]}}, {}, "shape"),
    "other dtype": ({"line": {"dtype": "<i4"}}, {}, "header"),
    "object dtype": ({"line": {"dtype": "|O"}}, {}, "dtype"),
    "unhashable dtype": ({"line": {"dtype": []}}, {}, "dtype"),
    "more in line": ({"line": {"more": 1}}, {}, "describe"),
    "1 GB header": ({}, {"x.npy": big_header()}, "header"),
    "no header": ({}, {"x.npy": bytes(140)}, "header"),
    "entry not in manifest": ({}, {"y.npy": b"abc"}, "entries"),
    "array without entry": ({"arrays": {"y": {"dtype": "<f4", "shape": [0], "sha256": ""}}}, {}, "entries"),
    "no format": ({"format": None}, {}, "format"),
    "version is no number": ({"version": "1"}, {}, "version"),
    "version is bool": ({"version": True}, {}, "version"),
    "arrays is a list": ({"arrays": []}, {}, "arrays"),
    "meta is missing": ({"meta": None}, {}, "meta"),
    "manifest is a list": ({}, {"manifest.json": b"[]"}, "format"),
    "manifest is empty": ({}, {"manifest.json": b""}, "JSON"),
    "manifest is not UTF-8": ({}, {"manifest.json": b"\xff\xfe{"}, "Decode"),
    "manifest is too deep": ({}, {"manifest.json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000}, "Recursion"),
    "manifest holds NaN": ({"meta": {"a": float("nan")}}, {}, "NaN"),
    "manifest repeats a key": ({}, {"manifest.json": b'{"format": 1, "format": 2}'}, "twice"),
    "manifest is too large": ({}, {"manifest.json": b" " * (17 << 20)}, "manifest"),
}


@pytest.mark.parametrize("case", FORGERIES)
def test_forged_archives_are_refused(path: Path, case: str) -> None:
    changes, entries, reason = FORGERIES[case]
    forge(path, dict(changes), entries)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=reason):
            load_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_forging_itself_makes_good_files(path: Path) -> None:
    forge(path, {})
    np.testing.assert_array_equal(load_arrays(path)[0]["x"], np.array([1, 2, 3], np.float32))


def test_newer_version_never_falls_back(path: Path) -> None:
    save_arrays(path, small(1))
    save_arrays(path, small(2))
    forge(path, {"version": 2})
    with pytest.raises(CheckpointError, match="update fasts2s"):
        load_arrays(path)


def test_bool_array_holds_only_0_and_1(path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3, bool))
    octets = b"\0\1\7"
    line = {"dtype": "|b1", "sha256": hashlib.sha256(octets).hexdigest()}
    forge(path, {"line": line}, {"x.npy": buffer.getvalue()[:-3] + octets})
    with pytest.raises(CheckpointError, match="other values than 0 and 1"):
        load_arrays(path)


def test_bombs_are_refused(path: Path) -> None:
    forge(path, {}, {"x.npy": bytes(64 << 20)}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(CheckpointError, match="max_bytes"):
        load_arrays(path, max_bytes=32 << 20)
    with pytest.raises(CheckpointError, match="compressed"):
        load_arrays(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's own, about the duplicate
        with zipfile.ZipFile(path, "w") as archive:
            for octets in (b"a", b"b"):
                archive.writestr("manifest.json", octets)
    with pytest.raises(CheckpointError, match="twice"):
        load_arrays(path)
    # A directory of a million entries: the sizes at the end of the file are believed by zipfile, not by us.
    directory = (struct.pack("<4s42x", b"PK\1\2")) * (1 << 19)
    end = struct.pack("<4s4xHHIIH", b"PK\5\6", 65535, 65535, len(directory), 0, 0)
    path.write_bytes(directory + end)
    with pytest.raises(CheckpointError, match="directory"):
        load_arrays(path)
    record = struct.pack("<4sQ12xQQQQ", b"PK\6\6", 44, 1 << 19, 1 << 19, len(directory), 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(directory), 1)
    end = struct.pack("<4s4xHHIIH", b"PK\5\6", 0, 0, 0, 0, 0)
    path.write_bytes(directory + record + locator + end)
    with pytest.raises(CheckpointError, match="directory"):
        load_arrays(path)
    path.write_bytes(b"x" + directory + record + locator + end)
    with pytest.raises(CheckpointError, match="wrong place"):
        load_arrays(path)


def test_declared_sizes_are_compared_with_the_file(path: Path) -> None:
    """Directory and manifest agree on 1 GB that is not there: no memory may be asked for."""
    forge(path, {"line": {"shape": [1 << 28]}})
    data, size = bytearray(path.read_bytes()), 128 + (1 << 30)
    entry = data.index(b"PK\1\2")
    data[entry + 20 : entry + 28] = struct.pack("<II", size, size)
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="it declares"):
            load_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_max_bytes_is_a_limit_on_content(path: Path) -> None:
    save_arrays(path, {"x": np.zeros(1000)})
    save_arrays(path, {"x": np.zeros(1000)})
    with pytest.raises(CheckpointError, match="max_bytes = 8000"):
        load_arrays(path, max_bytes=8000)
    assert load_arrays(path, max_bytes=9000)[0]["x"].shape == (1000,)
