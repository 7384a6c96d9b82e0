"""The file beside the file: the previous one, leftovers, links, rights, other systems."""

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fasts2s.checkpoint import (
    CheckpointError,
    CheckpointWarning,
    atomic,
    load_arrays,
    load_book_pickle,
    previous_path,
    save_arrays,
)
from tests.checkpoint.helpers import load_step, posix, save, state, temporaries


def test_previous_is_the_last_replaced_file(path: Path) -> None:
    for step in (1, 2, 3, 4):
        save(path, step)
        assert load_step(path) == step
        assert previous_path(path).exists() is (step > 1)
        if step > 1:
            assert load_step(previous_path(path)) == step - 1
    save_arrays(path, {}, {"step": 5}, keep_previous=False)
    assert load_step(previous_path(path)) == 3
    assert previous_path(path) == path.with_name("model.npz.prev")


def test_cut_file_does_not_push_out_a_good_previous_one(path: Path) -> None:
    save(path, 1)
    save(path, 2)
    path.write_bytes(path.read_bytes()[:-9])
    save(path, 3)
    assert load_step(path) == 3 and load_step(previous_path(path)) == 1


@pytest.mark.parametrize("error", [OSError(errno.EPERM, "no links"), NotImplementedError("no links")])
def test_file_system_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    for step in (1, 2, 3):
        save(path, step)
    assert load_step(path) == 3 and load_step(previous_path(path)) == 2 and temporaries(path) == []


def leftover(path: Path, pid: int, host: str | None = None) -> Path:
    """Make a file like those that a killed writer leaves."""
    name = atomic._temporary(path).name
    head, _, tail = name.rpartition(f"-{os.getpid()}-")
    found = path.with_name(f"{head}-{pid}-{tail}")
    if host is not None:
        found = found.with_name(found.name.replace(atomic._host(), host))
    found.write_bytes(b"rubbish")
    return found


@posix
def test_only_abandoned_temporaries_of_the_target_are_swept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        dead = process.pid
    process.wait()
    swept = [leftover(path, dead), leftover(path, 2**31 + 5)]
    kept = [
        leftover(path, os.getpid()),
        leftover(path, os.getppid()),
        leftover(path, dead, host="0123abcd"),
        leftover(path.with_name("other.npz"), dead),
        path.with_name(f".{path.name}.tmp"),
        path.with_name(f"{path.name}.0123abcd-{dead}-0123456789abcdef.tmp"),
    ]
    for file in kept:
        file.write_bytes(b"rubbish")
    os.utime(kept[0], (1, 1))  # as a second name of an old file has it
    save(path, 1)
    assert [f.exists() for f in swept] == [False, False] and all(f.exists() for f in kept)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 3600)
    save(path, 2)
    assert [f.exists() for f in kept] == [False, False, False, True, True, True]


@posix
def test_links_rights_and_other_file_kinds(path: Path, tmp_path: Path) -> None:
    save(path, 1)
    path.chmod(0o640)
    link = tmp_path / "latest"
    link.symlink_to(path.name)
    save(link, 2)
    assert link.is_symlink() and load_step(path) == 2 and load_step(link) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert previous_path(link) == previous_path(path) and load_step(previous_path(path)) == 1
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(ValueError, match="plain file"):
            save(other, 3)
        for load in (load_arrays, load_book_pickle):
            with pytest.raises(CheckpointError, match="plain file"):
                load(other)
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "missing" / "x.npz", 1)


def test_replace_waits_for_a_reader_on_windows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = path.with_name("new")
    source.write_bytes(b"new")
    path.write_bytes(b"old")
    real, attempts = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        attempts.append(target)
        if len(attempts) < 3:
            raise PermissionError("in use")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(atomic, "_IS_WINDOWS", True)
    atomic._replace(source, path)
    assert path.read_bytes() == b"new" and len(attempts) == 3


@posix
def test_folder_that_cannot_be_flushed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, answer = os.fsync, errno.EINVAL

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(answer, "no")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    save(path, 1)
    answer = errno.EIO
    with pytest.warns(CheckpointWarning, match="power cut"):
        save(path, 2)
    assert load_step(path) == 2


def test_trouble_after_the_replacement_is_a_warning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(path, 1)
    save(path, 2)
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name.endswith(".prev"):
            raise PermissionError("in use")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.warns(CheckpointWarning, match="older state") as caught:
        save_arrays(path, *state(3))
    assert caught[0].filename == __file__  # the warning points at who called save_arrays
    assert load_step(path) == 3 and load_step(previous_path(path)) == 1 and temporaries(path) == []
