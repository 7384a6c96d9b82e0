"""Peers as child processes: starting them, asking them, outliving them."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

WORKER = Path(__file__).resolve().parent.parent / "worker.py"


class PeerError(Exception):
    """A peer failed or did not answer; the text says why."""


class Worker:
    """One peer in a process of its own, which starts at the first question and again after it died.

    Parameters
    ----------
    name : str
        As worker.py knows it.
    python : str
        The interpreter that has its libraries.
    folder : Path
        Where data and results lie; what the process prints is kept there, too.
    limit : float
        Seconds after which a question counts as not answered.
    """

    def __init__(self, name: str, python: str, folder: Path, threads: int, limit: float) -> None:
        self.name, self.python, self.folder, self.threads, self.limit = name, python, folder, threads, limit
        self.process: Any = None
        self.answers: queue.Queue[str] = queue.Queue()
        self.log = folder / f"{name.replace(' ', '_')}.log"

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k != "FASTS2S_TORCH_PYTHON"}
        if self.name == "ours":
            kept |= {"FASTS2S_BACKEND": "numba", "FASTS2S_NUM_THREADS": str(self.threads)}
        return kept

    def _start(self) -> Any:
        self.answers = queue.Queue()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, str(WORKER), self.name, str(self.folder), str(self.threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment(),
                text=True,
            )
        threading.Thread(target=_read, args=(self.process.stdout, self.answers), daemon=True).start()
        return self.process

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command, return the answer. Raises PeerError where there is none, or it is an error."""
        process = self.process or self._start()
        try:
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            answer = self.answers.get(timeout=self.limit)
        except queue.Empty:
            self.stop()
            raise PeerError(f"no answer within {self.limit:.0f} s") from None
        except OSError:
            answer = ""
        if not answer:
            self.stop()
            raise PeerError(f"the process died: {self._last_words()}")
        reply = json.loads(answer)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def release(self) -> None:
        """Let the process forget its cases."""
        if self.process is not None:
            with contextlib.suppress(PeerError):  # who died has nothing left to forget
                self.ask(do="release")

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _read(stream: Any, answers: "queue.Queue[str]") -> None:
    for line in stream:
        answers.put(line)
    answers.put("")


def version_there(python: str, package: str) -> str:
    """Return the version of a package for an interpreter; "" if it is not there."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def installed(python: str, package: str) -> bool:
    """Return whether an interpreter has a package; say so if not."""
    if version_there(python, package):
        return True
    print(f"left out: {package} is not installed for {python}; give --torch-python or FASTS2S_TORCH_PYTHON")
    return False


def torch_python(given: str | None) -> str:
    """Return the interpreter for PyTorch and JAX: given, or FASTS2S_TORCH_PYTHON, or this one.

    The variable is taken out of the environment: the package would warn of a name that it does not know.
    """
    named = os.environ.pop("FASTS2S_TORCH_PYTHON", None)
    return given or named or sys.executable
