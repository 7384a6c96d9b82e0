"""What fresh processes do with a cache folder: three small kernels, so that compiling is quick."""

import errno
import gc
import hashlib
import json
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import fasts2s
from fasts2s_kernels.cpu import cache as _cache
from fasts2s_kernels.cpu import cleaning, jit
from fasts2s_kernels.cpu.launch import Launch

W = np.arange(35, dtype=np.float32).reshape(7, 5)
IDS = np.array([6, 0, -1, 3, 3])


def work() -> bool:
    """Look up rows of a table; return whether they are the right ones."""
    found = fasts2s.get_backend("numba").kernels().embedding_forward(W, IDS)
    return np.array_equal(found, W[IDS])


def assert_valid(folder: Path) -> None:
    """Every file begins with the checksum of its content, and nothing is left over."""
    for path in folder.glob("*.o"):
        kept = path.read_bytes()
        assert kept[:32] == hashlib.sha256(kept[32:]).digest(), path
    assert [path.name for path in folder.rglob("*") if path.suffix != ".o"] == ["lock"]


def use(fault: str = "") -> dict[str, Any]:
    """Work twice, with the folder of the environment; return results, all warnings, and the folder."""
    compiled = []
    with (
        warnings.catch_warnings(record=True) as caught,
        mock.patch.object(jit.Kernel, "_compiled", _noting(jit.Kernel._compiled, compiled)),
        _fault(fault),
    ):
        warnings.simplefilter("always")
        results = [work(), work()]
    return {
        "right": all(results),
        "warnings": [f"{w.category.__name__} {w.message}" for w in caught],
        "folder": str(jit.cache().folder or ""),
        "compiled": sorted(compiled),
        "numba": any(name.partition(".")[0] == "numba" for name in sys.modules),
    }


def _noting(compile_: Any, compiled: list[str]) -> Any:
    def noted(kernel: Any) -> Any:
        compiled.append(kernel.name)
        return compile_(kernel)

    return noted


def use_while_it_is_deleted() -> dict[str, Any]:
    """Work, let another version clean up, and need everything again; return results, warnings, folders deleted."""
    with (
        warnings.catch_warnings(record=True) as caught,
        mock.patch.object(cleaning, "fingerprint", lambda: "0" * 16),
    ):
        warnings.simplefilter("always")
        results = [work()]
        removed = cleaning.clean(jit.cache().base).removed
        for compiled in jit.REGISTRY:
            compiled._address = 0
        for launch in gc.get_objects():
            if type(launch) is Launch:
                launch._address = 0
        results.append(work())
    return {"right": results, "warnings": [str(w.message) for w in caught], "removed": removed}


def use_with_warnings_as_errors() -> list[str]:
    """Work as long as it raises; return what was raised, by a process in which a warning is an error."""
    raised = []
    for _ in range(5):
        try:
            return raised if work() else [*raised, "wrong"]
        except RuntimeWarning as error:
            raised.append(str(error))
    return raised


def race(processes: int) -> list[dict[str, Any]]:
    """Let several processes work that begin at the same moment; return what ``use`` gives in each of them."""
    gate, opened = os.pipe()
    pids, pipes = [], []
    for _ in range(processes):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.alarm(120)  # one that hangs dies of it
            os.close(opened)
            os.read(gate, 1)  # returns when the other end is closed
            with os.fdopen(write, "w") as pipe:
                json.dump(use(), pipe)
            os._exit(0)
        os.close(write)
        pids.append(pid)
        pipes.append(read)
    os.close(opened)
    results = []
    for pid, read in zip(pids, pipes, strict=True):
        with os.fdopen(read) as pipe:
            text = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        results.append(json.loads(text) if code == 0 else {"right": False, "warnings": [f"ended with {code}"]})
    return results


@contextmanager
def _fault(kind: str) -> Iterator[None]:
    """Let writing of the cache fail."""
    plain_write, plain_replace = Path.write_bytes, Path.replace
    if kind == "full":  # every write, in its middle

        def full(self: Path, content: bytes) -> int:
            plain_write(self, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device", str(self))

        Path.write_bytes = full  # type: ignore[method-assign]
    elif kind == "limit":  # the system's own refusal, after 3000 bytes
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
    elif kind == "rename":

        def refuse(self: Path, target: Any) -> Path:
            raise OSError(errno.EDQUOT, "Disk quota exceeded", str(self))

        Path.replace = refuse  # type: ignore[method-assign]
    elif kind == "lock":
        import filelock  # noqa: PLC0415

        def no_locks(self: Any, *args: Any, **kwargs: Any) -> None:
            raise NotImplementedError("this file system does not lock")

        filelock.FileLock.acquire = no_locks  # type: ignore[method-assign]
    try:
        yield
    finally:
        Path.write_bytes, Path.replace = plain_write, plain_replace  # type: ignore[method-assign]


def fingerprints_of_changes(folder: str) -> dict[str, str]:
    """Return the fingerprint as it is, and after every possible change of a source, a version, or a setting."""
    plain = _cache._PACKAGE
    found = {"plain": _cache.fingerprint()}
    for path in sorted([*plain.glob("cpu/*.py"), *plain.glob("ops/*/cpu*.py")]):
        copy = Path(folder, path.parent.name, path.stem)
        shutil.copytree(plain, copy, ignore=shutil.ignore_patterns("__pycache__"))
        _cache._PACKAGE = copy
        same = _cache.fingerprint() == found["plain"]
        with (copy / path.relative_to(plain)).open("a") as file:
            file.write("\n")
        found[f"{path.parent.name}/{path.name}"] = _cache.fingerprint() if same else "plain"
    _cache._PACKAGE = plain
    changes: list[tuple[Any, str, Any]] = [
        (_cache.environment, "SETTINGS", ("NUMBA_OPT=1",)),
        (_cache.llvmlite, "__version__", "9.9"),
        (_cache.np, "__version__", "9.9"),
        (_cache.sys, "version", "9.9"),
        (_cache, "_version", lambda package: "9.9" if package == "numba" else "0"),
        (_cache, "_version", lambda package: "9.9" if package == "fasts2s" else "0"),
        (_cache.target, "compile_target", lambda: ("a", "b", "c")),
    ]
    for k, (holder, name, value) in enumerate(changes):
        kept = getattr(holder, name)
        setattr(holder, name, value)
        found[f"{k} {name}"] = _cache.fingerprint()
        setattr(holder, name, kept)
    return found
