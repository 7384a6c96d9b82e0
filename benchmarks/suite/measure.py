"""Timing peers in turn, and what is said about it."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.cases import Case, file_name
from suite.processes import PeerError, Worker


@dataclass
class Contestant:
    """A peer, or a way of using it, in one case.

    Attributes
    ----------
    case : Case
    label : str
        What is printed.
    worker : Worker
    variant : str
        "batched" or "alone" where a case distinguishes them.
    settings : dict
        The options that were fastest.
    count : int
        Repetitions in a block.
    errors : dict
        Kind of result -> largest relative error.
    rounds : list of float
        Median seconds of each round.
    """

    case: Case
    label: str
    worker: Worker
    variant: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    count: int = 1
    errors: dict[str, float] = field(default_factory=dict)
    rounds: list[float] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Name of what the worker keeps and of the file with results."""
        return f"{file_name(self.case)}.{self.label}"

    @property
    def seconds(self) -> float:
        """Median over the rounds."""
        return float(np.median(self.rounds))


@dataclass(frozen=True)
class Plan:
    """How long is measured: rounds that count, rounds before them, seconds of a block, pause between blocks."""

    rounds: int = 10
    warm: int = 1
    block: float = 0.2
    pause: float = 0.2

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds after {self.warm} warm-up; in each about {self.block} s for every peer in turn, "
            f"after a pause of {self.pause} s"
        )


SHORT = Plan(rounds=3, block=0.1, pause=0.1)


def take_turns(contestants: list[Contestant], plan: Plan) -> list[str]:
    """Time all in turn, A B C A B C; return complaints about those who failed, who are then taken out.

    In the pause before each block the threads of the one before fall asleep.
    """
    complaints = []
    for k in range(plan.warm + plan.rounds):
        for one in list(contestants):
            time.sleep(plan.pause)
            try:
                spent = one.worker.ask(do="run", key=one.key, count=one.count)["seconds"]
            except PeerError as error:
                complaints.append(f"{one.case.name}, {one.label}: {error}")
                contestants.remove(one)
                continue
            if k >= plan.warm:
                one.rounds.append(float(np.median(spent)))
    return complaints


def ratios(a: Contestant, b: Contestant) -> tuple[float, float, float]:
    """Return the median and the quartiles of a's time / b's time over the rounds."""
    low, middle, high = np.percentile(np.array(a.rounds) / np.array(b.rounds), [25, 50, 75])
    return float(middle), float(low), float(high)


def geometric_mean(values: list[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(values))))
