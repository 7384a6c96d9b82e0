"""Run functions in processes of their own: what may crash, hang, or change a process must not do so to the tests.

``fresh`` asks a nursery: a process that has imported everything and done nothing, and forks for every call. The child
is as good as a new process, half a second earlier. Arguments and results travel as JSON.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[3]
#: What a process prints when it is about to compile: see ``_jit._announce``.
ANNOUNCEMENT = "fasts2s: compiling kernels"

#: Settings that hold for the tests too: NUMBA_CPU_NAME=haswell, for instance, runs them on vectors of 8.
_KEPT = ("FASTS2S_CACHE_DIR", "NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
_FORKS = hasattr(os, "fork")
# Warnings are errors; but Python's warning at a fork beside threads is about what is tested here.
_FLAGS = ["-X", "faulthandler", "-W", "error", "-W", "ignore:This process:DeprecationWarning"]
_CODE = "import sys; from tests.kernels.cpu import processes; processes.{}"


class Done(NamedTuple):
    """How a process ended; result is what the function returned."""

    code: int
    result: Any
    stderr: str

    @property
    def compiled(self) -> bool:
        """Whether it compiled kernels, rather than load all of them."""
        return ANNOUNCEMENT in self.stderr


def _environment(**changes: str) -> dict[str, str]:
    """Return the environment without settings of this package and of Numba (but _KEPT), and changes."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("FASTS2S_", "NUMBA_")) or k.endswith("CACHE_DIR")
    }
    ours = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    return {**kept, **ours, **changes}


def _call(request: str) -> None:
    """Call the function of a request, and print what it returns."""
    module, function, arguments = json.loads(request)
    print(json.dumps(getattr(importlib.import_module(module), function)(*arguments)), flush=True)


def _start(code: str, *arguments: str, stderr: Any = subprocess.PIPE, **changes: str) -> "subprocess.Popen[str]":
    command = [sys.executable, *_FLAGS, "-c", _CODE.format(code), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=_environment(**changes), stdin=pipe, stdout=pipe, stderr=stderr, text=True)


def _request(function: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    return json.dumps([function.__module__, function.__name__, arguments])


@contextlib.contextmanager
def running(function: Callable[..., Any], *arguments: Any, **changes: str) -> Iterator["subprocess.Popen[str]"]:
    """A new process to talk to, killed at the end of the block if it still runs."""
    process = _start("_call(sys.argv[1])", _request(function, arguments), **changes)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def separate(function: Callable[..., Any], *arguments: Any, timeout: float = 60, **changes: str) -> Done:
    """Call a function in a process that imports everything itself; the process must end well."""
    with running(function, *arguments, **changes) as process:
        out, err = process.communicate(timeout=timeout)
    return _judged(function, Done(process.returncode, _last(out), err))


def _last(out: str) -> Any:
    with contextlib.suppress(ValueError, IndexError):  # it crashed, maybe while it printed
        return json.loads(out.splitlines()[-1])
    return None


def _judged(function: Callable[..., Any], done: Done) -> Done:
    if done.code:
        raise AssertionError(f"{function.__name__} ended with {done.code}:\n{done.stderr[-6000:]}")
    return done


class _Nursery:
    """The process that forks, once it is needed."""

    process: "subprocess.Popen[str] | None" = None

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def call(self, request: str, timeout: float, changes: dict[str, str]) -> Done:
        """Send a request; wait for how its child ended."""
        if self.process is None:
            self.process = _start("_serve()", stderr=None)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([request, timeout, changes]), file=self.process.stdin, flush=True)
        code, out, err = json.loads(self.process.stdout.readline())
        return Done(code, _last(out), err)


NURSERY = _Nursery()


def fresh(function: Callable[..., Any], *arguments: Any, timeout: float = 60, **changes: str) -> Done:
    """Call a function in a process that has done nothing yet; the process must end well.

    changes are environment variables. (Not of Numba, which has read its own at import: see ``separate``.)
    """
    if not _FORKS:
        return separate(function, *arguments, timeout=timeout, **changes)
    return _judged(function, NURSERY.call(_request(function, arguments), timeout, changes))


def _serve() -> None:
    """Be a nursery: import, compile something small, which loads most of Numba; then fork for every line."""
    import numba  # noqa: PLC0415

    from tests.kernels.cpu import guarded, interrupts, parallel  # noqa: F401, PLC0415

    numba.cfunc("float32(float32[::1])")(lambda a: a[0] + a.size)
    for line in sys.stdin:
        request, seconds, changes = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                _be_born(request, seconds, changes, out.fileno(), err.fileno())
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        print(json.dumps([code, *texts]), flush=True)


def _be_born(request: str, seconds: float, changes: dict[str, str], out: int, err: int) -> None:
    code = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.close(0)
        signal.setitimer(signal.ITIMER_REAL, seconds)  # a child that hangs dies of SIGALRM
        os.environ.update(changes)
        _call(request)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
