"""Rows of what takes a process of its own for every number: the first training step, and memory."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fasts2s.bench import memory, starting
from fasts2s.bench.cases import Case
from fasts2s.bench.results import Row
from fasts2s.bench.rows import measured, rates, sweep_of

EMPTY, FILLED = "first step of Seq2seq, nothing compiled yet", "first step of Seq2seq"
#: Memory comes in pages and arenas: smaller differences mean nothing.
GRAIN = 0.02
#: What other programs do to a start, the disk included, is more than what its few rounds show.
START_NOISE = 0.05
#: (case, contestant) -> what measures a round of it.
Ways = dict[tuple[str, str], Callable[[int], float]]


def start_rows(rounds: int, names: list[str]) -> tuple[list[Row], list[str]]:
    """Return rows of the time to the end of the first step, and complaints; everybody starts in turn."""
    with tempfile.TemporaryDirectory(prefix="fasts2s-bench-start-") as name:
        folder = Path(name)

        def start(peer: str, where: str, k: int) -> float:
            return starting.seconds(peer, folder / where.format(k) if peer == "numba" else None)

        ways: Ways = {(FILLED, peer): partial(start, peer, "filled") for peer in names}
        if "numba" in names:
            ways[EMPTY, "numba"] = partial(start, "numba", "empty{}")
        found, complaints = _in_turn(ways, rounds, 1)
    return rows_of("start", "s", found, {}, START_NOISE), complaints


def memory_rows(cases: tuple[tuple[Case, int], ...], names: list[str]) -> tuple[list[Row], list[str]]:
    """Return rows of the growth of memory, and complaints. Sweeps are for the backends alone."""
    rows: list[Row] = []
    complaints: list[str] = []
    for case, rounds in cases:
        group = "scaling" if case.group == "scaling" else "memory"
        more = {k: v for k, v in rates(case, 1.0).items() if k in {"params", "flops"}} | sweep_of(case)
        about: dict[str, dict[str, Any]] = {}
        takers = [name for name in names if group == "memory" or name in {"numba", "numpy"}]
        found, failed = _in_turn(
            {(case.name, peer): partial(_grown, case, peer, about) for peer in takers}, rounds, 0
        )
        complaints += failed
        rows += rows_of(group, "B", found, {peer: more | about[peer] for _, peer in found}, GRAIN)
    return rows, complaints


def _grown(case: Case, peer: str, about: dict[str, dict[str, Any]], k: int) -> float:
    """Return by how much memory grows; what was there before goes to ``about``."""
    growth, before = memory.growth(peer, case)
    about[peer] = {"before": before}
    return float(growth)


def _in_turn(ways: Ways, rounds: int, warm: int) -> tuple[dict[tuple[str, str], list[float]], list[str]]:
    """Measure in turn, after ``warm`` rounds; who fails is left out and complained about."""
    found: dict[tuple[str, str], list[float]] = {key: [] for key in ways}
    complaints = []
    for k in range(-warm, rounds):
        for key, measure in ways.items():
            if key not in found or (k < 0 and key[0] == EMPTY):
                continue
            try:
                value = measure(k)
            except RuntimeError as error:
                complaints.append(f"{key[0]}: {error}")
                del found[key]
                continue
            found[key] += [value] if k >= 0 else []
    return found, complaints


def rows_of(
    group: str, unit: str, found: dict[tuple[str, str], list[float]], about: dict[str, Any], grain: float
) -> list[Row]:
    """Return a row for every (case, contestant) with its rounds; the first of a case is what others are divided by.

    ``about``: contestant -> info; ``grain``: the least relative noise.
    """
    rows = []
    first: dict[str, list[float]] = {}
    for (case, peer), values in found.items():
        base = first.setdefault(case, values)
        other = None if base is values else base
        rows.append(measured((group, case, peer), unit, values, other, grain, about.get(peer, {})))
    return rows
