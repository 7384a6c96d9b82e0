"""The compile cache: loaded by the next process, and never trusted: damage costs time, not results."""

import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kernels.cpu import cached
from tests.kernels.cpu.processes import ROOT, Done, fresh, separate

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX modes")


def _use(folder: Any, *arguments: Any, **changes: str) -> Done:
    done = fresh(cached.use, *arguments, FASTS2S_CACHE_DIR=str(folder), **changes)
    assert done.result["right"]
    return done


def _files(base: Path) -> dict[str, bytes]:
    """All machine code below a folder."""
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*.o")}


def _assert_valid(base: Path) -> None:
    (folder,) = base.iterdir()
    cached.assert_valid(folder)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which the first process left its kernels."""
    base = tmp_path_factory.mktemp("cache") / "filled"
    done = _use(base)
    assert done.compiled
    assert "embedding_rows" in done.result["compiled"]
    assert done.result["warnings"] == []
    return base


@pytest.fixture
def base(filled: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(filled, tmp_path / "base"))


def _kernel(base: Path) -> Path:
    (path,) = base.rglob("*.embedding_rows.o")
    return path


@posix
def test_the_folder_is_private(filled: Path) -> None:
    (folder,) = filled.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_second_process_loads(filled: Path) -> None:
    before = _files(filled)
    done = _use(filled)
    assert not done.compiled
    assert done.result["compiled"] == []
    assert done.stderr == ""
    assert done.result["warnings"] == []
    assert _files(filled) == before
    _assert_valid(filled)


def test_what_was_compiled_before_is_loaded_without_numba(filled: Path) -> None:
    done = separate(cached.use, FASTS2S_CACHE_DIR=str(filled))
    assert done.result["right"]
    assert not done.result["numba"]


def test_two_installations_share_a_folder(filled: Path, base: Path, tmp_path: Path) -> None:
    # The same version in two environments: what one has compiled the other loads.
    kernels = shutil.copytree(ROOT / "kernels", tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    other = {"PYTHONPATH": os.pathsep.join([str(kernels), str(ROOT)]), "FASTS2S_CACHE_DIR": str(base)}
    done = separate(cached.use, **other).result
    assert done["right"]
    assert done["compiled"] == []
    assert _files(base) == _files(filled)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _random(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(path.stat().st_size))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 0x10
    path.write_bytes(bytes(content))


def _code_of_another(path: Path) -> None:
    (other,) = path.parent.glob("cpu.threads.run_serial.o")
    path.write_bytes(path.read_bytes()[:32] + other.read_bytes()[32:])


DAMAGES = (_truncate, _empty, _random, _flip, _code_of_another, Path.unlink)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__.strip("_"))
def test_a_damaged_file_is_replaced(filled: Path, base: Path, damage: Callable[[Path], None]) -> None:
    path = _kernel(base)
    damage(path)
    damaged = path.read_bytes() if path.exists() else b""
    done = _use(base)
    assert done.result["warnings"] == []
    assert done.result["compiled"] == ["embedding_rows"]
    assert _files(base).keys() == _files(filled).keys()
    assert path.read_bytes() != damaged
    _assert_valid(base)


def test_code_that_does_not_load_is_compiled_again(base: Path) -> None:
    path = _kernel(base)
    content = b"no_such_function numba_gil_ensure" + path.read_bytes()[32:][path.read_bytes()[32:].index(b"\0") :]
    path.write_bytes(hashlib.sha256(content).digest() + content)
    assert _use(base).result["compiled"] == ["embedding_rows"]


def test_code_that_needs_what_is_not_there_is_compiled_again(base: Path) -> None:
    path = _kernel(base)
    symbol, zero, code = path.read_bytes()[32:].partition(b"\0")
    content = symbol + b" a_function_of_nobody" + zero + code
    path.write_bytes(hashlib.sha256(content).digest() + content)
    assert _use(base).result["compiled"] == ["embedding_rows"]


def test_what_was_repaired_is_loaded(base: Path) -> None:
    _random(_kernel(base))
    _use(base)
    assert not _use(base).compiled


def _assert_warned(done: Done, folder: str = "") -> None:
    assert done.compiled
    assert len(done.result["warnings"]) == 1
    assert done.result["warnings"][0].startswith(f"RuntimeWarning compiled kernels cannot be kept in {folder}")
    assert done.result["folder"] == ""


def _file_in_the_place(tmp_path: Path) -> Path:
    place = tmp_path / "file"
    place.write_text("I am no folder")
    return place


def _below_null(tmp_path: Path) -> Path:
    return Path("/dev/null/cache")


def _below_proc(tmp_path: Path) -> Path:
    return Path("/proc/cache")


@posix
@pytest.mark.parametrize("place", [_file_in_the_place, _below_null, _below_proc], ids=lambda f: f.__name__.strip("_"))
def test_no_folder_to_write_in(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    if place is _below_proc and sys.platform != "linux":
        pytest.skip("/proc is Linux")
    folder = place(tmp_path)
    _assert_warned(_use(folder), str(folder))


@posix
def test_a_read_only_folder(tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    _assert_warned(_use(tmp_path))


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_write_to_is_not_read(base: Path, mode: int) -> None:
    # Whoever may write there could have us run his code.
    (folder,) = base.iterdir()
    folder.chmod(mode)
    before = _files(base)
    done = _use(base)
    _assert_warned(done, str(folder))
    assert "can be written by others" in done.result["warnings"][0]
    assert _files(base) == before


@pytest.mark.parametrize("fault", ["full", "rename", "lock", pytest.param("limit", marks=posix)])
def test_a_full_disk(tmp_path: Path, fault: str) -> None:
    _assert_warned(_use(tmp_path, fault))
    done = _use(tmp_path)  # there is room again
    assert done.compiled
    assert done.result["warnings"] == []
    assert not _use(tmp_path).compiled


def test_where_warnings_are_errors_there_is_one_and_none_at_import(tmp_path: Path) -> None:
    place = _file_in_the_place(tmp_path)
    raised = separate(cached.use_with_warnings_as_errors, FASTS2S_CACHE_DIR=str(place)).result
    assert len(raised) == 1


def test_any_change_is_another_folder(tmp_path: Path) -> None:
    found = fresh(cached.fingerprints_of_changes, str(tmp_path)).result
    assert len(found) > 30
    assert len(set(found.values())) == len(found)


def test_a_kernel_outside_the_package_has_a_file_for_each_text(tmp_path: Path) -> None:
    source, cache = tmp_path / "kernels.py", cached._cache.Cache(str(tmp_path / "cache"))
    paths = []
    for text in ("def f(): pass\n", "def f(): return 1\n"):
        source.write_text(text)
        space: dict[str, Any] = {}
        exec(compile(text, str(source), "exec"), space)
        paths.append(cache._path("kernels.f", space["f"]))
    assert paths[0] != paths[1]
