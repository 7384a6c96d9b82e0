"""No crash, kill or failing disk costs the last good file, and none leaves rubbish behind."""

import contextlib
import errno
import io
import os
import random
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasts2s.checkpoint import (
    CheckpointError,
    CheckpointWarning,
    atomic,
    load_arrays,
    load_book_pickle,
    previous_path,
    save_arrays,
    save_book_pickle,
)

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX behaviour")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"


def save(path: Path, step: int) -> None:
    save_arrays(path, {"x": np.full(30_000, step, np.float32), "b": np.full(3, step)}, {"step": step})


def load_step(path: Path) -> int:
    """Return the step of a file after checking that all of it belongs to one step."""
    arrays, meta = load_arrays(path)
    assert set(arrays) == {"x", "b"} and arrays["x"].shape == (30_000,)
    assert all((array == meta["step"]).all() for array in arrays.values())
    return meta["step"]


def temporaries(path: Path) -> list[str]:
    return [file.name for file in path.parent.iterdir() if file not in {path, previous_path(path)}]


LOOP = """
import sys
sys.path[:] = sys.argv[2:]
import numpy as np
from fasts2s.checkpoint import save_arrays
for step in range(1, 10**9):
    save_arrays(sys.argv[1], {"x": np.full(30_000, step, np.float32), "b": np.full(3, step)}, {"step": step})
    if step == 1:
        print("saving", flush=True)
"""


@contextlib.contextmanager
def saving_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", LOOP, str(path), *sys.path], stdout=subprocess.PIPE, text=True)
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_kill_at_any_moment_leaves_a_whole_file(path: Path) -> None:
    """Thirty kills: the file itself is always whole (falling back would warn, and warnings are errors)."""
    rng = random.Random(11)
    hits = 0
    for _ in range(30):
        with saving_process(path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "saving\n"
            time.sleep(rng.uniform(0, 0.03))
            process.kill()
            process.wait()
            hits += bool(temporaries(path))
            assert load_step(path) >= 1
            if previous_path(path).exists():
                assert load_step(previous_path(path)) >= 1
    assert hits >= 3, "the kills did not hit a save, so this test proves nothing"
    save(path, 7)
    assert load_step(path) == 7 and temporaries(path) == []


class Disk:
    """Counts the calls that reach the disk and makes the chosen one fail, or all from there on."""

    def __init__(self, fail_at: int, error: BaseException, lasting: bool) -> None:
        self.calls, self.fail_at, self.error, self.lasting = 0, fail_at, error, lasting

    def call(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at or (self.lasting and self.calls > self.fail_at > 0):
            raise self.error

    def failing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.call()
            return real(*args, **kwargs)

        return wrapped

    def create(self, fresh: Path) -> io.BufferedWriter:
        self.call()
        disk = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                disk.call()
                return super().write(data)

        return io.BufferedWriter(Raw(fresh, "xb"))

    def install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(atomic, "_create", self.create)
        patch.setattr(os, "fsync", self.failing(os.fsync))
        for name in ("replace", "hardlink_to", "chmod"):
            patch.setattr(Path, name, self.failing(getattr(Path, name)))


ERRORS = {
    "full": (OSError(errno.ENOSPC, "disk full"), False),
    "full for good": (OSError(errno.ENOSPC, "disk full"), True),
    "broken for good": (OSError(errno.EIO, "broken"), True),
    "Ctrl-C": (KeyboardInterrupt(), False),
    "no memory": (MemoryError(), False),
}
# Not the disk's answers, so they may also come after the new file is in place.
ANY_MOMENT = {"Ctrl-C", "no memory"}


def outcomes(path: Path, act: Callable[[], None], patch: pytest.MonkeyPatch, case: str) -> Iterator[bool]:
    """Let `act` fail at its first call to the disk, its second ...; yield whether an exception came out."""
    error, lasting = ERRORS[case]
    for fail_at in range(1, 1000):
        disk = Disk(fail_at, error, lasting)
        with patch.context() as context, warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)
            disk.install(context)
            try:
                act()
                failed = False
            except type(error) as caught:
                assert caught is error
                failed = True
        yield failed
        if disk.calls < fail_at:
            return
    raise AssertionError("no end of calls")


@pytest.mark.parametrize("case", ERRORS)
def test_failure_at_each_disk_call(path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    runs = failures = 0

    def prepare() -> None:
        save(path, 1)
        save(path, 2)

    prepare()
    for failed in outcomes(path, lambda: save(path, 3), monkeypatch, case):
        runs += 1
        failures += failed
        assert temporaries(path) == []
        if case in ANY_MOMENT and failed:
            assert load_step(path) in {2, 3} and load_step(previous_path(path)) in {1, 2}
        elif failed:
            assert load_step(path) == 2 and load_step(previous_path(path)) == 1
        else:
            assert load_step(path) == 3 and load_step(previous_path(path)) in {1, 2}
        prepare()
    assert runs > 8 and failures >= 5


@pytest.mark.parametrize("case", ERRORS)
def test_failure_at_each_disk_call_of_book_pickle(path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    old, new = np.full(9000, 1.0, np.float32), np.full(9000, 2.0, np.float32)
    save_book_pickle(path, [old])
    failures = 0
    for failed in outcomes(path, lambda: save_book_pickle(path, [new, new]), monkeypatch, case):
        failures += failed
        assert temporaries(path) == [] and not previous_path(path).exists()
        loaded = load_book_pickle(path)
        assert all((array == (1.0 if len(loaded) == 1 else 2.0)).all() for array in loaded)
        assert len(loaded) == (1 if failed else 2) or (case in ANY_MOMENT and len(loaded) == 2)
        save_book_pickle(path, [old])
    assert failures >= 4


def test_first_save_that_fails_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for failed in outcomes(path, lambda: save(path, 1), monkeypatch, "full for good"):
        assert temporaries(path) == [] and path.exists() is not failed
        path.unlink(missing_ok=True)


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
        save(path, 3)
    assert caught[0].filename == __file__
    assert load_step(path) == 3 and load_step(previous_path(path)) == 1 and temporaries(path) == []


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


def test_everything_is_flushed_before_it_is_renamed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        status = os.fstat(handle)
        events.append("folder" if stat.S_ISDIR(status.st_mode) else f"flush {status.st_size}")
        real_fsync(handle)

    def replace(self: Path, target: Path) -> Path:
        events.append(f"rename {self.stat().st_size} {target.name}")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    save(path, 1)
    size = path.stat().st_size
    save(path, 2)
    folder = [] if os.name == "nt" else ["folder"]
    first = [f"flush {size}", f"rename {size} model.npz", *folder]
    assert events == [*first, *first[:2], f"rename {size} model.npz.prev", *folder]


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
    save(path, 1)
    assert [f.exists() for f in swept] == [False, False] and all(f.exists() for f in kept)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 3600)
    save(path, 2)
    assert [f.exists() for f in kept] == [False, False, False, True, True, True]


@posix
def test_reader_beside_a_writer_always_finds_a_whole_file(path: Path) -> None:
    save(path, 0)
    seen: list[int] = []
    failures: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(load_step(path))
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for step in range(1, 100):
            save(path, step)
    finally:
        done.set()
        reader.join()
    assert not failures and seen and seen == sorted(seen)


def test_writers_beside_each_other(path: Path) -> None:
    def write(start: int) -> None:
        for step in range(start, start + 20):
            save(path, step)

    writers = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert load_step(path) % 100 == 19 and temporaries(path) == []
    load_step(previous_path(path))


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
