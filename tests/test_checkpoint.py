"""The array container: what goes in comes out, and damaged or hostile files end in one kind of error."""

import hashlib
import io
import json
import random
import stat
import struct
import sys
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

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">i4", ">f4", ">f8"]
LAYOUTS = {
    "c": lambda a: a,
    "fortran": np.asfortranarray,
    "transposed": lambda a: a.T,
    "strided": lambda a: a[::2, ::-3],
    "broadcast": lambda a: np.broadcast_to(a[0], (4, a.shape[1])),
    "scalar": lambda a: a[1:2, 1].reshape(()),
    "no-rows": lambda a: a[:0],
    "empty-last": lambda a: a[:, :0],
    "4d": lambda a: a.reshape(1, 7, 1, 11).transpose(3, 0, 2, 1),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"


def small(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "layers/0.Wx": rng.standard_normal((3, 5)).astype(np.float32),
        "mask": rng.random(7) < 0.5,
        "b": rng.standard_normal(4),
    }


def same(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return list(got) == list(expected) and all(
        got[k].dtype == a.dtype and got[k].shape == a.shape and got[k].tobytes() == a.tobytes()
        for k, a in expected.items()
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip(path: Path, dtype: str, layout: str) -> None:
    numbers = np.random.default_rng(3).integers(0, 100, (7, 11))
    array = LAYOUTS[layout]((numbers % 2 if dtype == "?" else numbers).astype(dtype))
    save_arrays(path, {"x": array})
    arrays, meta = load_arrays(path)
    got = arrays["x"]
    assert meta == {} and list(arrays) == ["x"]
    assert got.dtype == array.dtype and got.shape == array.shape
    np.testing.assert_array_equal(got, array)
    assert got.flags.c_contiguous and got.flags.writeable


def test_special_floats_keep_their_bits(path: Path) -> None:
    bits = np.array([0x7F800001, 0xFFC12345, 0x80000000, 1, 0x7F800000, 0xFF800000], np.uint32)
    save_arrays(path, {"x": bits.view(np.float32)})
    np.testing.assert_array_equal(load_arrays(path)[0]["x"].view(np.uint32), bits)


def test_tied_transposed_weights_have_right_values(path: Path) -> None:
    embed_W = np.random.default_rng(1).standard_normal((13, 5)).astype(np.float32)
    save_arrays(path, {"embed_W": embed_W, "affine_W": embed_W.T})
    arrays, _ = load_arrays(path)
    np.testing.assert_array_equal(arrays["embed_W"], embed_W)
    np.testing.assert_array_equal(arrays["affine_W"], embed_W.T)


def test_array_of_several_chunks(path: Path) -> None:
    array = np.arange(1_300_001, dtype=np.float64)
    save_arrays(path, {"x": array, "y": array[:3]})
    assert same(load_arrays(path)[0], {"x": array, "y": array[:3]})


def test_meta_round_trip(path: Path) -> None:
    kind, key, pos, has_gauss, gauss = np.random.RandomState(7).get_state(legacy=True)
    meta = {
        "rng": [kind, pos, has_gauss, gauss],
        "vocabulary": {"é\ud800\n": 0, "한국": 1},
        "pcg64": np.random.PCG64(1).state,
        "lr": 0.1,
        "none": None,
        "flag": True,
    }
    save_arrays(path, {"rng_key": key}, meta)
    arrays, got = load_arrays(path)
    assert got == meta and type(got["flag"]) is bool
    restored = np.random.RandomState()
    restored.set_state((got["rng"][0], arrays["rng_key"], *got["rng"][1:]))
    np.testing.assert_array_equal(restored.rand(5), np.random.RandomState(7).rand(5))


def test_numpy_reads_the_file(path: Path) -> None:
    save_arrays(path, small(), {"step": 3})
    with np.load(path, allow_pickle=False) as file:
        assert same({name: file[name] for name in small()}, small())
        assert json.loads(file["manifest.json"])["meta"] == {"step": 3}


def test_equal_content_makes_equal_files(path: Path, tmp_path: Path) -> None:
    save_arrays(path, small(), {"step": 3})
    save_arrays(tmp_path / "other.npz", small(), {"step": 3})
    assert path.read_bytes() == (tmp_path / "other.npz").read_bytes()


@pytest.mark.parametrize(
    "array",
    [
        np.array([None, {}], object),
        np.zeros(2, [("a", "f4"), ("b", "i4")]),
        np.ma.masked_array([1.0, 2.0], [True, False]),
        np.zeros(2, np.complex64),
        np.array(["a"]),
        np.array([b"a"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.rec.array([1.0, 2.0]),
        np.float32(1),
        [1.0, 2.0],
        None,
    ],
    ids=lambda array: f"{type(array).__name__}-{getattr(array, 'dtype', '')}",
)
def test_refused_arrays_are_named(path: Path, array: Any) -> None:
    save_arrays(path, small())
    before = path.read_bytes()
    with pytest.raises(ValueError, match="'dWh'"):
        save_arrays(path, {"Wx": np.zeros(3), "dWh": array})
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", "a\\b", "a\0b", "a\nb", "x" * 201, "\ud800", 3, None])
def test_refused_names(path: Path, name: Any) -> None:
    with pytest.raises(ValueError, match="array name"):
        save_arrays(path, {name: np.zeros(2)})
    assert not path.exists()


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.npy", "../../x", "/x", "한국", "a b", "C:x"])
def test_unusual_names(path: Path, name: str) -> None:
    save_arrays(path, {name: np.arange(3)}, {name: 1})
    arrays, meta = load_arrays(path)
    assert same(arrays, {name: np.arange(3)}) and meta == {name: 1}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (float("nan"), r"meta\['a'\] is nan"),
        ([1, {"b": float("inf")}], r"meta\['a'\]\[1\]\['b'\] is inf"),
        (np.float32(1), r"meta\['a'\] is a numpy.float32"),
        (np.int64(1), "numpy.int64"),
        (np.zeros(2), "ndarray"),
        ({1: 2}, "key 1"),
        ({1, 2}, "set"),
        (b"x", "bytes"),
    ],
    ids=str,
)
def test_refused_meta(path: Path, value: Any, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        save_arrays(path, {}, {"a": value})
    assert not path.exists()


def test_refused_nesting_and_size_of_meta(path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested"):
        save_arrays(path, {}, {"a": endless})
    with pytest.raises(ValueError, match="put long lists"):
        save_arrays(path, {}, {"a": "x" * (17 << 20)})
    assert list(path.parent.iterdir()) == []


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


def test_max_bytes_is_a_limit_on_content(path: Path) -> None:
    save_arrays(path, {"x": np.zeros(1000)})
    save_arrays(path, {"x": np.zeros(1000)})
    with pytest.raises(CheckpointError, match="max_bytes = 8000"):
        load_arrays(path, max_bytes=8000)
    assert load_arrays(path, max_bytes=9000)[0]["x"].shape == (1000,)


@pytest.mark.skipif(sys.maxsize < 2**32, reason="needs a 64-bit Python")
def test_zip64_is_ready_for_large_arrays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 2 GiB zip has another form; a small limit makes this testable."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    arrays = {"x": np.arange(1000.0), "y": np.arange(3), "z": np.arange(2000.0)}
    save_arrays(path, arrays)
    assert b"PK\6\7" in path.read_bytes()
    assert same(load_arrays(path)[0], arrays)
