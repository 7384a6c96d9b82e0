"""Peers as child processes: starting them, asking them, outliving them."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


class PeerError(Exception):
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
        self.reader: Any = None
        self.answers: queue.Queue[str] = queue.Queue()
        self.log = folder / f"{name.replace(' ', '_')}_{threads}.log"

    def _start(self) -> Any:
        self.answers = queue.Queue()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fasts2s.bench.worker", self.name, str(self.folder), str(self.threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.reader = threading.Thread(target=_read, args=(self.process.stdout, self.answers), daemon=True)
        self.reader.start()
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
        reply: dict[str, Any] = json.loads(answer)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def release(self, kept: list[str]) -> None:
        """Let the process forget its cases, but those with the given keys."""
        if self.process is not None:
            with contextlib.suppress(PeerError):  # who died has nothing left to forget
                self.ask(do="release", kept=kept)

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        """End the process."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            self.reader.join()
            process.stdout.close()
            with contextlib.suppress(OSError):  # what it was not yet told
                process.stdin.close()


def _read(stream: Any, answers: "queue.Queue[str]") -> None:
    for line in stream:
        answers.put(line)
    answers.put("")
