"""No kill and no failing disk costs the last good file, and none leaves rubbish behind."""

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
    CheckpointWarning,
    atomic,
    load_book_pickle,
    previous_path,
    save_book_pickle,
)
from tests.checkpoint.helpers import load_step, posix, save, temporaries

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
            except BaseException as caught:
                if caught is not error:
                    raise
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


@pytest.mark.parametrize("links", [True, False])
def test_everything_is_flushed_before_it_is_renamed(path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    events: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        status = os.fstat(handle)
        events.append("folder" if stat.S_ISDIR(status.st_mode) else f"flush {status.st_size}")
        real_fsync(handle)

    def replace(self: Path, target: Path) -> Path:
        events.append(f"rename {self.stat().st_size} {target.name}")
        return real_replace(self, target)

    def hardlink_to(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", hardlink_to)
    save(path, 1)
    size = path.stat().st_size
    save(path, 2)
    folder = [] if os.name == "nt" else ["folder"]
    flush, rename = f"flush {size}", f"rename {size} model.npz"
    copied = [] if links else [flush]
    assert events == [flush, rename, *folder, flush, *copied, rename, f"{rename}.prev", *folder]
    events.clear()
    save_book_pickle(path, [np.zeros(100)])
    size = path.stat().st_size
    assert events == [f"flush {size}", f"rename {size} model.npz", *folder]


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
