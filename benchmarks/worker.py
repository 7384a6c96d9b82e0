"""One peer in a process of its own: ``python worker.py PEER FOLDER THREADS``; compare.py starts it and talks to it.

Commands come as lines of JSON on stdin, answers go as lines of JSON to stdout: ``versions``, ``prepare`` (a case),
``run`` (a number of repetitions; answers with the seconds of each), ``release``.
"""

import json
import math
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from suite.cases import Case, case_of
from suite.peer import Arrays, Option, Peer, Runnable, UnsupportedError, read_data

#: Seconds for which an option of a peer is tried.
TRIAL = 0.08


def load_peer(name: str, threads: int) -> Any:
    """Return the peer of a name; only its own libraries are imported."""
    if name in {"torch eager", "torch compile"}:
        return import_module("suite.torch_peer").Torch(threads, name == "torch compile")
    if name == "jax":
        return import_module("suite.jax_peer").Jax()
    if name == "FMA peak":
        return import_module("peak").Peak(threads)
    return getattr(import_module("suite.numpy_peers"), {"ours": "Ours", "book": "Book"}[name])(threads)


def timed(runnable: Runnable) -> float:
    """Return the seconds of one repetition. Raises FloatingPointError for a loss that is not finite."""
    started = time.perf_counter()
    loss = runnable.once()
    spent = time.perf_counter() - started
    if isinstance(loss, float) and not math.isfinite(loss):
        raise FloatingPointError(f"the loss became {loss}")
    return spent


def trial(runnable: Runnable) -> float:
    """Return the median seconds of some repetitions."""
    runnable.reset()
    timed(runnable)
    spent = [timed(runnable)]
    while sum(spent) < TRIAL:
        spent.append(timed(runnable))
    return float(np.median(spent))


def fastest(peer: Peer, case: Case, data: Arrays, variant: str) -> Option:
    """Return the best option of a peer: all are tried in turn, twice where that is soon done."""
    options = peer.options(case)
    if len(options) == 1:
        return options[0]
    made = [peer.build(case, data, variant, option) for option in options]
    tried = [[trial(runnable) for runnable in made]]
    if sum(tried[0]) < 0.5:
        tried.append([trial(runnable) for runnable in made])
    return options[int(np.argmin(np.min(tried, axis=0)))]


def prepare(peer: Peer, case: Case, folder: Path, variant: str, key: str) -> tuple[Runnable, dict[str, Any]]:
    """Choose the fastest option, save the results for the gate, and return what can be timed."""
    data = read_data(case, folder)
    best = fastest(peer, case, data, variant)
    runnable = peer.build(case, data, variant, best)
    np.savez(folder / f"{key}.npz", **runnable.results())
    return runnable, {"seconds": trial(runnable), "settings": best}


def run(runnable: Runnable, count: int) -> list[float]:
    """Return the seconds of each of count repetitions; before many, one is made to warm up."""
    runnable.reset()
    if count > 1:
        timed(runnable)
    return [runnable.units * timed(runnable) for _ in range(count)]


class Session:
    """What a worker keeps between commands."""

    def __init__(self, peer: Any, folder: Path) -> None:
        self.peer, self.folder = peer, folder
        self.ready: dict[str, Runnable] = {}

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Obey one command."""
        if command["do"] == "versions":
            return {"versions": self.peer.versions()}
        if command["do"] == "release":
            self.ready.clear()
            return {}
        key = command["key"]
        if command["do"] == "run":
            return {"seconds": run(self.ready[key], command["count"])}
        case = case_of(command["case"])
        self.ready[key], about = prepare(self.peer, case, self.folder, command["variant"], key)
        return about


def main() -> int:
    """Answer commands until stdin ends. What libraries print goes to stderr, not between the answers."""
    name, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    session: Session | None = None
    for line in sys.stdin:
        try:
            if session is None:
                session = Session(load_peer(name, threads), folder)
            reply = session.answer(json.loads(line))
        except UnsupportedError as error:
            reply = {"unsupported": str(error)}
        except Exception as error:  # whatever a peer raises: the others go on
            reply = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
