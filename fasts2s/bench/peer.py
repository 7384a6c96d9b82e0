"""What a peer is: something that makes runnable things out of cases and data, in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fasts2s.bench.cases import Case, file_name

Arrays = dict[str, Any]
Option = dict[str, Any]


class UnsupportedError(Exception):
    """The peer has nothing for this case."""


@dataclass
class Runnable:
    """A case made ready by a peer.

    Attributes
    ----------
    once : callable
        One repetition, which is timed. Returns the loss where there is one.
    results : callable
        Compute everything that the gate compares. Called once, before anything else.
    reset : callable
        Before a block of repetitions: initial weights again, number of threads. Not timed.
    units : float
        Scale of the time: repetitions of the whole case in one call of ``once``.
    """

    once: Callable[[], Any]
    results: Callable[[], Arrays]
    reset: Callable[[], None]
    units: float = 1.0


class Peer(Protocol):
    """A library, or one way of using it."""

    def versions(self) -> dict[str, str]:
        """Return name -> version of what runs here."""
        ...

    def options(self, case: Case) -> list[Option]:
        """Return the settings to be tried; the fastest one is used."""
        ...

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        ...


def thread_choices(most: int) -> list[int]:
    """Return the numbers of threads to try: one, half of what there is, all of it."""
    return sorted({1, max(1, most // 2), most})


def nothing() -> None:
    """Do nothing: the reset of what has no state."""


def weights_of(data: Arrays) -> list[Any]:
    """Return the initial weights in the order of ``params``."""
    return [data[name] for name in sorted(data) if name.startswith("weight_")]


def numbered(prefix: str, arrays: list[Any]) -> Arrays:
    """Return copies of arrays with the names prefix_00, prefix_01, ..."""
    return {f"{prefix}_{k:02d}": np.array(a) for k, a in enumerate(arrays)}


def read_data(case: Case, folder: Path) -> Arrays:
    """Return the data of a case, as ``data.make`` wrote it."""
    with np.load(folder / f"{file_name(case)}.npz") as file:
        return {name: file[name] for name in file.files}
