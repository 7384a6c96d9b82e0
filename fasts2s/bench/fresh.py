"""What takes a process of its own for every number: the first training step, and the memory of training steps."""

import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

from fasts2s.bench.cases import Case, case_of
from fasts2s.bench.measure import Found, Pace, in_turn
from fasts2s.bench.processes import Worker, asked_once

EMPTY, FILLED = "first step of Seq2seq, nothing compiled yet", "first step of Seq2seq"
#: Memory comes in pages and arenas: smaller differences mean nothing.
GRAIN = 0.02
#: What other programs do to a start, the disk included, is more than what its few rounds show.
START_NOISE = 0.05
#: Makes the process of a contestant.
Make = Callable[[str], Worker]


def starts(rounds: int, names: list[str], make: Make) -> tuple[Found, list[str]]:
    """Return the seconds from the start of a process to the end of its first step, of Seq2seq, H=128; and complaints.

    Everybody starts in turn, once before it is measured; numba once more, with an empty cache every time.
    """
    case = case_of("Seq2seq H=128")
    with tempfile.TemporaryDirectory(prefix="fasts2s-bench-start-") as folder:

        def seconds(peer: str, is_empty: bool) -> float:
            cache = tempfile.mkdtemp(dir=folder) if is_empty else folder
            ended, started = asked_once(make(peer), "start", case=case, cache=cache if peer == "numba" else None)
            return float(ended - started)

        filled, complaints = in_turn({(FILLED, name): partial(seconds, name, False) for name in names}, Pace(rounds))
        empty = {(EMPTY, name): partial(seconds, name, True) for name in names if name == "numba"}
        found, more = in_turn(empty, Pace(rounds, 0))
        return filled | found, complaints + more


def growth(case: Case, rounds: int, names: list[str], make: Make) -> tuple[Found, dict[str, Any], list[str]]:
    """Return the bytes that the steps of everybody take, the bytes that were there before them, and complaints."""
    before: dict[str, Any] = {}

    def grown(peer: str) -> float:
        (found, before[peer]), _ = asked_once(make(peer), "memory", case=case)
        return float(found)

    found, complaints = in_turn({(case.name, name): partial(grown, name) for name in names}, Pace(rounds, 0))
    return found, before, complaints
