"""The array container: what goes in comes out, and what cannot come out does not go in."""

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasts2s.checkpoint import (
    load_arrays,
    save_arrays,
)
from tests.checkpoint.helpers import same, small

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


def test_array_that_changes_while_it_is_saved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is hashed is what is written, so the file is readable whatever another thread does."""
    array = np.zeros(100)
    real = hashlib.sha256

    class Hash:
        def __init__(self) -> None:
            self.hash = real()

        def update(self, data: bytes) -> None:
            self.hash.update(data)
            array[:] += 1

        def hexdigest(self) -> str:
            return self.hash.hexdigest()

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "sha256", Hash)
        save_arrays(path, {"x": array})
    np.testing.assert_array_equal(load_arrays(path)[0]["x"], np.zeros(100))


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


@pytest.mark.skipif(sys.maxsize < 2**32, reason="needs a 64-bit Python")
def test_zip64_is_ready_for_large_arrays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 2 GiB zip has another form; a small limit makes this testable."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    arrays = {"x": np.arange(1000.0), "y": np.arange(3), "z": np.arange(2000.0)}
    save_arrays(path, arrays)
    assert b"PK\6\7" in path.read_bytes()
    assert same(load_arrays(path)[0], arrays)
