"""One contestant in a process of its own: ``python -m fasts2s.bench.worker NAME FOLDER THREADS``.

Commands come as lines of JSON on stdin, answers go as lines of JSON to stdout: ``versions``; ``prepare`` (a case);
``run`` (a number of repetitions; answers with seconds); ``learn`` (a training; answers with its curve); ``release``;
``start`` and ``memory``, see :mod:`fasts2s.bench.fresh`. They come from :class:`fasts2s.bench.processes.Worker`.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import override_environment
from fasts2s.bench import fresh
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, Option, Peer, Runnable, UnsupportedError, read_data

#: Seconds for which an option of a contestant is tried.
TRIAL = 0.08
#: Seconds after which no thread of OpenBLAS or OpenMP spins any more (OpenBLAS: 2**26 cycles).
REST = 0.06
#: First word of a contestant's name -> module and class; others are backends of this package.
PLACES = {
    "PyTorch": ("peers._torch", "Torch"),
    "book": ("peers.book_interface", "Book"),
    "JAX": ("peers._jax", "Jax"),
    "FMA": ("peers.peak", "Peak"),
    "device": ("peers.peak", "DevicePeak"),
    "fasts2s": ("pipeline", "Pipeline"),
}


def load_peer(name: str, threads: int) -> Any:
    """Return the peer of a name (see ``results.Row.contestant``); only its own libraries are imported."""
    first, *words = name.split()
    module, kind = PLACES.get(first, ("peers.book_interface", "Ours"))
    return getattr(import_module(f"fasts2s.bench.{module}"), kind)(
        threads, *([first] if kind == "Ours" else []), *words
    )


def trial(peer: Peer, runnable: Runnable, option: Option) -> float:
    """Return the median seconds of some repetitions; threads of the one before fall asleep first."""
    time.sleep(REST)
    peer.use(option)
    runnable.reset()
    runnable.clock(runnable.once, 1)
    spent: list[float] = []
    ends = time.perf_counter() + TRIAL
    while not spent or time.perf_counter() < ends:
        spent += runnable.clock(runnable.once, 1)
    return float(np.median(spent))


def fastest(peer: Peer, case: Case, data: Arrays) -> Option:
    """Return the best option of a peer: all are tried in turn, three times where that is soon done."""
    options = peer.options(case)
    if len(options) == 1:
        return options[0]
    pairs = [(peer.ready(case, data, option), option) for option in options]
    tried = [[trial(peer, *pair) for pair in pairs]]
    if sum(tried[0]) < 0.5:
        tried += [[trial(peer, *pair) for pair in pairs] for _ in range(2)]
    return options[int(np.argmin(np.min(tried, axis=0)))]


class Session:
    """What a worker keeps between commands; each of its methods answers one."""

    def __init__(self, peer: Any, folder: Path) -> None:
        self.peer, self.folder = peer, folder
        self.ready: dict[str, tuple[Runnable, Option]] = {}

    def versions(self) -> dict[str, Any]:
        """Return what runs here."""
        return {"versions": self.peer.versions()}

    def release(self, kept: list[str]) -> dict[str, Any]:
        """Forget all cases but some."""
        self.ready = {key: one for key, one in self.ready.items() if key in kept}
        return {}

    def prepare(self, case: dict[str, Any], key: str) -> dict[str, Any]:
        """Choose the fastest option, save the results for the gate, and keep what can be timed."""
        wanted = Case(**case)
        data = read_data(wanted, self.folder)
        best = fastest(self.peer, wanted, data)
        runnable = self.peer.ready(wanted, data, best)
        self.ready[key] = runnable, best
        np.savez(self.folder / f"{key}.npz", **runnable.results())
        more = runnable.info | self._launches(wanted, runnable)
        return {"seconds": trial(self.peer, runnable, best), "settings": best | more}

    def _launches(self, case: Case, runnable: Runnable) -> dict[str, Any]:
        """Return how many kernels a step starts on a GPU, where a profiler sees it."""
        if not (case.is_step and case.clock):
            return {}
        runnable.reset()
        count = import_module("fasts2s.bench.peers.gpu").launches(runnable.once)
        return {} if count is None else {"launches": count}

    def run(self, key: str, count: int) -> dict[str, Any]:
        """Return the seconds of some repetitions."""
        runnable, option = self.ready[key]
        self.peer.use(option)
        runnable.reset()
        seconds = [runnable.units * spent for spent in runnable.clock(runnable.once, count)]
        return {"seconds": seconds, "late": getattr(runnable.clock, "late", False)}

    def learn(self, **given: Any) -> dict[str, Any]:
        """Train a model on addition and return its curve."""
        learning = import_module("fasts2s.bench.learning")
        return {"curve": asdict(learning.curve(learning.Variant(*given.pop("variant")), **given))}


def main() -> int:
    """Answer commands until stdin ends. What libraries print goes to stderr, not between the answers."""
    name, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    override_environment(None, threads)
    session: Session | None = None
    for line in sys.stdin:
        try:
            given = json.loads(line)
            do = given.pop("do")
            if do in {"start", "memory"}:
                reply = getattr(fresh, do)(name, **given)
            else:
                session = session or Session(load_peer(name, threads), folder)
                reply = getattr(session, do)(**given)
        except UnsupportedError as error:
            reply = {"unsupported": str(error)}
        except Exception as error:  # whatever a peer raises: the others go on
            reply = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
