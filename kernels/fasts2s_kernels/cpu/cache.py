"""Where compiled kernels are kept between runs: a private folder, one file for each, with a checksum.

The folder's name hashes everything that the machine code depends on. A file is written whole, under another name, and
then renamed; one whose checksum is not its content's, because it was damaged, is as good as none (its code would be
executed); one process compiles at a time, the others wait for what it makes. Whatever fails costs time, never a
result: kernels are then compiled without a cache.
"""

import contextlib
import hashlib
import os
import stat
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock  # before jit.py: both wait at a fork, and a thread that compiles holds the lock of both
import llvmlite
import numpy as np
import platformdirs

from fasts2s_kernels.cpu import environment, target
from fasts2s_kernels.cpu.code import Object

_PACKAGE = Path(__file__).parent.parent
LOCK = "lock"
#: Another process may be compiling everything, which takes seconds; one that has died has lost its lock.
_LOCK_SECONDS = 300.0
_DIGEST = hashlib.sha256().digest_size


def fingerprint() -> str:
    """Return a hash of all that compiled kernels depend on: sources, versions, processor, compiler settings."""
    digest = hashlib.sha256()
    for path in sorted([*_PACKAGE.glob("cpu/*.py"), *_PACKAGE.glob("ops/*/cpu*.py")]):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
    versions = [_version("numba"), llvmlite.__version__, np.__version__, _version("fasts2s"), sys.version]
    for text in (*versions, *target.compile_target(), *environment.SETTINGS):
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # a source tree on the path
        return "0"


def _private(folder: Path) -> None:
    """Make the folder, or raise OSError if others could write to it: the files in it are executed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "nt":
        return
    info = folder.stat()
    if info.st_uid != os.getuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{folder} can be written by others; expected mode 0700 and your own")


class Cache:
    """The folder of one fingerprint. ``folder`` is None once something failed: then nothing is cached."""

    def __init__(self, base: str | None) -> None:
        self.base = Path(base or platformdirs.user_cache_dir("fasts2s", False))
        self.folder: Path | None = self.base / f"kernels-{fingerprint()}"
        self._is_private = False

    def give_up(self, error: BaseException) -> None:
        """Go on without a cache, and say so once."""
        folder, self.folder = self.folder, None  # before the warning, which may be an error to the user
        if folder is not None:
            warnings.warn(
                f"compiled kernels cannot be kept in {folder} ({type(error).__name__}: {error}); "
                "they are compiled anew in every process: make the folder writable or set FASTS2S_CACHE_DIR",
                RuntimeWarning,
                stacklevel=2,
            )

    def is_empty(self) -> bool:
        """Whether no kernel is kept."""
        return self.folder is None or next(self.folder.glob("*.o"), None) is None

    def read(self, name: str, function: Callable[..., Any]) -> Object | None:
        """Return what is kept of a kernel; None: nothing, or nothing that can be trusted.

        ``name`` is that of its folder, its module and its own, such as "embedding.cpu.forward".
        """
        if self.folder is None:
            return None
        try:
            if not self._is_private:
                _private(self.folder)
                self._is_private = True
            kept = self._path(name, function).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.give_up(error)
            return None
        digest, content = kept[:_DIGEST], kept[_DIGEST:]
        return Object.from_bytes(content) if hashlib.sha256(content).digest() == digest else None

    def made(self, name: str, function: Callable[..., Any], make: Callable[[], Object]) -> Object:
        """Return what ``make`` makes, and keep it; or what another process made meanwhile."""
        with self._locked():
            made = self.read(name, function) or make()
            if self.folder is not None:
                try:
                    self._write(self._path(name, function), made)
                except OSError as error:
                    self.give_up(error)
            return made

    def _path(self, name: str, function: Callable[..., Any]) -> Path:
        assert self.folder is not None  # the callers have looked
        source = Path(function.__code__.co_filename)
        if _PACKAGE in source.parents:  # its text is in the folder's name
            return self.folder / f"{name}.o"
        return self.folder / f"{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}.o"

    def _write(self, path: Path, made: Object) -> None:
        content = made.to_bytes()
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the folder; nothing is cached where it cannot be held."""
        with contextlib.ExitStack() as stack:
            if self.folder is not None:
                try:
                    _private(self.folder)
                    stack.enter_context(filelock.FileLock(self.folder / LOCK, timeout=_LOCK_SECONDS))
                except (
                    OSError,
                    NotImplementedError,
                ) as error:  # a Timeout is an OSError; some file systems cannot lock
                    self.give_up(error)
            yield
