"""One contestant in a process of its own: what it does there, asked by :class:`fasts2s.bench.processes.Worker`.

The growth of memory is the peak of what is resident during some steps minus what was resident after the model was
built. What the libraries and their kernels take is not in it: a step of a small model of the same kind loads them.
"""

import contextlib
import gc
import os
import sys
import time
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import override_environment, set_environment
from fasts2s.bench.cases import Case, tiny
from fasts2s.bench.peer import Arrays, Option, PeerError, Runnable, UnsupportedError, timed

#: Seconds for which an option of a contestant is tried.
TRIAL = 0.08
#: Seconds after which no thread of OpenBLAS or OpenMP spins any more (OpenBLAS: 2**26 cycles).
REST = 0.06
#: Steps in which memory grows.
STEPS = 3
#: First word of a contestant's name -> module and class; others are backends of this package.
PLACES = {
    "PyTorch": ("peers._torch", "Torch"),
    "book": ("peers.book_interface", "Book"),
    "JAX": ("peers._jax", "Jax"),
    "FMA": ("peers.peak", "Peak"),
    "device": ("peers.peak", "DevicePeak"),
    "fasts2s": ("pipeline", "Pipeline"),
}


class Session:
    """What a process keeps between questions; each of its methods answers one."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.threads = name, threads
        self.ready: dict[str, tuple[Runnable, Option]] = {}

    @cached_property
    def peer(self) -> Any:
        """The peer of the name; only its own libraries are imported."""
        first, *words = self.name.split()
        module, kind = PLACES.get(first, ("peers.book_interface", "Ours"))
        words = [first, *words] if kind == "Ours" else words
        return getattr(import_module(f"fasts2s.bench.{module}"), kind)(self.threads, *words)

    def versions(self) -> dict[str, str]:
        """Return what runs here."""
        found: dict[str, str] = self.peer.versions()
        return found

    def release(self, kept: list[str]) -> None:
        """Forget all cases but some."""
        self.ready = {key: one for key, one in self.ready.items() if key in kept}

    def prepare(self, case: Case, key: str, data: Arrays) -> tuple[float, Option, Arrays]:
        """Choose the fastest option, keep what can be timed.

        Returns the seconds of a repetition, the option with what else is to be said, and the results for the gate.
        """
        best = self._fastest(case, data)
        runnable = self.peer.ready(case, data, best)
        self.ready[key] = runnable, best
        runnable.reset()
        results = {name: np.asarray(a) for name, a in runnable.results().items()}
        more = dict(runnable.info)
        if case.is_step and case.clock:  # how many kernels a step starts on a GPU, where a profiler sees it
            runnable.reset()
            count = import_module("fasts2s.bench.peers.gpu").launches(runnable.once)
            more |= {} if count is None else {"launches": count}
        return self._trial(runnable, best), best | more, results

    def _fastest(self, case: Case, data: Arrays) -> Option:
        """Return the best option of the peer: all are tried in turn, three times where that is soon done."""
        options: list[Option] = self.peer.options(case)
        if len(options) == 1:
            return options[0]
        pairs = [(self.peer.ready(case, data, option), option) for option in options]
        tried = [[self._trial(*pair) for pair in pairs]]
        if sum(tried[0]) < 0.5:
            tried += [[self._trial(*pair) for pair in pairs] for _ in range(2)]
        return options[int(np.argmin(np.min(tried, axis=0)))]

    def _trial(self, runnable: Runnable, option: Option) -> float:
        """Return the median seconds of some repetitions; threads of the one before fall asleep first."""
        time.sleep(REST)
        self.peer.use(option)
        runnable.reset()
        runnable.clock(runnable.once, 1)
        spent: list[float] = []
        ends = time.perf_counter() + TRIAL
        while not spent or time.perf_counter() < ends:
            spent += runnable.clock(runnable.once, 1)
        return float(np.median(spent))

    def run(self, key: str, count: int) -> tuple[float, bool]:
        """Return the median seconds of some repetitions, and whether the host was too slow for the device."""
        runnable, option = self.ready[key]
        self.peer.use(option)
        runnable.reset()
        spent = runnable.units * float(np.median(runnable.clock(runnable.once, count)))
        return spent, getattr(runnable.clock, "late", False)

    def limits(self, reads: bool) -> Any:
        """Return what the cores can do at most (of the FMA peak)."""
        return self.peer.limits(reads)

    def learn(self, **given: Any) -> Any:
        """Train a model on addition and return its curve."""
        return import_module("fasts2s.bench.learning").curve(**given)

    # ---- asked of a process that has done nothing else --------------------------------------------------------

    def _first_step(self, case: Case, cache: str | None = None) -> Any:
        """Import the contestant, build its model; return the function that makes one step of a case."""
        rng, sizes = np.random.default_rng(0), {"xs": case["S"], "ts": case["T"]}
        ids = {name: rng.integers(0, case["V"], (case["N"], size)) for name, size in sizes.items()}
        if self.name == "PyTorch":
            return import_module("fasts2s.bench.peers._torch").fresh_step(case, ids)
        override_environment(None if self.name == "book" else self.name, None, Path(cache) if cache else None)
        code = import_module("fasts2s.bench.peers.code")
        return code.fresh_step(code.book_code() if self.name == "book" else code.our_code(), case, ids)

    def start(self, case: Case, cache: str | None) -> float:
        """Make the first step; return the time of day. ``cache``: the folder of compiled kernels."""
        timed(self._first_step(case, cache))
        return time.time()

    def memory(self, case: Case) -> tuple[int, int]:
        """Make some steps; return the growth of the peak and the resident bytes before."""
        self._first_step(tiny(case))()
        step = self._first_step(case)
        gc.collect()
        with contextlib.suppress(OSError):  # building a model takes memory that is given back: begin anew (Linux)
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = _memory("VmRSS")
        for _ in range(STEPS):
            timed(step)
        return _memory("VmHWM") - before, before


def _memory(name: str) -> int:
    """Return bytes that the system tells of this process: VmRSS, resident now, or VmHWM, the most so far.

    On Linux not by ``getrusage``: what a process counts there begins with the peak of the one that started it.
    Elsewhere always the most so far.
    """
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="ascii", errors="replace").splitlines() if path.exists() else []
    found = next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)
    if found is None:
        resource = import_module("resource")
        found = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
    return found


def serve(name: str, threads: int, log: Path, pipe: Any, variables: dict[str, str]) -> None:
    """Answer questions until the pipe ends; ``variables`` of the environment hold before any library is imported.

    What libraries print goes to the log.
    """
    set_environment(variables)
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    override_environment(None, threads)
    session = Session(name, threads)
    while True:
        try:
            do, given = pipe.recv()
        except EOFError:
            return
        try:
            answer = getattr(session, do)(**given)
        except UnsupportedError as error:
            answer = UnsupportedError(str(error))
        except Exception as error:  # whatever a peer raises: the others go on
            answer = PeerError(f"{type(error).__name__}: {error}"[:500])
        pipe.send(answer)
