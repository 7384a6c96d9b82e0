"""Every operation of the numba backend against the float64 reference on random cases of it.

Errors are relative L2 norms, each array against its own. Where NumPy in float32 is over the limit on the same array
too, the case is ill-conditioned (one number that nearly cancels, say) and counted as "ill". On a case that is "nearly
ill" NumPy was just lucky: it is over the limit on a case whose inputs are up to eight units in the last place off, or
inputs moved by one unit alone pass the limit. Both must be within ten times NumPy's error, or the limit times the
largest result of the case; "x NumPy" is the largest ratio. Ids must be those of float64, unless another was as near
as rounding: those are counted. Returns 1 if anything failed. Wants an editable installation, which puts the tests on
the path.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import hypothesis
import numpy as np
from suite.heading import heading
from suite.random_cases import OPERATIONS, Case, Operation, Results, beside, cases

import fasts2s
from fasts2s.bench.machine import versions
from fasts2s.testing import TOLERANCES, relative_error
from fasts2s_kernels import load
from fasts2s_kernels.contract import Kernels

LIMITS = {"forward": TOLERANCES["forward float32"][0], "gradients": TOLERANCES["gradient float32"][0]}
SHOWN = 3  # failures of an operation that are printed in full
NEIGHBOURS, MOST_RATIO = 64, 10.0
_LINE = "{:<16}{:>7}{:>11}{:>11}{:>5}{:>11}{:>9}{:>9}{:>11}{:>8}{:>7}"
_HEAD = ("operation", "cases", "forward", "gradients", "ill", "nearly ill", "x NumPy", "ids", "near ties", "failed")


class Tally:
    """What the cases of one operation came to."""

    def __init__(self, operation: Operation, count: int, tested: Kernels, exact: Kernels) -> None:
        self.operation, self.count, self.tested, self.exact = operation, count, tested, exact
        self.seen: set[str] = set()
        self.ids = self.near = self.failed = 0
        self.worst = {"forward": 0.0, "gradients": 0.0}
        self.ill, self.nearly_ill, self.ratio = 0, 0, 0.0

    def add(self, case: Case) -> None:
        """Run a case and judge it, unless it came before or there are enough."""
        if len(self.seen) == self.count or str(case) in self.seen:
            return
        self.seen.add(str(case))
        faults = list(self._judge_ids(case) if self.operation.choices else self._judge_floats(case))
        self.failed += bool(faults)
        if faults and self.failed <= SHOWN:
            print(f"{self.operation.name}: {'; '.join(faults)}: {case}", file=sys.stderr)

    def _judge_ids(self, case: Case) -> Iterator[str]:
        assert self.operation.choices
        ids = self.operation.run(self.tested, case, np.float32).forward["result 0"]
        other, distance = self.operation.choices(self.exact, case, ids)
        near = other & (distance <= self.operation.nearest)
        self.ids += ids.size
        self.near += int(near.sum())
        if ids.dtype != np.int64 or (other & ~near).any():
            off = distance.max(where=other, initial=0)
            yield f"{int((other & ~near).sum())} wrong ids of dtype {ids.dtype}, up to {off:.3g} off"

    def _judge_floats(self, case: Case) -> Iterator[str]:
        found = self.operation.run(self.tested, case, np.float32)
        wanted = self.operation.run(self.exact, case, np.float64)
        over = {}
        for kind, limit in LIMITS.items():
            arrays, true = getattr(found, kind), getattr(wanted, kind)
            if shapes(arrays) != shapes(true):
                yield f"{kind} are {shapes(arrays)}, expected {shapes(true)}"
                continue
            errors = {name: relative_error(arrays[name], a) for name, a in true.items()}
            scale = limit * max((float(np.linalg.norm(a)) for a in true.values()), default=0.0)
            for name, error in errors.items():
                if not error <= limit:
                    over[kind, name] = error, bool(np.linalg.norm(arrays[name] - true[name]) <= scale)
            self.worst[kind] = max(self.worst[kind], *(e for e in errors.values() if e <= limit), 0.0)
        if over:
            yield from self._judge_over(case, wanted, over)

    def _judge_over(
        self, case: Case, wanted: Results, over: dict[tuple[str, str], tuple[float, bool]]
    ) -> Iterator[str]:
        """Judge the arrays whose errors are over the limit by those of NumPy, here and beside."""
        here, nearly = self._errors_of_numpy(case, wanted), False
        around = [self._errors_of_numpy(beside(case, 1, k), wanted) for k in range(NEIGHBOURS)]
        around += [self._errors_of_numpy(beside(case, 8, k)) for k in range(NEIGHBOURS)]
        faults = []
        for (kind, name), (error, small) in over.items():
            own, most = here[kind, name], max(errors[kind, name] for errors in around)
            nearly |= not own > LIMITS[kind]
            if max(own, most) > LIMITS[kind] and (small or error <= MOST_RATIO * max(own, most)):
                self.ratio = max(self.ratio, error / max(own, most))
            else:
                faults.append(f"{kind} {name} is off by {error:.3g}, NumPy by {own:.3g}, beside by up to {most:.3g}")
        self.ill += not faults and not nearly
        self.nearly_ill += not faults and nearly
        yield from faults

    def _errors_of_numpy(self, case: Case, wanted: Results | None = None) -> dict[tuple[str, str], float]:
        found = self.operation.run(self.exact, case, np.float32)
        wanted = wanted or self.operation.run(self.exact, case, np.float64)
        pairs = {(kind, name): a for kind in LIMITS for name, a in getattr(wanted, kind).items()}
        return {(kind, name): relative_error(getattr(found, kind)[name], a) for (kind, name), a in pairs.items()}

    def line(self, seconds: float) -> str:
        """Return the line of the table."""
        floats: list[Any] = [""] * 5
        ids: list[Any] = [self.ids, self.near]
        if not self.operation.choices:
            gradients = f"{self.worst['gradients']:.2e}" if self.operation.outputs else ""
            ratio = f"{self.ratio:.2f}" if self.ratio else ""
            floats, ids = [f"{self.worst['forward']:.2e}", gradients, self.ill, self.nearly_ill, ratio], ["", ""]
        return _LINE.format(self.operation.name, len(self.seen), *floats, *ids, self.failed, f"{seconds:.1f}")


def shapes(arrays: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes by name, in the order of the names."""
    return {name: np.shape(a) for name, a in sorted(arrays.items())}


def campaign(tally: Tally, seed: int) -> None:
    """Draw the cases of an operation and judge each of them; twice as many, because some are drawn again."""
    check = hypothesis.HealthCheck
    quiet = hypothesis.settings(
        max_examples=2 * tally.count,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[check.too_slow, check.filter_too_much, check.data_too_large, check.large_base_example],
    )
    hypothesis.seed(seed)(quiet(hypothesis.given(cases(tally.operation))(tally.add)))()


def main() -> int:
    """Print the table; return 1 if anything failed."""
    names = [operation.name for operation in OPERATIONS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=1000, help="cases of each operation (default %(default)s)")
    parser.add_argument("--only", default=",".join(names), help="names of operations, with commas (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="other cases for another number (default %(default)s)")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if set(wanted) - set(names):
        parser.error(f"{', '.join(sorted(set(wanted) - set(names)))}: expected {', '.join(names)}")
    tested, exact = fasts2s.get_backend("numba").kernels(), load("numpy")
    threads = os.environ.get("FASTS2S_NUM_THREADS", "default")
    heading(f"{options.cases} random cases, seed {options.seed}", threads, versions("fasts2s", "hypothesis"))
    print(f"limits: forward {LIMITS['forward']:g}, gradients {LIMITS['gradients']:g}")
    print(_LINE.format(*_HEAD, "s"))
    failed = 0
    for operation in (o for o in OPERATIONS if o.name in wanted):
        began, tally = time.monotonic(), Tally(operation, options.cases, tested, exact)
        campaign(tally, options.seed)
        failed += tally.failed + (len(tally.seen) < options.cases)
        print(tally.line(time.monotonic() - began), flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
