"""What fresh processes do with a cache folder: three small kernels, so that compiling is quick."""

import errno
import gc
import json
import os
import shutil
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import fasts2s
from fasts2s_kernels.cpu import cache as _cache
from fasts2s_kernels.cpu import cleaning, jit, numba_api
from fasts2s_kernels.cpu.launch import Launch

W = np.arange(35, dtype=np.float32).reshape(7, 5)
IDS = np.array([6, 0, -1, 3, 3])


def work() -> bool:
    """Look up rows of a table; return whether they are the right ones."""
    found = fasts2s.get_backend("numba").kernels().embedding_forward(W, IDS)
    return np.array_equal(found, W[IDS])


def use(fault: str = "") -> dict[str, Any]:
    """Work twice, with the folder of the environment; return results, all warnings, and the folder."""
    compiler = numba_api.cpu_target.target_context
    with (
        warnings.catch_warnings(record=True) as caught,
        mock.patch.object(compiler, "refresh", wraps=compiler.refresh) as refresh,
        _fault(fault),
    ):
        warnings.simplefilter("always")
        results = [work(), work()]
    return {
        "right": all(results),
        "warnings": [f"{w.category.__name__} {w.message}" for w in caught],
        "folder": str(jit.cache().folder or ""),
        "prepared": refresh.called,
        "untouched": numba_api.config.CACHE_DIR == "",
    }


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
            compiled._ready = None
        for launch in gc.get_objects():
            if type(launch) is Launch:
                launch._compiled = ()
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
    from numba.core import caching  # noqa: PLC0415 - only to break it

    if kind == "full":  # every write of Numba's
        plain = caching.IndexDataCacheFile._open_for_write

        @contextmanager
        def full(self: Any, path: str) -> Iterator[Any]:
            with plain(self, path) as file:
                yield file
                raise OSError(errno.ENOSPC, "No space left on device", path)

        caching.IndexDataCacheFile._open_for_write = full
    elif kind == "limit":  # the system's own refusal, after 3000 bytes
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
    elif kind == "manifest":
        plain_replace = Path.replace

        def refuse(self: Path, target: Any) -> Path:
            if self.name.startswith("manifest"):
                raise OSError(errno.EDQUOT, "Disk quota exceeded", str(self))
            return plain_replace(self, target)

        Path.replace = refuse  # type: ignore[method-assign]
    elif kind == "lock":
        import filelock  # noqa: PLC0415

        def no_locks(self: Any, *args: Any, **kwargs: Any) -> None:
            raise NotImplementedError("this file system does not lock")

        filelock.FileLock.acquire = no_locks  # type: ignore[method-assign]
    yield


def other_library(folder: str) -> bool:
    """Whether a function of somebody else's, cached before and after ours, lies in his folder alone."""
    import numba  # noqa: PLC0415

    numba_api.config.CACHE_DIR = folder
    numba.jit("int64(int64)", cache=True)(other_function)
    before = len(list(Path(folder).rglob("*.nbi")))
    result = work()
    here = [path.name for path in Path(folder).rglob("*.nb?")]
    return (
        folder == numba_api.config.CACHE_DIR
        and before == 1
        and all("other_function" in name for name in here)
        and result
    )


def other_function(n: int) -> int:
    return n + 1


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
    changes: list[tuple[Any, str, Any]] = []
    changes += [(numba_api.config, name, 1) for name in ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")]
    changes += [(module, "__version__", "9.9") for module in (_cache.numba, _cache.llvmlite, _cache.np)]
    changes += [(_cache, "_version", lambda: "9.9"), (_cache.target, "compile_target", lambda: ("a", "b", "c"))]
    for holder, name, value in changes:
        kept = getattr(holder, name)
        setattr(holder, name, value)
        found[f"{holder} {name}"] = _cache.fingerprint()
        setattr(holder, name, kept)
    return found
