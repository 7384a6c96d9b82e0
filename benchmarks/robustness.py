"""How much the numba backend stands: the tests of tests/malformed and tests/kernels/cpu, many times over.

Prints one line for each thing that was tried and returns 1 if any of them failed. Linux; everything runs in processes
of its own, so a crash is a line too. Wants an editable installation, which puts the tests on the path.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from suite.heading import heading

from fasts2s.bench.machine import versions
from tests.kernels.cpu import cached, fuzzing, guarded, interrupts, parallel
from tests.kernels.cpu.processes import NURSERY, fresh
from tests.kernels.cpu.training import warm_up

#: A process may take an hour.
_PATIENCE = 3600.0


class Line(NamedTuple):
    """What was tried, how often, how often it failed, and a remark."""

    what: str
    times: int
    failed: int
    remark: str = ""


def _tried(what: str, function: Callable[..., Any], *arguments: Any, cache_dir: str | None = None) -> Any:
    """Return what a function returns in a process of its own, or the end of what it said when it died."""
    changes = {"FASTS2S_CACHE_DIR": cache_dir} if cache_dir else {}
    try:
        return fresh(function, *arguments, timeout=_PATIENCE, **changes).result
    except AssertionError as error:
        print(f"{what}: {error}", file=sys.stderr)
        return str(error).splitlines()[0]


def malformed(options: argparse.Namespace) -> Iterator[Line]:
    """Call every kernel with malformed arguments, half of the time in guarded memory."""
    for name in fuzzing.KERNELS:
        for place in ("", "end", "beginning"):
            calls = max(1, options.calls // (2 if not place else 4))
            where = f", arrays at the {place} of guarded pages" if place else ""
            found = _tried(name, fuzzing.fuzz, name, calls, place)
            if isinstance(found, str):
                yield Line(f"malformed {name}{where}", calls, 1, found)
                continue
            for fault in found["faults"]:
                print(f"{name}: {fault}", file=sys.stderr)
            outcomes = ", ".join(f"{kind} {n}" for kind, n in sorted(found["outcomes"].items()))
            yield Line(f"malformed {name}{where}", calls, len(found["faults"]), outcomes)


def guard(options: argparse.Namespace) -> Iterator[Line]:
    """All functions beside pages that must not be touched, with inputs of several seeds."""
    for place in guarded.PLACES:
        cases, failed = 0, 0
        for seed in range(options.seeds):
            found = _tried(f"guard, {place}", guarded.operations, place, 1 + seed % 3, seed)
            failed += isinstance(found, str)
            cases += 0 if isinstance(found, str) else found
        yield Line(f"functions in guarded memory, {place}", cases, failed)


def threads(options: argparse.Namespace) -> Iterator[Line]:
    """Train two models in two threads."""
    for layer in ("tbb", "workqueue", "omp"):
        found = _tried("threads", parallel.two_threads, options.steps, layer)
        remark = found if isinstance(found, str) else f"layer {found['layer']}"
        good = not isinstance(found, str) and found["equal"]
        yield Line(f"two threads, steps each, {layer}", options.steps, int(not good), remark)
    for workers in (2, 3, 7):
        found = _tried("regions", parallel.many_regions, 10 * options.steps, workers)
        yield Line(f"regions of {workers} workers that wait", 10 * options.steps, int(found != 1))


def forks(options: argparse.Namespace) -> Iterator[Line]:
    """Fork after training, beside it, and from a pool."""
    for layer in ("tbb", "workqueue"):
        for function, count in (
            (parallel.fork_after_training, -(-options.forks // 2)),
            (parallel.fork_beside_training, options.forks),
        ):
            found = _tried("fork", function, layer, count)
            children = [] if isinstance(found, str) else found
            failed = sum(not (child["status"] == 0 and child["equal"]) for child in children) + isinstance(found, str)
            yield Line(f"{function.__name__.replace('_', ' ')}, {layer}", len(children), failed)
        pools = -(-options.forks // 10)
        results = [_tried("pool", parallel.pool_after_training, layer) for _ in range(pools)]
        failed = sum(isinstance(found, str) or not found["equal"] for found in results)
        yield Line(f"pool of two forks after training, {layer}", pools, failed)


def interruptions(options: argparse.Namespace) -> Iterator[Line]:
    """Ctrl-C while training, and while compiling."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "steps.npz"))
        found = _tried("interrupts", interrupts.train, options.interrupts, path)
        if isinstance(found, str):
            yield Line("Ctrl-C while training", options.interrupts, 1, found)
        else:
            late = sum(seconds > 1 for seconds in found["waited"])
            remark = f"at most {1e3 * max(found['waited']):.1f} ms later; finite: {found['finite']}"
            yield Line("Ctrl-C while training", len(found["waited"]), late + (not found["finite"]), remark)
            same = _tried("replay", interrupts.replay, path)
            wrong = 1 if isinstance(same, str) else same.count(False)
            yield Line("next step as in a fresh process", options.interrupts, wrong)
    failed, rounds = 0, -(-options.interrupts // 5)
    for k in range(rounds):
        delays = [0.02 + 0.1 * ((7 * k + 3 * j) % 10) / 2 for j in range(5)]
        with tempfile.TemporaryDirectory() as folder:
            found = _tried("compiling", interrupts.compile_kernels, delays, cache_dir=folder)
            failed += isinstance(found, str) or not (found["right"] and found["interrupted"] == len(delays))
    yield Line("Ctrl-C while compiling, five times over", rounds, failed)


def races(options: argparse.Namespace) -> Iterator[Line]:
    """Several processes begin to compile into one empty folder."""
    for processes in (2, 3, 4):
        wrong, count = 0, -(-options.races // 3)
        for _ in range(count):
            with tempfile.TemporaryDirectory() as folder:
                found = _tried("race", cached.race, processes, cache_dir=folder)
                good = not isinstance(found, str) and all(r["right"] and not r["warnings"] for r in found)
                after = fresh(cached.use, FASTS2S_CACHE_DIR=folder)
                wrong += not (good and after.result["right"] and not after.compiled)
        yield Line(f"{processes} processes, one empty cache folder", count, wrong)


PARTS = {
    "malformed": malformed,
    "guard": guard,
    "threads": threads,
    "forks": forks,
    "interrupts": interruptions,
    "races": races,
}


def main() -> int:
    """Print the table; return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)} (default: all)")
    for name, count, text in (
        ("calls", 100_000, "malformed calls per kernel"),
        ("seeds", 10, "seeds of the operations in guarded memory"),
        ("steps", 1000, "training steps in each of two threads"),
        ("forks", 100, "forks of each kind"),
        ("interrupts", 100, "times Ctrl-C"),
        ("races", 100, "races for an empty cache folder"),
    ):
        parser.add_argument(f"--{name}", type=int, default=count, help=f"{text} (default {count})")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: expected {', '.join(PARTS)}")
    heading("What must not break", "as each part says", versions("fasts2s"))
    fresh(warm_up, timeout=_PATIENCE)
    print(f"{'what':<76}{'times':>12}{'failed':>8}{'s':>8}  remark")
    bad = 0
    for part in options.parts or PARTS:
        began = time.monotonic()
        for line in PARTS[part](options):
            seconds, began = time.monotonic() - began, time.monotonic()
            bad += line.failed
            print(f"{line.what:<76}{line.times:>12}{line.failed:>8}{seconds:>8.1f}  {line.remark}", flush=True)
    NURSERY.close()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
