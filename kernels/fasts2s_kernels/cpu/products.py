"""Who multiplies large matrices: the kernels of this package, or the BLAS below NumPy.

On most processors both are near the peak, and the threads of a BLAS take the cores from the kernels that come next.
A BLAS may drive units that compiled code cannot reach (Apple's Accelerate), though. So both are timed once for a
machine, in a tenth of a second, when the first large product is due, and what was found is kept beside the compiled
kernels: another day's noise changes no result. Without such a folder nothing is timed, and the kernels do it.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import filelock
import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu import jit, plain, threads

#: Multiply-adds from which a product is large. Below, what is spent around a product decides.
LARGE = 1 << 24
#: A product of vectors or thin strips is bound by memory, whoever makes it.
THICK = 64
#: Times as fast as the kernels a BLAS must be to take their place, and to keep it when it is measured again. Well
#: above 1: an OpenBLAS that was 1.28 times as fast here made whole steps slower, 61 ms instead of 44 (an
#: encoder-decoder, two cores, Zen 3), for its threads spin on while the kernels work.
ENOUGH, STILL = 2.0, 1.5
FILE = "products.json"
_SHAPE, _AFTER, _ROUNDS = (640, 256, 1024), (160, 128, 256), 15

Product: TypeAlias = Callable[[Array, Array], Array]


class Decision(NamedTuple):
    """What was decided on a machine.

    Attributes
    ----------
    libraries : str
        The BLAS and the number of workers it was measured with: with others it is measured anew.
    ratio : float
        Time of the kernels over that of the BLAS.
    by_blas : bool
    """

    libraries: str
    ratio: float
    by_blas: bool


def _none(x: Array, W: Array) -> Array:
    raise RuntimeError("no op has said how the kernels multiply")


class Choice:
    """Whether large products go to the BLAS.

    Attributes
    ----------
    own : callable
        Product of the kernels: (R, D), (D, M) -> (R, M). The affine op sets it.
    forced : bool or None
        What the user said; None leaves it to the measurement.
    """

    def __init__(self) -> None:
        self.own: Product = _none
        self.forced: bool | None = None
        self._known: Decision | None = None

    def by_blas(self, R: int, D: int, M: int) -> bool:
        """Whether a product (R, D) by (D, M) is one for the BLAS."""
        return R * D * M >= LARGE and min(R, D, M) >= THICK and (self._use() if self.forced is None else self.forced)

    def _use(self) -> bool:
        if self._known is None:
            self._known = self._remembered() or self.decide()
        return self._known.by_blas

    def describe(self) -> str:
        """Return who makes large products and why, for people. Nothing is measured."""
        if self.forced is not None:
            return f"{_name(self.forced)}: FASTS2S_BLAS={int(self.forced)}"
        known = self._known or self._remembered()
        if known is None:
            return "own kernels, until the first large one is timed beside the BLAS"
        return f"{_name(known.by_blas)}: beside the kernels the BLAS was {known.ratio:.2f} times as fast"

    def decide(self, again: bool = False) -> Decision:
        """Measure and keep what was found; what another process found meanwhile counts, unless ``again``."""
        path, found = _path(), Decision(_libraries(), 0.0, False)
        if path is None or plain.is_on():
            return found
        try:
            with filelock.FileLock(path.with_suffix(".lock"), timeout=10.0):
                before = self._remembered()
                if before and not again:
                    return before
                ratio = _ratio(self.own)
                found = Decision(found.libraries, ratio, ratio >= (STILL if before and before.by_blas else ENOUGH))
                temporary = path.with_suffix(".new")
                temporary.write_text(json.dumps(found._asdict()), encoding="utf-8")
                temporary.replace(path)
        except OSError:  # what is not kept could be another decision tomorrow
            return Decision(found.libraries, found.ratio, False)
        self._known = found
        return found

    def _remembered(self) -> Decision | None:
        path = _path()
        try:
            read = json.loads(path.read_text(encoding="utf-8")) if path else None
            known = Decision(str(read["libraries"]), float(read["ratio"]), read["by_blas"] is True) if read else None
        except (OSError, ValueError, KeyError, TypeError):  # none yet, or damaged
            return None
        return known if known and known.libraries == _libraries() else None


CHOICE = Choice()


def _name(by_blas: bool) -> str:
    return "BLAS" if by_blas else "own kernels"


def _path() -> Path | None:
    folder = jit.cache().folder
    return folder / FILE if folder else None


def _libraries() -> str:
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}, {threads.POOL.limit()} workers"


def _ratio(own: Product) -> float:
    """Return the time of the kernels over that of the BLAS.

    In a training the kernels go on after every product, beside threads of the BLAS that may still spin: so a
    product of theirs is part of both times. The least times count: a busy machine disturbs them least.
    """
    (R, D, M), (r, d, m) = _SHAPE, _AFTER
    x, W, y, V = (np.full(shape, 0.5, np.float32) for shape in ((R, D), (D, M), (r, d), (d, m)))
    times: dict[Product, list[float]] = {own: [], np.dot: []}
    for turn in range(_ROUNDS + 1):
        for product, taken in times.items():
            started = time.perf_counter()
            product(x, W)
            own(y, V)
            if turn:  # the first compiles, and starts threads
                taken.append(time.perf_counter() - started)
    return min(times[own]) / min(times[np.dot])
