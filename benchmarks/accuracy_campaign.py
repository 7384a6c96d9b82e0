"""Every function of the numba backend against the float64 reference on random cases of it.

Functions come from the descriptions of the ops (:mod:`fasts2s_kernels.cases`); sizes, the scale of weights, optional
arguments and numbers are random. Errors are relative L2 norms, each array against its own. Where NumPy in float32 is
over the limit on the same array too, the case is ill-conditioned (one number that nearly cancels, say) and counted as
"ill". On a case that is "nearly ill" NumPy was just lucky: it is over the limit on a case whose inputs are up to
eight units in the last place off, or inputs moved by one unit alone pass the limit. Both must be within ten times
NumPy's error, or the limit times the largest result of the case; "x NumPy" is the largest ratio. Ids must be those of
float64: no choice is so close that rounding decides. Returns 1 if anything failed.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import fasts2s
from fasts2s.bench.machine import heading
from fasts2s.testing import TOLERANCES, relative_error
from fasts2s_kernels import load
from fasts2s_kernels.arrays import Kernels
from fasts2s_kernels.calling import Results, everything, host
from fasts2s_kernels.cases import Function, whole
from fasts2s_kernels.drawing import Values, cast, values

#: First word of the name of a result -> the limit of its error.
LIMITS = {"out": TOLERANCES["forward float32"][0], "grad": TOLERANCES["gradient float32"][0]}
#: Sizes go to 40 and, one time in eight, to these; one time in eight they are 1.
MOST = {"N": 80, "S": 80, "D": 140, "H": 140, "M": 300, "V": 300, "R": 300, "T": 12, "K": 60}
SCALES = (0.25, 0.5, 1.0, 1.0, 2.0)

SHOWN = 3  # failures of a function that are printed in full
NEIGHBOURS, MOST_RATIO = 64, 10.0
_LINE = "{:<24}{:>7}{:>11}{:>11}{:>5}{:>11}{:>9}{:>9}{:>7}"
_HEAD = ("function", "cases", "forward", "gradients", "ill", "nearly ill", "x NumPy", "ids", "failed")


@dataclass(frozen=True)
class Case:
    """Random inputs, float32, and what they were drawn with."""

    function: Function
    sizes: dict[str, int]
    scale: float
    seed: tuple[int, int]
    given: Values

    def __str__(self) -> str:
        return f"{self.function.name} {self.sizes} scale {self.scale} seed {self.seed} given {' '.join(self.given)}"

    def run(self, kernels: Kernels, dtype: Any) -> Results:
        """Return everything that the function, and its backward pass, compute."""
        return host(kernels, everything(kernels, self.function, cast(self.function, self.given, dtype)))

    def beside(self, units: int, k: int) -> "Case":
        """Return the case with every float moved by up to some units in the last place."""
        rng = np.random.default_rng([*self.seed, units, k])

        def moved(a: Any) -> Any:
            return np.asarray(a * (1 + rng.integers(-units, units + 1, a.shape) * 2.0**-23), np.float32)

        found = dict(self.given)
        for name, value in self.given.items():
            kind = self.function.inputs[name].kind
            if kind in ("float", "list"):
                found[name] = [moved(one) for one in value] if kind == "list" else moved(value)
        return replace(self, given=found)


def draw(function: Function, seed: tuple[int, int]) -> Case:
    """Return a random case. Raises ValueError where there are no clear choices."""
    rng = np.random.default_rng(seed)
    sizes = function.fitted({letter: _size(rng, letter) for letter in function.letters})
    scale = float(rng.choice(SCALES))
    return Case(function, sizes, scale, seed, values(function, rng, sizes, dtype=np.float32, scale=scale))


def _size(rng: np.random.Generator, letter: str) -> int:
    most, kind = MOST[letter], rng.integers(8)
    return 1 if kind == 0 else int(rng.integers(1, 1 + (most if kind == 1 else min(40, most))))


class Tally:
    """What the cases of one function came to."""

    def __init__(self, function: Function, tested: Kernels, exact: Kernels) -> None:
        self.function, self.tested, self.exact = function, tested, exact
        self.cases = self.ids = self.failed = 0
        self.worst = dict.fromkeys(LIMITS, 0.0)
        self.ill, self.nearly_ill, self.ratio = 0, 0, 0.0

    def add(self, case: Case) -> None:
        """Run a case and judge it."""
        self.cases += 1
        faults = list(self._judge(case))
        self.failed += bool(faults)
        if faults and self.failed <= SHOWN:
            print(f"{'; '.join(faults)}: {case}", file=sys.stderr)

    def _judge(self, case: Case) -> Iterator[str]:
        found, wanted = case.run(self.tested, np.float32), case.run(self.exact, np.float64)
        if shapes(found) != shapes(wanted):
            yield f"results are {shapes(found)}, expected {shapes(wanted)}"
            return
        over = {}
        norms = {
            kind: [float(np.linalg.norm(a)) for name, a in wanted.items() if _kind(name) == kind] for kind in LIMITS
        }
        for name, true in wanted.items():
            kind = _kind(name)
            if kind == "ids":
                self.ids += true.size
                wrong = int((found[name] != true).sum())
                if wrong or found[name].dtype != np.int64:
                    yield f"{wrong} wrong ids of dtype {found[name].dtype}"
                continue
            error, limit = relative_error(found[name], true), LIMITS[kind]
            if error <= limit:
                self.worst[kind] = max(self.worst[kind], error)
            else:
                off = np.linalg.norm(found[name] - true)
                over[name] = error, bool(off <= limit * max(norms[kind]))
        if over:
            yield from self._judge_over(case, wanted, over)

    def _judge_over(self, case: Case, wanted: Results, over: dict[str, tuple[float, bool]]) -> Iterator[str]:
        """Judge the arrays whose errors are over the limit by those of NumPy, here and beside."""
        here, nearly = self._errors_of_numpy(case, wanted), False
        around = [self._errors_of_numpy(case.beside(1, k), wanted) for k in range(NEIGHBOURS)]
        around += [self._errors_of_numpy(case.beside(8, k)) for k in range(NEIGHBOURS)]
        faults = []
        for name, (error, small) in over.items():
            own, most = here[name], max(errors[name] for errors in around)
            nearly |= not own > LIMITS[_kind(name)]
            if max(own, most) > LIMITS[_kind(name)] and (small or error <= MOST_RATIO * max(own, most)):
                self.ratio = max(self.ratio, error / max(own, most))
            else:
                faults.append(f"{name} is off by {error:.3g}, NumPy by {own:.3g}, beside by up to {most:.3g}")
        self.ill += not faults and not nearly
        self.nearly_ill += not faults and nearly
        yield from faults

    def _errors_of_numpy(self, case: Case, wanted: Results | None = None) -> dict[str, float]:
        found, wanted = case.run(self.exact, np.float32), wanted or case.run(self.exact, np.float64)
        return {name: relative_error(found[name], a) for name, a in wanted.items()}

    def line(self, seconds: float) -> str:
        """Return the line of the table."""
        worst = [f"{self.worst[kind]:.2e}" if self.worst[kind] else "" for kind in LIMITS]
        ratio = f"{self.ratio:.2f}" if self.ratio else ""
        numbers = [*worst, self.ill or "", self.nearly_ill or "", ratio, self.ids or "", self.failed]
        return _LINE.format(self.function.name, self.cases, *numbers) + f"{seconds:8.1f}"


def _kind(name: str) -> str:
    return name.partition("_")[0]


def shapes(arrays: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes by name, in the order of the names."""
    return {name: np.shape(a) for name, a in sorted(arrays.items())}


def campaign(tally: Tally, count: int, seed: int) -> None:
    """Draw so many cases of a function and judge each of them; some are drawn again."""
    for k in range(2 * count):
        if tally.cases == count:
            return
        try:
            case = draw(tally.function, (seed, k))
        except ValueError as error:
            print(error, file=sys.stderr)
            continue
        tally.add(case)


def main() -> int:
    """Print the table; return 1 if anything failed."""
    names = {function.name: function for function in whole()}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=1000, help="cases of each function (default %(default)s)")
    parser.add_argument("--only", default=",".join(names), help="names of functions, with commas (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="other cases for another number (default %(default)s)")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if set(wanted) - set(names):
        parser.error(f"{', '.join(sorted(set(wanted) - set(names)))}: expected {', '.join(names)}")
    tested, exact = fasts2s.get_backend("numba").kernels(), load("numpy")
    threads = os.environ.get("FASTS2S_NUM_THREADS", "default")
    print(heading(f"{options.cases} random cases, seed {options.seed}", threads, "fasts2s"))
    print(f"limits: forward {LIMITS['out']:g}, gradients {LIMITS['grad']:g}")
    print(_LINE.format(*_HEAD) + f"{'s':>8}")
    failed = 0
    for name in wanted:
        began, tally = time.monotonic(), Tally(names[name], tested, exact)
        campaign(tally, options.cases, options.seed)
        failed += tally.failed + (tally.cases < options.cases)
        print(tally.line(time.monotonic() - began), flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
