"""What takes a process of its own for every number: the first training step, and the memory of training steps.

Growth is the peak of resident memory during some steps minus what was resident after the model had been built. What
the libraries and their kernels take is not in it: a step of a small model of the same kind loads them before.
"""

import contextlib
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import override_environment
from fasts2s.bench.cases import Case, case_of, tiny
from fasts2s.bench.peer import timed
from fasts2s.bench.processes import Worker

STEPS = 3
EMPTY, FILLED = "first step of Seq2seq, nothing compiled yet", "first step of Seq2seq"
#: Memory comes in pages and arenas: smaller differences mean nothing.
GRAIN = 0.02
#: What other programs do to a start, the disk included, is more than what its few rounds show.
START_NOISE = 0.05
#: (case, contestant) -> what measures a round of it, and the numbers of all rounds.
Ways = dict[tuple[str, str], Callable[[int], float]]
Found = dict[tuple[str, str], list[float]]
#: Makes the process of a contestant.
Make = Callable[[str], Worker]


# ---- in the process ---------------------------------------------------------------------------------------


def first_step(name: str, case: Case, cache: str | None = None) -> Any:
    """Import a contestant, build its model; return the function that makes one step of a case.

    ``name`` : as in ``results.Row.contestant``; ``cache``: the folder of compiled kernels.
    """
    rng = np.random.default_rng(0)
    ids = {name: rng.integers(0, case["V"], (case["N"], case[letter])) for name, letter in (("xs", "S"), ("ts", "T"))}
    if name == "PyTorch":
        return import_module("fasts2s.bench.peers._torch").fresh_step(case, ids)
    override_environment(None if name == "book" else name, None, Path(cache) if cache else None)
    code = import_module("fasts2s.bench.peers.code")
    return code.fresh_step(code.book_code() if name == "book" else code.our_code(), case, ids)


def status(name: str) -> int:
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


def start(name: str, case: dict[str, Any], cache: str | None) -> dict[str, float]:
    """Make the first step; return the time of day."""
    timed(first_step(name, Case(**case), cache))
    return {"ended": time.time()}


def memory(name: str, case: dict[str, Any]) -> dict[str, float]:
    """Make the steps; return the growth of the peak and the resident bytes before."""
    first_step(name, tiny(Case(**case)))()
    step = first_step(name, Case(**case))
    gc.collect()
    with contextlib.suppress(OSError):  # building a model takes memory that is given back: begin anew (Linux)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = status("VmRSS")
    for _ in range(STEPS):
        timed(step)
    return {"growth": status("VmHWM") - before, "before": before}


# ---- in the suite -----------------------------------------------------------------------------------------


def _asked(make: Make, peer: str, **command: Any) -> dict[str, float]:
    worker = make(peer)
    try:
        return worker.ask(**command)
    finally:
        worker.stop()


def starts(rounds: int, names: list[str], make: Make) -> tuple[Found, list[str]]:
    """Return the seconds from the start of a process to the end of its first step, of Seq2seq, H=128; and complaints.

    Everybody starts in turn, once before it is measured.
    """
    case = vars(case_of("Seq2seq H=128"))
    with tempfile.TemporaryDirectory(prefix="fasts2s-bench-start-") as folder:

        def seconds(peer: str, where: str, k: int) -> float:
            cache = str(Path(folder, where.format(k))) if peer == "numba" else None
            started = time.time()
            return _asked(make, peer, do="start", case=case, cache=cache)["ended"] - started

        ways: Ways = {(FILLED, peer): partial(seconds, peer, "filled") for peer in names}
        if "numba" in names:
            ways[EMPTY, "numba"] = partial(seconds, "numba", "empty{}")
        return in_turn(ways, rounds, 1)


def growth(case: Case, rounds: int, names: list[str], make: Make) -> tuple[Found, dict[str, float], list[str]]:
    """Return the bytes that the steps of everybody take, the bytes that were there before them, and complaints."""
    before: dict[str, float] = {}

    def grown(peer: str, _: int) -> float:
        found = _asked(make, peer, do="memory", case=vars(case))
        before[peer] = found["before"]
        return found["growth"]

    found, complaints = in_turn({(case.name, peer): partial(grown, peer) for peer in names}, rounds, 0)
    return found, before, complaints


def in_turn(ways: Ways, rounds: int, warm: int) -> tuple[Found, list[str]]:
    """Measure in turn, after ``warm`` rounds; who fails with a RuntimeError is left out and complained about."""
    found: Found = {key: [] for key in ways}
    complaints = []
    for k in range(-warm, rounds):
        for key, measure in ways.items():
            if key not in found or (k < 0 and key[0] == EMPTY):
                continue
            try:
                value = measure(k)
            except RuntimeError as error:
                complaints.append(f"{key[0]}, {key[1]}: {error}")
                del found[key]
                continue
            found[key] += [value] if k >= 0 else []
    return found, complaints
