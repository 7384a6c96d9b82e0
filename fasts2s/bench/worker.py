"""One contestant in a process of its own: ``python -m fasts2s.bench.worker NAME FOLDER THREADS``.

Commands come as lines of JSON on stdin, answers go as lines of JSON to stdout: ``versions``; ``prepare`` (a case);
``run`` (a number of repetitions; answers with the seconds of each); ``learn`` (a training; answers with its curve);
``release``. See :class:`fasts2s.bench.processes.Worker`, which sends them.
"""

import json
import math
import os
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import override_environment
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, Option, Peer, Runnable, UnsupportedError, read_data

#: Seconds for which an option of a contestant is tried.
TRIAL = 0.08
#: Seconds after which no thread of OpenBLAS or OpenMP spins any more (OpenBLAS: 2**26 cycles).
REST = 0.06


def load_peer(name: str, threads: int) -> Any:
    """Return the peer of a name (see ``results.Row.contestant``); only its own libraries are imported."""
    places: dict[str, tuple[str, str, tuple[Any, ...]]] = {
        "PyTorch": ("peers._torch", "Torch", (threads,)),
        "PyTorch compiled": ("peers._torch", "Torch", (threads, True)),
        "JAX": ("peers._jax", "Jax", ()),
        "FMA peak": ("peers.peak", "Peak", (threads,)),
        "device peak": ("peers.peak", "DevicePeak", ()),
        "fasts2s": ("pipeline", "Pipeline", ()),
        "cupy": ("peers.book_interface", "Cupy", (threads,)),
        "book": ("peers.book_interface", "Book", (threads,)),
    }
    module, kind, arguments = places.get(name, ("peers.book_interface", "Ours", (name, threads)))
    return getattr(import_module(f"fasts2s.bench.{module}"), kind)(*arguments)


def timed(runnable: Runnable) -> float:
    """Return the seconds of one repetition. Raises FloatingPointError for a loss that is not finite."""
    started = time.perf_counter()
    loss = runnable.once()
    spent = time.perf_counter() - started
    if isinstance(loss, float) and not math.isfinite(loss):
        raise FloatingPointError(f"the loss became {loss}")
    return spent


def trial(runnable: Runnable) -> float:
    """Return the median seconds of some repetitions; threads of the one before fall asleep first."""
    time.sleep(REST)
    runnable.reset()
    timed(runnable)
    spent = [timed(runnable)]
    while sum(spent) < TRIAL:
        spent.append(timed(runnable))
    return float(np.median(spent))


def fastest(peer: Peer, case: Case, data: Arrays) -> Option:
    """Return the best option of a peer: all are tried in turn, three times where that is soon done."""
    options = peer.options(case)
    if len(options) == 1:
        return options[0]
    made = [peer.build(case, data, option) for option in options]
    tried = [[trial(runnable) for runnable in made]]
    if sum(tried[0]) < 0.5:
        tried += [[trial(runnable) for runnable in made] for _ in range(2)]
    return options[int(np.argmin(np.min(tried, axis=0)))]


def prepare(peer: Peer, case: Case, folder: Path, key: str) -> tuple[Runnable, dict[str, Any]]:
    """Choose the fastest option, save the results for the gate, and return what can be timed."""
    data = read_data(case, folder)
    best = fastest(peer, case, data)
    runnable = peer.build(case, data, best)
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
            self.ready = {key: one for key, one in self.ready.items() if key in command["kept"]}
            return {}
        if command["do"] == "learn":
            return learn(command)
        key = command["key"]
        if command["do"] == "run":
            return {"seconds": run(self.ready[key], command["count"])}
        self.ready[key], about = prepare(self.peer, Case(**command["case"]), self.folder, key)
        return about


def learn(command: dict[str, Any]) -> dict[str, Any]:
    """Train a model on addition and return its curve."""
    learning = import_module("fasts2s.bench.learning")
    variant = learning.Variant(*command["variant"])
    curve = learning.curve(variant, command["seed"], command["epochs"], stop_at=command["stop_at"])
    return {"curve": asdict(curve)}


def main() -> int:
    """Answer commands until stdin ends. What libraries print goes to stderr, not between the answers."""
    name, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    override_environment(None, threads)
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
