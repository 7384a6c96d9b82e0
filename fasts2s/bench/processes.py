"""Peers as child processes: starting them, asking them, outliving them."""

import multiprocessing
import time
from pathlib import Path
from typing import Any

from fasts2s.bench.peer import PeerError
from fasts2s.bench.worker import serve

#: Seconds in which a process may end by itself.
GRACE = 3.0


class Worker:
    """One peer in a process of its own, which starts at the first question and again after it died.

    Parameters
    ----------
    name : str
        As ``results.Row.contestant`` has it.
    folder : Path
        Where a file keeps what the process prints.
    threads : int
        The most threads.
    limit : float
        Seconds after which a question counts as not answered.
    variables : dict of str to str
        Of its environment.
    """

    def __init__(
        self, name: str, folder: Path, threads: int, limit: float, variables: dict[str, str] | None = None
    ) -> None:
        self.name, self.threads, self.limit, self.variables = name, threads, limit, variables or {}
        self.process: Any = None
        self.pipe: Any = None
        self.log = folder / f"{name.replace(' ', '_')}_{threads}.log"

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # nothing of this process is in it
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(self.name, self.threads, self.log, other, self.variables))
        self.process.start()
        other.close()  # so that the pipe ends with the process

    def ask(self, do: str, **given: Any) -> Any:
        """Let the process do something (see :class:`~fasts2s.bench.worker.Session`), return the answer.

        Raises PeerError where there is none, or it is an error; UnsupportedError where the peer has nothing for it.
        """
        if self.process is None:
            self._start()
        complaint = f"no answer within {self.limit:.0f} s"
        try:
            self.pipe.send((do, given))
            if self.pipe.poll(self.limit):
                answer = self.pipe.recv()
                if isinstance(answer, Exception):
                    raise answer
                return answer
        except (OSError, EOFError):
            complaint = self._last_words()
        self.stop()
        raise PeerError(complaint)

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        return f"the process died: {next(filter(None, reversed(lines)), 'it said nothing')}"

    def stop(self) -> None:
        """End the process: without its pipe it ends by itself, and tidies up; else it is killed."""
        if self.process is not None:
            self.pipe.close()
            self.process.join(GRACE)
            self.process.kill()
            self.process.join()
            self.process = None


def asked_once(worker: Worker, do: str, **given: Any) -> tuple[Any, float]:
    """Return the answer of a process that is started for it and ended, and the time of day when it was started."""
    started = time.time()
    try:
        return worker.ask(do, **given), started
    finally:
        worker.stop()
