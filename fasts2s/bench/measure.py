"""Timing contestants in turn."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasts2s.bench.cases import Case, file_name
from fasts2s.bench.processes import PeerError, Worker


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
        """Name of what the worker keeps and of the file with results."""
        return f"{file_name(self.case)}.{self.worker.name.replace(' ', '_')}"

    def prepare(self, block: float) -> None:
        """Let the worker make the case ready. Raises UnsupportedError, PeerError."""
        reply = self.worker.ask(do="prepare", case=vars(self.case), key=self.key)
        self.settings = reply["settings"]
        self.count = int(np.clip(round(block / reply["seconds"]), 1, 5000))

    def time(self) -> float:
        """Return the median seconds of a block of repetitions. Raises PeerError."""
        reply = self.worker.ask(do="run", key=self.key, count=self.count)
        self.settings |= {"late": True} if reply["late"] else {}
        return float(np.median(reply["seconds"]))


def take_turns(
    contestants: list[Contestant], pace: Pace, after_round: Callable[[], None] = lambda: None
) -> list[str]:
    """Time all in turn, A B C A B C; return complaints about those who failed, who are then taken out.

    All cases of a group take part in a round, so that every one is seen through the whole time of the group. In the
    pause before each block the threads of the one before fall asleep.
    """
    complaints = []
    for k in range(pace.warm + pace.rounds):
        for one in list(contestants):
            time.sleep(pace.pause)
            try:
                spent = one.time()
            except PeerError as error:
                complaints.append(f"{one.case.name}, {one.label}: {error}")
                contestants.remove(one)
                continue
            if k >= pace.warm:
                one.rounds.append(spent)
        after_round()
    return complaints
