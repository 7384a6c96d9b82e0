"""How much the numba backend stands: the tests of tests/malformed and tests/kernels/cpu, many times over.

    python -m tests.kernels.cpu.many_times [--calls 100000] [malformed guard threads forks interrupts races]

Prints one line for each thing that was tried and returns 1 if any of them failed. Linux; everything runs in processes
of its own, so a crash is a line too.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fasts2s.bench.machine import heading
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


def _tried(function: Callable[..., Any], *arguments: Any, cache_dir: str | None = None) -> tuple[Any, str]:
    """Return what a function returns in a process of its own, and ""; or None, and what it said when it died."""
    changes = {"FASTS2S_CACHE_DIR": cache_dir} if cache_dir else {}
    try:
        return fresh(function, *arguments, timeout=_PATIENCE, **changes).result, ""
    except AssertionError as error:
        print(f"{function.__name__}: {error}", file=sys.stderr)
        return None, str(error).splitlines()[0]


def malformed(count: int) -> Iterator[Line]:
    """Call every kernel with malformed arguments, half of the time in guarded memory."""
    for name in fuzzing.KERNELS:
        for place in ("", "end", "beginning"):
            calls = max(1, count // (4 if place else 2))
            what = f"malformed {name}" + (f", arrays at the {place} of guarded pages" if place else "")
            found, died = _tried(fuzzing.fuzz, name, calls, place)
            faults = [died] if died else found["faults"]
            for fault in faults:
                print(f"{name}: {fault}", file=sys.stderr)
            outcomes = {} if died else found["outcomes"]
            yield Line(what, calls, len(faults), died or ", ".join(f"{k} {n}" for k, n in sorted(outcomes.items())))


def guard(count: int) -> Iterator[Line]:
    """All functions beside pages that must not be touched, with inputs of several seeds."""
    for place in guarded.PLACES:
        found = [_tried(guarded.operations, place, 1 + seed % 3, seed) for seed in range(count)]
        failed = sum(bool(died) for _, died in found)
        yield Line(f"functions in guarded memory, {place}", sum(n or 0 for n, _ in found), failed)


def threads(count: int) -> Iterator[Line]:
    """Train two models in two threads."""
    found, died = _tried(parallel.two_threads, count)
    yield Line("two threads, steps each", count, int(not found), died)
    for workers in (2, 3, 7):
        found, _ = _tried(parallel.many_regions, 10 * count, workers)
        yield Line(f"regions of {workers} workers that wait", 10 * count, int(found != 1))


def forks(count: int) -> Iterator[Line]:
    """Fork after training, beside it, and from a pool."""
    for function, tries in ((parallel.fork_after_training, -(-count // 2)), (parallel.fork_beside_training, count)):
        children, died = _tried(function, tries)
        failed = [child for child in children or [] if child["status"] != 0 or not child["equal"]]
        yield Line(function.__name__.replace("_", " "), len(children or []), len(failed) + bool(died))
    results = [_tried(parallel.pool_after_training) for _ in range(-(-count // 10))]
    yield Line("pool of two forks after training", len(results), sum(not found for found, _ in results))


def interruptions(count: int) -> Iterator[Line]:
    """Ctrl-C while training, and while compiling."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "steps.npz"))
        found, died = _tried(interrupts.train, count, path)
        if died:
            yield Line("Ctrl-C while training", count, 1, died)
        else:
            late = sum(seconds > 1 for seconds in found["waited"])
            remark = f"at most {1e3 * max(found['waited']):.1f} ms later; finite: {found['finite']}"
            yield Line("Ctrl-C while training", len(found["waited"]), late + (not found["finite"]), remark)
            same, died = _tried(interrupts.replay, path)
            yield Line("next step as in a fresh process", count, 1 if died else same.count(False))
    failed, rounds = 0, -(-count // 5)
    for k in range(rounds):
        delays = [0.02 + 0.1 * ((7 * k + 3 * j) % 10) / 2 for j in range(5)]
        with tempfile.TemporaryDirectory() as folder:
            found, died = _tried(interrupts.compile_kernels, delays, cache_dir=folder)
            failed += bool(died) or not (found["right"] and found["interrupted"] == len(delays))
    yield Line("Ctrl-C while compiling, five times over", rounds, failed)


def races(count: int) -> Iterator[Line]:
    """Several processes begin to compile into one empty folder."""
    for processes in (2, 3, 4):
        wrong, tries = 0, -(-count // 3)
        for _ in range(tries):
            with tempfile.TemporaryDirectory() as folder:
                found, died = _tried(cached.race, processes, cache_dir=folder)
                good = not died and all(r["right"] and not r["warnings"] for r in found)
                after = fresh(cached.use, FASTS2S_CACHE_DIR=folder)
                wrong += not (good and after.result["right"] and not after.compiled)
        yield Line(f"{processes} processes, one empty cache folder", tries, wrong)


#: Part -> what tries it, and the option that says how often: its name, default and meaning.
PARTS: dict[str, tuple[Callable[[int], Iterator[Line]], str, int, str]] = {
    "malformed": (malformed, "calls", 100_000, "malformed calls per kernel"),
    "guard": (guard, "seeds", 10, "seeds of the functions in guarded memory"),
    "threads": (threads, "steps", 1000, "training steps in each of two threads"),
    "forks": (forks, "forks", 100, "forks of each kind"),
    "interrupts": (interruptions, "interrupts", 100, "times Ctrl-C"),
    "races": (races, "races", 100, "races for an empty cache folder"),
}


def main() -> int:
    """Print the table; return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)} (default: all)")
    for _, name, count, text in PARTS.values():
        parser.add_argument(f"--{name}", type=int, default=count, help=f"{text} (default {count})")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: expected {', '.join(PARTS)}")
    print(heading("What must not break", "as each part says", "fasts2s"))
    fresh(warm_up, timeout=_PATIENCE)
    print(f"{'what':<76}{'times':>12}{'failed':>8}{'s':>8}  remark")
    bad = 0
    for part in options.parts or PARTS:
        tried, name, _, _ = PARTS[part]
        began = time.monotonic()
        for line in tried(getattr(options, name)):
            seconds, began = time.monotonic() - began, time.monotonic()
            bad += line.failed
            print(f"{line.what:<76}{line.times:>12}{line.failed:>8}{seconds:>8.1f}  {line.remark}", flush=True)
    NURSERY.close()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
