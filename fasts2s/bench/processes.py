"""Peers as child processes: starting them, asking them, outliving them."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from fasts2s.bench.peer import UnsupportedError


class PeerError(RuntimeError):
    """A peer failed or did not answer; the text says why."""


class Worker:
    """One peer in a process of its own, which starts at the first question and again after it died.

    Parameters
    ----------
    name : str
        As ``results.Row.contestant`` has it.
    folder : Path
        Where data and results lie; what the process prints is kept there, too.
    threads : int
        The most threads.
    limit : float
        Seconds after which a question counts as not answered.
    """

    def __init__(self, name: str, folder: Path, threads: int, limit: float) -> None:
        self.name, self.folder, self.threads, self.limit = name, folder, threads, limit
        self.process: Any = None
        self.log = folder / f"{name.replace(' ', '_')}_{threads}.log"

    def _start(self) -> Any:
        command = [sys.executable, "-m", "fasts2s.bench.worker", self.name, str(self.folder), str(self.threads)]
        with self.log.open("ab") as log:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True)
        return self.process

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command, return the answer.

        Raises PeerError where there is none, or it is an error; UnsupportedError where the peer has nothing for it.
        """
        process = self.process or self._start()
        timer = threading.Timer(self.limit, process.kill)
        timer.start()
        asked = time.monotonic()
        try:
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = ""
        finally:
            timer.cancel()
        if not answer:
            self.stop()
            late = time.monotonic() - asked >= self.limit
            raise PeerError(f"no answer within {self.limit:.0f} s" if late else self._last_words())
        reply: dict[str, Any] = json.loads(answer)
        if "error" in reply:
            raise PeerError(reply["error"])
        if "unsupported" in reply:
            raise UnsupportedError(reply["unsupported"])
        return reply

    def release(self, kept: list[str]) -> None:
        """Let the process forget its cases, but those with the given keys."""
        if self.process is not None:
            with contextlib.suppress(PeerError):  # who died has nothing left to forget
                self.ask(do="release", kept=kept)

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"the process died: {lines[-1] if lines else 'it said nothing'}"

    def stop(self) -> None:
        """End the process."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(OSError):  # what it was not yet told
                process.stdin.close()
