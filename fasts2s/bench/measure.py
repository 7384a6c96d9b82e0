"""Timing contestants in turn."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays
from fasts2s.bench.processes import Worker

#: Case and contestant -> the numbers of all rounds.
Found = dict[tuple[str, str], list[float]]


@dataclass(frozen=True)
class Pace:
    """How long is measured: rounds that count, rounds before them, seconds of a block, pause between blocks."""

    rounds: int = 10
    warm: int = 1
    block: float = 0.2
    pause: float = 0.1

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds after {self.warm} to warm up; in each about {self.block} s for every contestant "
            f"in turn, after a pause of {self.pause} s"
        )


@dataclass
class Contestant:
    """Who computes a case.

    settings: the options that were fastest, and what else the peer says of itself; count: repetitions in a block;
    errors: kind of result -> largest relative error; rounds: median seconds of each round.
    """

    case: Case
    worker: Worker
    settings: dict[str, Any] = field(default_factory=dict)
    count: int = 1
    errors: dict[str, float] = field(default_factory=dict)
    rounds: list[float] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What is shown: the worker's name."""
        return self.worker.name

    @property
    def key(self) -> str:
        """Name of what the worker keeps."""
        return f"{self.case.group} {self.case.name}"

    def prepare(self, data: Arrays, block: float) -> Arrays:
        """Let the worker make the case ready, return its results. Raises UnsupportedError, PeerError."""
        seconds, self.settings, results = self.worker.ask("prepare", case=self.case, key=self.key, data=data)
        self.count = int(np.clip(round(block / seconds), 1, 5000))
        return dict(results)

    def time(self) -> float:
        """Return the median seconds of a block of repetitions. Raises PeerError."""
        spent, late = self.worker.ask("run", key=self.key, count=self.count)
        self.settings |= {"late": True} if late else {}
        return float(spent)


def in_turn(
    ways: Mapping[tuple[str, str], Callable[[], float]], pace: Pace, after_round: Callable[[], None] = lambda: None
) -> tuple[Found, list[str]]:
    """Measure in turn, A B C A B C; who fails with a RuntimeError is left out and complained about.

    ways : (case, contestant) -> what measures a round of it. All cases of a group take part in a round: every one is
    seen through the whole time of the group. In the pause before each the threads of the one before fall asleep.
    """
    found: Found = {key: [] for key in ways}
    complaints = []
    for k in range(-pace.warm, pace.rounds):
        for key in list(found):
            time.sleep(pace.pause)
            try:
                value = ways[key]()
            except RuntimeError as error:
                complaints.append(f"{', '.join(key)}: {error}")
                del found[key]
                continue
            found[key] += [value] if k >= 0 else []
        after_round()
    return found, complaints


def take_turns(ones: list[Contestant], pace: Pace, after_round: Callable[[], None] = lambda: None) -> list[str]:
    """Time contestants in turn, see :func:`in_turn`; return complaints about those who failed, who have no rounds."""
    found, complaints = in_turn({(one.case.name, one.label): one.time for one in ones}, pace, after_round)
    for one in ones:
        one.rounds = found.get((one.case.name, one.label), [])
    return complaints
