"""Where compiled kernels are kept between runs: a private folder, a lock, a checksum of every file.

Numba's own cache does the storing. What it leaves open is closed here: the folder's name hashes everything that the
machine code depends on (Numba looks at the file of the compiled function alone); one process writes at a time; a file
whose checksum is not in the manifest, because it was damaged or its writer died, is deleted before Numba reads it
(it would be executed); and whatever fails costs time, never a result: kernels are then compiled without a cache.
"""

import contextlib
import hashlib
import json
import os
import stat
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import llvmlite
import numba
import numpy as np
import platformdirs

from fasts2s_kernels.cpu import target
from fasts2s_kernels.cpu.numba_api import config

_PACKAGE = Path(__file__).parent.parent
MANIFEST, LOCK = "manifest.json", "lock"
#: Another process may be compiling everything, which takes seconds; one that has died has lost its lock.
_LOCK_SECONDS = 300.0


def fingerprint() -> str:
    """Return a hash of all that compiled kernels depend on: sources, versions, processor, compiler settings."""
    digest = hashlib.sha256()
    for path in sorted([*_PACKAGE.glob("cpu/*.py"), *_PACKAGE.glob("ops/*/cpu*.py")]):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
    versions = [numba.__version__, llvmlite.__version__, np.__version__, _version()]
    settings = [f"{name}={getattr(config, name, None)}" for name in ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")]
    for text in (*versions, *target.compile_target(), *settings):
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()[:16]


def _version() -> str:
    try:
        return metadata.version("fasts2s")
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
        self.base = Path(base) if base else Path(config.CACHE_DIR or platformdirs.user_cache_dir("fasts2s", False))
        self.folder: Path | None = self.base / f"kernels-{fingerprint()}"

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

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[bool]:
        """Hold the lock while a function is loaded or compiled; yields whether the cache is usable.

        ``name`` is that of its folder, its module and its own, such as "embedding/cpu.forward".
        Before, files of the function that the manifest does not vouch for are deleted; after, new ones are entered.
        """
        if self.folder is None:
            yield False
            return
        with contextlib.ExitStack() as stack:
            try:
                _private(self.folder)
                stack.enter_context(filelock.FileLock(self.folder / LOCK, timeout=_LOCK_SECONDS))
                known = self._drop_doubtful(name)
            except (OSError, NotImplementedError) as error:  # a Timeout is an OSError; some file systems cannot lock
                self.give_up(error)
                yield False
                return
            stack.enter_context(_numba_folder(self.folder))
            yield True
            try:
                self._enter_new(name, known)
            except OSError as error:
                self.give_up(error)

    def holds(self, name: str) -> bool:
        """Whether there are files of the function of this name."""
        return bool(self._files(name))

    def _files(self, name: str) -> list[Path]:
        if self.folder is None:
            return []
        folder, _, function = name.partition("/")
        return sorted(self.folder.glob(f"{folder}_*/{function}-*.nb[ci]"))

    def _key(self, path: Path) -> str:
        # With its folder: two installations of one version have files of the same names.
        return path.parent.name + "/" + path.name

    def _manifest(self) -> dict[str, str]:
        if self.folder is None:
            return {}
        try:
            read = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # none yet, or damaged: then nothing is vouched for
            return {}
        return read if isinstance(read, dict) else {}

    def _drop_doubtful(self, name: str) -> dict[str, str]:
        manifest, files = self._manifest(), self._files(name)
        if any(manifest.get(self._key(path)) != _sha256(path) for path in files):
            for path in files:  # index and code belong together
                path.unlink(missing_ok=True)
            return {}
        return {self._key(path): manifest[self._key(path)] for path in files}

    def _enter_new(self, name: str, known: dict[str, str]) -> None:
        if self.folder is None:
            return
        now = {self._key(path): _sha256(path) for path in self._files(name)}
        if now != known:
            temporary = self.folder / f"{MANIFEST}.{os.getpid()}"
            temporary.write_text(json.dumps(self._manifest() | now), encoding="utf-8")
            temporary.replace(self.folder / MANIFEST)

    def remove_function(self, name: str) -> None:
        """Delete all files of a function; one that cannot be deleted is left."""
        for path in self._files(name):
            with contextlib.suppress(OSError):
                path.unlink()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def _numba_folder(folder: Path) -> Iterator[None]:
    """Point Numba's cache at the folder, for this block only: other libraries' caches stay where they are."""
    before: Any = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before
