"""One run of a plan: contestants are started, gated, timed in turn; what comes out is a Result."""

import importlib.util
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import backends, book_checkout
from fasts2s.bench import compare, data, gate, learning, machine, rows
from fasts2s.bench.cases import LAYERS, Case
from fasts2s.bench.measure import Contestant, Pace, take_turns
from fasts2s.bench.noise import combined, disturbance, scatter
from fasts2s.bench.peer import Arrays, UnsupportedError
from fasts2s.bench.plans import Learning, Plan
from fasts2s.bench.processes import PeerError, Worker
from fasts2s.bench.results import GROUPS, Curve, Result, Row
from fasts2s.bench.separate import memory_rows, start_rows

#: Contestants that only multiply and add: their time / another's is that one's share of the peak.
PEAKS = {"numba": "FMA peak", "cupy": "device peak"}
#: One case of this package, measured after every round: what it does, the machine did.
ANCHOR = replace(LAYERS[0], name="anchor")
#: Seconds for one answer of a contestant; compiled PyTorch takes long to get ready.
LIMIT = 900.0
#: Seconds in which the threads of the one before fall asleep.
REST = 0.1
_MODULES = {"PyTorch": "torch", "PyTorch compiled": "torch", "JAX": "jax"}


def usable_backends() -> list[str]:
    """Return the backends that run here, the one that ``auto`` takes first."""
    found = backends()
    return [name for name in ("numba", "cupy", "numpy") if found[name].usable]


def installed(peer: str) -> bool:
    """Return whether a peer (see ``plans.PEERS``) can take part. ValueError for a wrong FASTS2S_BOOK."""
    return book_checkout() is not None if peer == "book" else importlib.util.find_spec(_MODULES[peer]) is not None


class Run:
    """One run.

    Parameters
    ----------
    plan : Plan
    chosen : list of str
        Backends; the first is what all others are compared with.
    threads : int
        The most threads of every contestant.
    folder : Path
        For data and results of contestants.
    say : callable
        Told, in a line, what goes on.
    """

    def __init__(
        self, plan: Plan, chosen: list[str], threads: int, folder: Path, say: Callable[[str], None] = print
    ) -> None:
        self.plan, self.chosen, self.threads, self.folder, self.say = plan, chosen, threads, folder, say
        self.peers = [peer for peer in plan.peers if installed(peer)]
        self.workers: dict[tuple[str, int], Worker] = {}
        self.began = time.perf_counter()
        self.failures: list[str] = []
        self.versions: dict[str, str] = {"python": platform.python_version(), "numpy": np.__version__}
        self.anchors: list[tuple[str, float, float]] = []  # what was measured, seconds since the start, seconds taken
        self.anchor: Contestant | None = None
        self.first: Contestant | None = None
        self.repeat = "the first row was not measured again"
        self.timed: list[list[Contestant]] = []

    def worker(self, name: str, threads: int | None = None) -> Worker:
        """Return the process of a contestant."""
        key = name, threads or self.threads
        if key not in self.workers:
            self.workers[key] = Worker(name, self.folder, key[1], LIMIT)
        return self.workers[key]

    def result(self) -> Result:
        """Run everything."""
        about = machine.describe(self.threads)
        started = time.strftime("%Y-%m-%dT%H:%M:%S")
        try:
            self._meet()
            found, curves = self._measure()
            self._repeat()
        finally:
            for worker in self.workers.values():
                worker.stop()
        disturbed = {group: self._disturbed(group) for group in GROUPS}
        found += [*rows.of_times(self.timed, disturbed), *learning.rows(curves, disturbed["learning"])]
        about |= {"load_after": machine.load_average(), "contestants": [*self.chosen, *self.peers]}
        return Result(
            plan=self.plan.name,
            started=started,
            seconds=round(time.perf_counter() - self.began, 1),
            machine=about,
            versions=self.versions,
            method=self._method(),
            anchors=[(since, taken) for _, since, taken in self.anchors],
            drift=self._disturbed(),
            rows=sorted(found, key=lambda row: GROUPS.index(row.group)),
            curves=curves,
            failures=self.failures,
        )

    def _meet(self) -> None:
        """Start everybody; who cannot start is a failure and left out."""
        for name in [*self.chosen, *self.peers]:
            try:
                self.versions |= self.worker(name).ask(do="versions")["versions"]
            except PeerError as error:
                self.failures.append(f"{name} does not start: {error}")
                (self.chosen if name in self.chosen else self.peers).remove(name)

    def _measure(self) -> tuple[list[Row], list[Curve]]:
        found: list[Row] = []
        for group in GROUPS:
            cases = [case for case in self.plan.cases if case.group == group]
            if cases:
                self._time(group, cases)
        if self.plan.start_rounds:
            self.say("start of processes")
            found += self._separate(start_rows, self.plan.start_rounds)
        if self.plan.memory:
            self.say("memory")
            found += self._separate(memory_rows, self.plan.memory)
        curves = self._learn(self.plan.learning) if self.plan.learning and self.chosen else []
        return found, curves

    def _separate(self, measure: Callable[..., tuple[list[Row], list[str]]], what: Any) -> list[Row]:
        """Measure what takes processes of its own; JAX and compiled PyTorch have no part in it."""
        names = [*self.chosen, *(peer for peer in self.peers if peer in {"PyTorch", "book"})]
        made, complaints = measure(what, [name for name in names if name != "cupy"])
        self.failures += complaints
        return made

    # ---- timing in turn -----------------------------------------------------------------------------------

    def _time(self, group: str, cases: list[Case]) -> None:
        pace = self.plan.pace_of(group)
        ready: list[Contestant] = []
        self.say(f"{group}: {len(cases)} cases, {pace.rounds} rounds; first the gate")
        self._need_anchor()
        for case in cases:
            reference = data.make(case, self.folder)
            ready += [one for one in self.contestants(case) if self._prepare(one, reference, pace)]
        if group == "scaling":
            ready += self._on_threads(pace)
        self.failures += take_turns(ready, pace, partial(self._look_at_anchor, group))
        names = dict.fromkeys(one.case.name for one in ready)
        self.timed += [[one for one in ready if one.case.name == name] for name in names]
        if self.first is None and ready:
            self.first = ready[0]
            return  # it is wanted once more
        for worker in self.workers.values():
            worker.release([self.anchor.key if self.anchor else "", self.first.key if self.first else ""])

    def contestants(self, case: Case) -> list[Contestant]:
        """Return who may take part in a case."""
        if case.group == "data":
            names = ["fasts2s", *(p for p in self.peers if p == "book")]
        elif case.group in {"kernels", "scaling"}:
            names = self.chosen
        else:
            peaks = [PEAKS[b] for b in self.chosen if b in PEAKS and case.group == "layers"]
            names = [*self.chosen, *self.peers, *peaks]
        return [Contestant(case, self.worker(name)) for name in names]

    def _prepare(self, one: Contestant, reference: Arrays, pace: Pace) -> bool:
        """Let a contestant make its case ready and pass the gate; return whether it may be timed."""
        try:
            one.prepare(pace.block)
        except UnsupportedError:
            return False
        except PeerError as error:
            self.failures.append(f"{one.case.name}, {one.label}: {error}")
            return False
        if one.label in PEAKS.values():
            return True
        with np.load(self.folder / f"{one.key}.npz") as file:
            one.errors, complaints = gate.judge(dict(file), reference, one.label)
        self.failures += [f"{one.case.name}, {one.label}: {complaint}" for complaint in complaints]
        return not complaints

    def _on_threads(self, pace: Pace) -> list[Contestant]:
        """Return the first backend with 1, 2, 4, ... threads, where it has threads."""
        counts = sorted({2**k for k in range(self.threads.bit_length())} | {self.threads})
        made: list[Contestant] = []
        for case in self.plan.threads if "numba" in self.chosen and len(counts) > 1 else ():
            for count in counts:
                named = replace(case, name=f"{case.name}, threads={count}")
                one = Contestant(named, self.worker("numba", count))
                made += [one] if self._prepare(one, data.make(named, self.folder), pace) else []
        return made

    def _need_anchor(self) -> None:
        if self.anchor is None and self.chosen:
            reference = data.make(ANCHOR, self.folder)
            one = Contestant(ANCHOR, self.worker(self.chosen[0]))
            self.anchor = one if self._prepare(one, reference, Pace(block=0.05)) else None

    def _disturbed(self, group: str | None = None) -> float:
        """Return how disturbed the machine was while a group was measured, or through the run."""
        here = [taken for beside, _, taken in self.anchors if group in {None, beside}]
        return disturbance(here, [taken for *_, taken in self.anchors])

    def _look_at_anchor(self, group: str) -> None:
        if self.anchor is None:
            return
        time.sleep(REST)
        try:
            taken = self.anchor.time()
        except PeerError as error:
            self.failures.append(f"{self.anchor.label}, measured again and again: {error}")
            self.anchor = None
            return
        self.anchors.append((group, round(time.perf_counter() - self.began, 1), taken))

    def _repeat(self) -> None:
        """Measure the first row again; it must agree."""
        if self.first is None:
            return
        again = replace(self.first, rounds=[])
        pace = replace(self.plan.pace_of(self.first.case.group), rounds=len(self.first.rounds), warm=1)
        self.failures += take_turns([again], pace)
        if not again.rounds:
            return
        disturbed = self._disturbed()
        allowed = compare.allowed(*(combined(scatter(one.rounds), disturbed) for one in (self.first, again)))
        ratio = float(np.median(again.rounds) / np.median(self.first.rounds))
        self.repeat = (
            f"measured again at the end: {ratio:.3f} times the first time; allowed: {allowed:.3f} either way"
        )
        if not 1 / allowed <= ratio <= allowed:
            self.failures.append(
                f"{self.first.case.name}, {self.first.label}, {self.repeat}. The machine changed: quote nothing"
            )

    # ---- learning -----------------------------------------------------------------------------------------

    def _learn(self, plan: Learning) -> list[Curve]:
        curves = []
        for seed in plan.seeds:
            for variant in learning.VARIANTS:
                self.say(f"training: {variant.model}{' reversed' if variant.reverse else ''}, seed {seed}")
                try:
                    reply = self.worker(self.chosen[0]).ask(
                        do="learn", variant=tuple(variant), seed=seed, epochs=plan.epochs, stop_at=plan.stop_at
                    )
                    curves.append(rows.curve_of(reply["curve"]))
                except PeerError as error:
                    self.failures.append(f"training of {variant.model}, seed {seed}: {error}")
                self._look_at_anchor("learning")
        return curves

    # ---- words --------------------------------------------------------------------------------------------

    def _pace_and_machine(self, group: str) -> str:
        pace = str(self.plan.pace_of(group))
        if all(beside != group for beside, *_ in self.anchors):
            return pace
        return f"{pace}; a quarter of the time the machine was {100 * self._disturbed(group):.0f} % slower, or more"

    def _method(self) -> dict[str, str]:
        groups = {case.group for case in self.plan.cases}
        said = {group: self._pace_and_machine(group) for group in GROUPS if group in groups}
        said["ratio"] = "contestant's time / that of the first one, taken within a round: median and quartiles"
        said["noise"] = (
            "root of the sum of two squares: the interquartile range of the rounds / median, widened for few rounds "
            "by n / (n - 1.3), and how disturbed the machine was, seen by a case that is measured again after each "
            "round of the run (its upper quartile beside a group / its lower quartile in the whole run, less 1). Two "
            "runs should agree within the noise of both."
        )
        said["share of the peak"] = (
            "operations of the model as the book writes it, over the time, over the peak: more than 100 % where a "
            "kernel gets by with fewer"
        )
        said["gate"] = "before: outputs, gradients and updated weights against float64 on the proven NumPy reference"
        if self.first is not None:
            said["repeat"] = self.repeat
        return said
