"""Speed of this package beside PyTorch, JAX and the book's own code; what is wrong gets no time.

    FASTS2S_BOOK=checkout python benchmarks/compare.py --torch-python ~/torch/bin/python [--short]

Every peer runs in a process of its own (thread pools of several libraries in one process fight for the cores) and is
asked in turn; ratios are taken round by round. Exit code 1 if a result is wrong or a peer fails.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from suite import data, gate
from suite.cases import CASES, GROUPS, Case
from suite.measure import SHORT, Contestant, Plan, geometric_mean, ratios, take_turns
from suite.processes import PeerError, Worker, installed, torch_python
from suite.report import heading

from fasts2s_kernels.numba_cpu._threads import available_cores

TITLES = {
    "lstm": "One LSTM layer, forward and backward (N x T x D x H)",
    "step": "One training step: forward, backward, clip, update",
    "loss": "Loss forward and backward (rows x V); gradient of an embedding (10000 x 650)",
    "answers": "5000 addition questions, answers of 4 characters, H=128 (alone: 200 of them, time scaled)",
}
#: The peer that only multiplies and adds, in registers: its time / another's is that one's share of the peak.
PEAK = "FMA peak"
LINE = "{:<24}{:<15}{:>11}{:>8}  {:<20}{:>8}  {:<24}{}"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="3 rounds instead of 10: about two minutes")
    parser.add_argument("--only", default=",".join(GROUPS), help="groups of cases (%(default)s)")
    parser.add_argument("--case", default="", help="only cases whose name contains this")
    parser.add_argument("--peers", default="", help="more peers: jax")
    parser.add_argument("--torch-python", help="interpreter with PyTorch and JAX (default: FASTS2S_TORCH_PYTHON)")
    parser.add_argument("--torch-modes", default="eager", help="eager, or eager,compile")
    parser.add_argument("--threads", type=int, default=available_cores(), help="the most threads (%(default)s)")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for one answer of a peer (%(default)s)")
    args = parser.parse_args()
    if not selected(args):
        parser.error(f"there is no case {args.case!r} in {args.only!r}; the groups are {', '.join(GROUPS)}")
    return args


def selected(args: argparse.Namespace) -> list[Case]:
    """Return the cases that are asked for."""
    return [case for case in CASES if case.group in args.only.split(",") and args.case in case.name]


def peers(args: argparse.Namespace, folder: Path) -> dict[str, Worker]:
    """Return the workers of all peers that can run; say why others are left out."""
    python = {"ours": sys.executable, PEAK: sys.executable}
    other, torch_names = torch_python(args.torch_python), [f"torch {m}" for m in args.torch_modes.split(",")]
    for module, names in (("torch", torch_names), ("jax", [n for n in args.peers.split(",") if n == "jax"])):
        if names and installed(other, module):
            python |= dict.fromkeys(names, other)
    if "FASTS2S_BOOK" in os.environ:
        python["book"] = sys.executable
    else:
        print("left out: the book's code; give FASTS2S_BOOK the folder of a checkout of the book's repository")
    return {name: Worker(name, python[name], folder, args.threads, args.limit) for name in python}


class Run:
    """One run of the suite.

    Attributes
    ----------
    failures : list of str
        What goes into the exit code.
    """

    def __init__(self, workers: dict[str, Worker], plan: Plan, folder: Path) -> None:
        self.workers, self.plan, self.folder = workers, plan, folder
        self.failures: list[str] = []

    def meet(self) -> dict[str, str]:
        """Start all peers and return their versions; who cannot start is a failure and left out."""
        known: dict[str, str] = {}
        for name, worker in list(self.workers.items()):
            try:
                known |= worker.ask(do="versions")["versions"]
            except PeerError as error:
                self.failures.append(f"{name} does not start: {error}")
                del self.workers[name]
        return known

    def contestants(self, case: Case) -> list[Contestant]:
        """Return who takes part in a case; ours is the first."""
        if case.kind == "answers":
            ways = [("ours", "batched"), ("ours", "alone"), ("book", "alone")]
            return [
                Contestant(case, f"{name} {way}", self.workers[name], way)
                for name, way in ways
                if name in self.workers
            ]
        return [Contestant(case, name, worker) for name, worker in self.workers.items()]

    def prepare(self, one: Contestant, reference: dict[str, Any]) -> bool:
        """Let a peer make its case ready and pass the gate; return whether it may be timed."""
        try:
            reply = one.worker.ask(do="prepare", case=one.case.name, key=one.key, variant=one.variant)
        except PeerError as error:
            self.failures.append(f"{one.case.name}, {one.label}: {error}")
            return False
        if "unsupported" in reply:
            return False
        complaints = [] if one.label == PEAK else self.judge(one, reference)
        one.settings = reply["settings"]
        one.count = int(np.clip(round(self.plan.block / reply["seconds"]), 1, 5000))
        return not complaints

    def judge(self, one: Contestant, reference: dict[str, Any]) -> list[str]:
        """Compare the results of a peer with the reference; return what is wrong with them."""
        with np.load(self.folder / f"{one.key}.npz") as file:
            results = {name: file[name] for name in file.files}
        one.errors, complaints = gate.judge(results, reference, one.worker.name)
        self.failures += [f"{one.case.name}, {one.label}: {complaint}" for complaint in complaints]
        return complaints

    def bundle(self, cases: list[Case]) -> list[Contestant]:
        """Measure some cases in the same rounds, print their lines, return who was timed."""
        ready = []
        for case in cases:
            reference = data.make(case, self.folder)
            ready += [one for one in self.contestants(case) if self.prepare(one, reference)]
        self.failures += take_turns(ready, self.plan)
        for worker in self.workers.values():
            worker.release()
        for case in cases:
            own = [one for one in ready if one.case is case]
            for one in own:
                name = case.name if one is own[0] else ""
                print(LINE.format(name, *self.columns(one, own[0])), flush=True)
        return ready

    def columns(self, one: Contestant, first: Contestant) -> list[str]:
        """Return the columns of a line; there is a ratio where this package is the one to divide by."""
        ratio = quartiles = rate = ""
        if one is not first and first.worker.name == "ours":
            middle, low, high = ratios(one, first)
            ratio, quartiles = f"{middle:.2f}", f"({low:.2f} to {high:.2f})"
        if one.case.flops is not None:
            rate = f"{1e-9 * one.case.flops / one.seconds:.0f}"
        settings = ", ".join(f"{name} {value}" for name, value in one.settings.items()).replace(" True", "")
        errors = ", ".join(f"{kind} {error:.0e}" for kind, error in one.errors.items())
        return [one.label, f"{1e3 * one.seconds:.3f}", ratio, quartiles, rate, settings, errors]

    def group(self, group: str, cases: list[Case]) -> None:
        """Measure a group and print its table."""
        print(f"\n{TITLES[group]}")
        print(LINE.format("case", "peer", "ms", "ratio", "(quartiles)", "GFLOP/s", "settings", "errors"))
        bundles: dict[str, list[Case]] = {}
        for case in cases:
            bundles.setdefault(case.bundle, []).append(case)
        timed = [self.bundle(bundle) for bundle in bundles.values()]
        if group == "lstm":
            print_shares(timed)
            print_means(timed, list(self.workers))
        if group == "step":
            print_overheads(timed)


def print_shares(bundles: list[list[Contestant]]) -> None:
    """Print what share of the peak of the same rounds everybody reached, with quartiles."""
    for bundle in bundles:
        found = {one.label: one for one in bundle}
        if PEAK not in found:
            continue
        texts = []
        for one in bundle:
            if one.label != PEAK:
                middle, low, high = (100 * share for share in ratios(found[PEAK], one))
                texts.append(f"{one.label} {middle:.0f} % ({low:.0f} to {high:.0f})")
        print(f"share of the peak, {bundle[0].case.name}: {', '.join(texts)}")


def print_means(bundles: list[list[Contestant]], labels: list[str]) -> None:
    """Print the geometric mean of each peer's ratios, over the cases in which it was timed beside ours."""
    for label in labels:
        if label in {"ours", PEAK}:
            continue
        values = []
        for bundle in bundles:
            found = {one.label: one for one in bundle}
            if label in found and "ours" in found:
                values.append(ratios(found[label], found["ours"])[0])
        if values:
            print(f"geometric mean of {label} / ours over {len(values)} cases: {geometric_mean(values):.2f}")


def print_overheads(bundles: list[list[Contestant]]) -> None:
    """Print what the peeky form of a model costs each peer, from the ratios of the same rounds."""
    for bundle in bundles:
        plain = {one.label: one for one in bundle if not one.case.name.startswith("Peeky")}
        peeky = {one.label: one for one in bundle if one.case.name.startswith("Peeky")}
        both = [label for label in plain if label in peeky]
        texts = [f"{label} {100 * (ratios(peeky[label], plain[label])[0] - 1):+.0f} %" for label in both]
        if texts:
            print(f"Peeky{plain[both[0]].case.name} over {plain[both[0]].case.name}: {', '.join(texts)}")


def measure(args: argparse.Namespace, folder: Path) -> int:
    """Run everything that is asked for; return the exit code."""
    workers = peers(args, folder)
    run = Run(workers, SHORT if args.short else Plan(), folder)
    try:
        heading("Comparison of speed", f"at most {args.threads}", run.meet())
        print(run.plan)
        print("ratio: peer's time / ours, median over the rounds")
        print("errors: relative L2 distance from a float64 reference (answers: how many differ)")
        for group in GROUPS:
            cases = [case for case in selected(args) if case.group == group]
            if cases:
                run.group(group, cases)
    finally:
        for worker in workers.values():
            worker.stop()
    for failure in run.failures:
        print(f"FAILED: {failure}")
    return int(bool(run.failures))


def main() -> int:
    """Run in a temporary folder."""
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="fasts2s-compare-") as folder:
        return measure(args, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
