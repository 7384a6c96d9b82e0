"""Old folders of compiled kernels: what is deleted, what stays, while other processes use them."""

import os
import threading

import filelock
import pytest

from fasts2s_kernels.cpu import cache as _cache
from fasts2s_kernels.cpu import cleaning
from tests.kernels.cpu import cached
from tests.kernels.cpu.processes import fresh

SIZES = {"lock": 0, "products.json": 20, "lstm.a.o": 300, "lstm_0a/a.nbc": 4000}


def fill(base, name):
    folder = base / name
    for file, size in SIZES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"x" * size)
    return folder


@pytest.fixture
def cache(tmp_path):
    made = _cache.Cache(str(tmp_path))
    fill(tmp_path, made.folder.name)
    return made


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_folders_of_other_versions_go_and_the_own_one_stays(cache, tmp_path):
    for k in range(3):
        fill(tmp_path, f"kernels-{k:016x}")
    found = cleaning.clean(cache.base)
    assert found == (tmp_path, 3, 3 * sum(SIZES.values()), [])
    assert list(tmp_path.iterdir()) == [cache.folder]
    assert files(cache.folder) == sorted(SIZES)
    assert cleaning.clean(cache.base) == (tmp_path, 0, 0, [])


def test_nothing_else_is_touched(cache, tmp_path):
    others = [
        fill(tmp_path, name) for name in ("kernels-mine", "kernels-0123", "model", "kernels-0123456789abcdef.old")
    ]
    far = fill(tmp_path / "far", "folder")
    (tmp_path / "kernels-00000000000000aa").symlink_to(far)
    (tmp_path / "kernels-00000000000000bb").write_text("a file")
    assert cleaning.clean(cache.base).removed == 0
    assert all(files(folder) == sorted(SIZES) for folder in (*others, far))
    assert (tmp_path / "kernels-00000000000000bb").exists()


def test_a_folder_that_is_being_written_to_stays(cache, tmp_path):
    busy, free = fill(tmp_path, f"kernels-{1:016x}"), fill(tmp_path, f"kernels-{2:016x}")
    held, done = threading.Event(), threading.Event()

    def hold():
        with filelock.FileLock(busy / "lock"):
            held.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    found = cleaning.clean(cache.base)
    done.set()
    holder.join()
    assert (found.removed, found.kept) == (1, [busy])
    assert files(busy) == sorted(SIZES)
    assert not free.exists()


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may delete all")
def test_what_cannot_be_deleted_is_named(cache, tmp_path):
    folder = fill(tmp_path, f"kernels-{1:016x}")
    (folder / "lstm_0a").chmod(0o500)
    found = cleaning.clean(cache.base)
    (folder / "lstm_0a").chmod(0o700)
    assert (found.removed, found.kept) == (0, [folder])


def test_a_link_out_of_a_folder_is_not_followed(cache, tmp_path):
    far = fill(tmp_path / "far", "folder")
    (fill(tmp_path, f"kernels-{1:016x}") / "link").symlink_to(far)
    assert cleaning.clean(cache.base).removed == 1
    assert files(far) == sorted(SIZES)


def test_a_process_whose_folder_is_deleted_goes_on_and_fills_it_again(tmp_path):
    result = fresh(cached.use_while_it_is_deleted, FASTS2S_CACHE_DIR=str(tmp_path)).result
    assert result == {"right": [True, True], "warnings": [], "removed": 1}
    (folder,) = tmp_path.iterdir()
    assert any(name.endswith(".o") for name in files(folder))


def test_a_base_that_there_is_not(tmp_path):
    assert cleaning.clean(tmp_path / "none") == (tmp_path / "none", 0, 0, [])
    assert not (tmp_path / "none").exists()
