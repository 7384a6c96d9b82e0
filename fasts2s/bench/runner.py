"""One run of a plan: contestants are started, gated, timed in turn; what comes out is a Result."""

import contextlib
import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from fasts2s.backend import backends, book_checkout
from fasts2s.bench import data, fresh, gate, learning, machine, rows
from fasts2s.bench.cases import LAYERS, Case
from fasts2s.bench.limits import Limits, told
from fasts2s.bench.measure import Contestant, Pace, take_turns
from fasts2s.bench.noise import allowed, combined, disturbance, scatter
from fasts2s.bench.peer import Arrays, PeerError, UnsupportedError
from fasts2s.bench.plans import EPOCHS, Plan
from fasts2s.bench.processes import Worker
from fasts2s.bench.processor import environment
from fasts2s.bench.results import GROUPS, Curve, Result, Row

#: Contestants that only multiply and add: their time / another's is that one's share of the peak.
PEAKS = {"numba": "FMA peak", "cupy": "device peak"}
#: One case of this package, measured after every round: what it does, the machine did.
ANCHOR = replace(LAYERS[0], name="anchor")
#: Seconds for one answer of a contestant; compiled PyTorch takes long to get ready.
LIMIT = 900.0
#: Seconds in which the threads of the one before fall asleep.
REST = 0.1
#: First word of a peer -> the library that has to be there.
_MODULES = {"PyTorch": "torch", "JAX": "jax", "cupy": "cupy"}
_METHOD = {
    "ratio": "contestant's time / that of the first one, taken within a round: median and quartiles",
    "noise": "root of the sum of two squares: the interquartile range of the rounds / median, widened for few rounds "
    "by n / (n - 1.3), and how disturbed the machine was, seen by a case that is measured again after each "
    "round of the run (its upper quartile beside a group / its lower quartile in the whole run, less 1). Two "
    "runs should agree within the noise of both.",
    "bound": "the longest of what it takes at least, over the time: arithmetic, operations of the model as the book "
    "writes it over the peak (more than 100 % where a kernel gets by with fewer); of kernels also memory, bytes that "
    "must pass once over the speed of reading so many, and Python, a call at sizes of 1",
    "gate": "before: outputs, gradients, updated weights and the losses of further steps against float64 on the "
    "proven NumPy reference",
}


def usable_backends() -> list[str]:
    """Return the backends that run here, the one that ``auto`` takes first."""
    found = backends()
    return [name for name in ("numba", "cupy", "numpy") if found[name].usable]


def installed(peer: str) -> bool:
    """Return whether a peer can take part, by what is installed. ValueError for a wrong FASTS2S_BOOK."""
    first = peer.partition(" ")[0]
    return book_checkout() is not None if first == "book" else importlib.util.find_spec(_MODULES[first]) is not None


class Run:
    """One run.

    Parameters
    ----------
    chosen : list of str
        Backends; the first is what all others are compared with.
    threads : int
        The most threads of every contestant.
    folder : Path
        For what contestants print.
    say : callable
        Told, in a line, what goes on.
    processor : str
        Of ``processor.PROCESSORS``, what numba and its peak are compiled for; "": this machine's. ValueError if this
        machine cannot run that.
    """

    def __init__(
        self,
        plan: Plan,
        chosen: list[str],
        threads: int,
        folder: Path,
        say: Callable[[str], None] = print,
        processor: str = "",
    ) -> None:
        self.processor, self.variables = processor, environment(processor) if processor else {}
        self.plan, self.chosen, self.threads, self.folder, self.say = plan, chosen, threads, folder, say
        self.peers = [peer for peer in plan.peers if installed(peer)]
        self.workers: dict[tuple[str, int], Worker] = {}
        self.began = time.perf_counter()
        self.failures: list[str] = []
        self.versions, self.method = machine.versions("numpy"), dict(_METHOD)
        self.anchors: list[tuple[str, float, float]] = []  # what was measured, seconds since the start, seconds taken
        self.anchor: Contestant | None = None
        self.first: Contestant | None = None
        self.limits: dict[str, list[Limits]] = {}
        self.timed: list[list[Contestant]] = []

    def worker(self, name: str, threads: int | None = None) -> Worker:
        """Return the process of a contestant."""
        key = name, threads or self.threads
        return self.workers.setdefault(key, self._new(*key))

    def _new(self, name: str, threads: int | None = None) -> Worker:
        compiled = name in ("numba", PEAKS["numba"])
        return Worker(name, self.folder, threads or self.threads, LIMIT, self.variables if compiled else {})

    def result(self) -> Result:
        """Run everything."""
        about, started = machine.describe(self.threads), time.strftime("%Y-%m-%dT%H:%M:%S")
        try:
            self._meet()
            for group in GROUPS:
                self._time(group, [case for case in self.plan.cases if case.group == group])
            found = self._separate()
            curves = self._learn() if self.chosen else []
            if not self.plan.is_dry:
                self._repeat()
        finally:
            for worker in self.workers.values():
                worker.stop()
        disturbed = {group: self._disturbed(group) for group in GROUPS}
        found += [*rows.of_times(self.timed, disturbed, self.limits), *learning.rows(curves, disturbed["learning"])]
        about |= {"load_after": machine.load_average(), "contestants": [*self.chosen, *self.peers]}
        about |= {"for": self.processor} if self.processor else {}
        about |= told([one for some in self.limits.values() for one in some])
        about |= {"dry": True} if self.plan.is_dry else {}
        about |= {"gpu_after": machine.gpu_clocks()} if "gpu" in about else {}
        return Result(
            plan=self.plan.name,
            started=started,
            seconds=round(time.perf_counter() - self.began, 1),
            machine=about,
            versions=self.versions,
            method={key: text + self._slower(key) for key, text in self.method.items()},
            anchors=[(since, taken) for _, since, taken in self.anchors],
            drift=self._disturbed(),
            rows=sorted(found, key=lambda row: GROUPS.index(row.group)),
            curves=curves,
            failures=self.failures,
        )

    def _meet(self) -> None:
        """Start everybody; who cannot start is a failure and left out, who has nothing to run on only left out."""
        for name in [*self.chosen, *self.peers]:
            try:
                self.versions |= self.worker(name).ask("versions")
                continue
            except PeerError as error:
                self.failures.append(f"{name} does not start: {error}")
            except UnsupportedError as error:
                self.method["left out"] = f"{self.method.get('left out', '')} {name}: {error}.".strip()
            (self.chosen if name in self.chosen else self.peers).remove(name)

    def _separate(self) -> list[Row]:
        """Measure what takes processes of its own; cupy, JAX and compiled PyTorch have no part in it."""
        names = [name for name in (*self.chosen, *self.peers) if name in {"numba", "numpy", "PyTorch", "book"}]
        made: list[Row] = []
        if self.plan.start_rounds:
            self.say("start of processes")
            found, complaints = fresh.starts(self.plan.start_rounds, names, self._new)
            made += rows.of_rounds("start", "s", found, {}, fresh.START_NOISE)
            self.failures += complaints
        for case, rounds in self.plan.memory:
            self.say(f"memory: {case.name}")
            group = "scaling" if case.group == "scaling" else "memory"
            takers = [name for name in names if group == "memory" or name in self.chosen]
            found, about, complaints = fresh.growth(case, rounds, takers, self._new)
            more = {k: v for k, v in rows.rates(case, 1.0).items() if k in {"params", "flops"}} | rows.sweep_of(case)
            told = {name: {**more, "before": size} for name, size in about.items()}
            made += rows.of_rounds(group, "B", found, told, fresh.GRAIN)
            self.failures += complaints
        return made

    # ---- timing in turn -----------------------------------------------------------------------------------

    def _time(self, group: str, cases: list[Case]) -> None:
        if not cases:
            return
        pace = self.plan.pace_of(group)
        self.say(f"{group}: {len(cases)} cases, {pace.rounds} rounds; first the gate")
        if self.anchor is None and self.chosen:
            anchors = self._ready([Contestant(ANCHOR, self.worker(self.chosen[0]))], Pace(block=0.05))
            self.anchor = anchors[0] if anchors else None
        ready = [one for case in cases for one in self._ready(self.contestants(case), pace)]
        ready += self._on_threads(pace) if group == "scaling" else []
        self.failures += take_turns(ready, pace, partial(self._look_around, group))
        ready = [one for one in ready if one.rounds]
        names = dict.fromkeys(one.case.name for one in ready)
        self.timed += [[one for one in ready if one.case.name == name] for name in names]
        self.method[group] = str(pace)
        late = [f"{one.case.name}, {one.label}" for one in ready if "late" in one.settings]
        if late:
            self.method["host too slow"] = f"the host's gaps are in the times of {'; '.join(late)}"
        if self.first is None and ready:
            self.first = ready[0]
            return  # it is wanted once more
        kept = [one.key for one in (self.anchor, self.first) if one is not None]
        for worker in self.workers.values():
            with contextlib.suppress(PeerError):  # who dies has nothing left to forget
                if worker.process is not None:
                    worker.ask("release", kept=kept)

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

    def _ready(self, contestants: list[Contestant], pace: Pace) -> list[Contestant]:
        """Let contestants of a case make it ready and pass the gate; return those that may be timed."""
        given, reference = data.make(contestants[0].case) if contestants else ({}, {})
        return [one for one in contestants if self._passes(one, given, reference, pace)]

    def _passes(self, one: Contestant, given: Arrays, reference: Arrays, pace: Pace) -> bool:
        try:
            results = one.prepare(given, pace.block)
        except UnsupportedError:
            return False
        except PeerError as error:
            self.failures.append(f"{one.case.name}, {one.label}: {error}")
            return False
        if one.label in PEAKS.values():
            return True
        one.errors, complaints = gate.judge(results, reference, one.label)
        self.failures += [f"{one.case.name}, {one.label}: {complaint}" for complaint in complaints]
        return not complaints

    def _on_threads(self, pace: Pace) -> list[Contestant]:
        """Return the first backend with 1, 2, 4, ... threads, where it has threads."""
        counts = sorted({2**k for k in range(self.threads.bit_length())} | {self.threads})
        made: list[Contestant] = []
        for case in self.plan.threads if "numba" in self.chosen and len(counts) > 1 else ():
            for count in counts:
                named = replace(case, name=f"{case.name}, threads={count}")
                made += self._ready([Contestant(named, self.worker("numba", count))], pace)
        return made

    def _disturbed(self, group: str | None = None) -> float:
        """Return how disturbed the machine was while a group was measured, or through the run."""
        here = [taken for beside, _, taken in self.anchors if group in {None, beside}]
        return disturbance(here, [taken for *_, taken in self.anchors])

    def _slower(self, group: str) -> str:
        if all(beside != group for beside, *_ in self.anchors):
            return ""
        return f"; a quarter of the time the machine was {100 * self._disturbed(group):.0f} % slower, or more"

    def _look_around(self, group: str) -> None:
        """See after a round of a group what the machine does."""
        self._look_at_anchor(group)
        if "numba" in self.chosen and group != "data":
            try:
                found = self.worker(PEAKS["numba"]).ask("limits", reads=group == "kernels")
                self.limits.setdefault(group, []).append(found)
            except PeerError as error:
                self.failures.append(f"{PEAKS['numba']}: {error}")

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
        first, again = self.first, replace(self.first, rounds=[])
        pace = replace(self.plan.pace_of(first.case.group), rounds=len(first.rounds), warm=1)
        self.failures += take_turns([again], pace)
        if not again.rounds:
            return
        factor = allowed(*(combined(scatter(one.rounds), self._disturbed()) for one in (first, again)))
        ratio = float(np.median(again.rounds) / np.median(first.rounds))
        told = f"measured again at the end: {ratio:.3f} times the first time; allowed: {factor:.3f} either way"
        self.method["repeat"] = told
        if not 1 / factor <= ratio <= factor:
            self.failures.append(f"{first.case.name}, {first.label}, {told}. The machine changed: quote nothing")

    def _learn(self) -> list[Curve]:
        curves = []
        for seed, variant in ((seed, variant) for seed in self.plan.learning for variant in learning.VARIANTS):
            self.say(f"training: {variant.label}, seed {seed}")
            try:
                curves.append(self.worker(self.chosen[0]).ask("learn", variant=variant, seed=seed, epochs=EPOCHS))
            except PeerError as error:
                self.failures.append(f"training of {variant.label}, seed {seed}: {error}")
            self._look_at_anchor("learning")
        return curves
