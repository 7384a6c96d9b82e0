"""How answers are chosen: a record of settings, every one of them checked."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasts2s.generation._stepwise import uniform_numbers
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import flag, integer, integers, number
from fasts2s_kernels.checks.arguments import listed
from fasts2s_kernels.checks.scalars import bounded, shown

_COUNTS = {"beam": 1, "nbest": 1, "min_length": 0, "max_length": 1}
_MAYBE_COUNTS = {"top_k": 1, "no_repeat_ngram": 1, "start_id": 0, "stop_id": 0}
_NOT_BELOW_0 = {"temperature": 0.7, "length_penalty": 0.6, "coverage_penalty": 0.2}


@dataclass(frozen=True)
class GenerationOptions:
    """Which words are chosen, and when an answer ends.

    Attributes
    ----------
    beam : int
        Unfinished answers that are kept per source; 1 is greedy. Every step looks at the ``beam`` best continuations:
        those that end are answers, the others go on. The search for a source ends when nothing that goes on can
        become one of its ``nbest`` answers any more.
    nbest : int
        Answers per source: at most ``beam`` of them, or, with a temperature, so many draws.
    temperature : float
        0 chooses the best words. Above 0 words are drawn from the softmax of the scores over the temperature.
    top_k : int or None
        Words are drawn from the k most probable ones (Fan et al. 2018).
    top_p : float or None
        Words are drawn from the most probable ones that have this probability together, 0 < top_p <= 1 (Holtzman et
        al. 2020). After top_k.
    repetition_penalty : float
        Scores of words that the answer has already are divided by it where they are above 0, and multiplied where
        they are below (Keskar et al. 2019). 1 is none.
    no_repeat_ngram : int or None
        No n words follow one another twice in an answer (Paulus et al. 2018).
    banned : iterable of int
        Words that are never chosen.
    prefix : iterable of int, or of one for every source
        Words that an answer begins with, whatever else is wanted.
    min_length : int
        Words before the end mark, at least.
    max_length : int
        Ids of an answer, at most, the end mark included. Where it is reached an answer is cut off.
    length_penalty : float
        alpha of Wu et al. 2016: answers are compared by log-probability over ((5 + length) / 6) ** alpha.
    coverage_penalty : float
        beta of Wu et al. 2016: beta times the sum of log(min(attention that a source word got, 1)) is added to that.
    start_id, stop_id : int or None
        Start mark, which :func:`generate` begins with; end mark. None: no answer ends before max_length.
    attention : bool
        Whether answers have the attention that chose their words.
    rng : Generator, RandomState, int or None
        Source of one uniform number per draw and step; an int is a seed; None is NumPy's global generator.

    Raises
    ------
    ValueError
        A value of the wrong kind, or two that do not go together.
    """

    beam: int = 1
    nbest: int = 1
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0
    no_repeat_ngram: int | None = None
    banned: Iterable[int] = ()
    prefix: Iterable[Any] = ()
    min_length: int = 0
    max_length: int = 100
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    start_id: int | None = None
    stop_id: int | None = None
    attention: bool = False
    rng: Any = None

    def __post_init__(self) -> None:
        """Check every value, and those that depend on one another."""
        checked: dict[str, Any] = {name: integer(name, getattr(self, name), low) for name, low in _COUNTS.items()}
        for name, low in _MAYBE_COUNTS.items():
            value = getattr(self, name)
            checked[name] = None if value is None else integer(name, value, low)
        checked |= {name: bounded(name, getattr(self, name), like) for name, like in _NOT_BELOW_0.items()}
        checked["top_p"] = None if self.top_p is None else _positive("top_p", self.top_p, 1)
        checked["repetition_penalty"] = _positive("repetition_penalty", self.repetition_penalty, math.inf)
        checked["banned"] = tuple(integers("banned", self.banned))
        checked["prefix"] = _prefix(self.prefix)
        checked["attention"] = flag("attention", self.attention)
        uniform_numbers(self.rng)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._require_fitting()

    def _require_fitting(self) -> None:
        if self.temperature and self.beam > 1:
            raise ValueError(
                f"beam is {self.beam} and temperature {self.temperature}, expected a beam of 1 where words are drawn"
            )
        for name in () if self.temperature else ("top_k", "top_p"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} is {getattr(self, name)} and temperature 0, expected a temperature above 0: with 0 the "
                    "best words are chosen"
                )
        if not self.temperature and self.nbest > self.beam:
            raise ValueError(f"nbest is {self.nbest}, expected at most beam = {self.beam}")
        if self.min_length > self.max_length:
            raise ValueError(f"min_length is {self.min_length}, expected at most max_length = {self.max_length}")
        longest = max(map(len, prefix_rows(self)), default=0)
        if longest > self.max_length:
            raise ValueError(f"prefix has {longest} ids, expected at most max_length = {self.max_length}")
        if any(self.stop_id in row for row in prefix_rows(self)):
            raise ValueError(f"prefix holds stop_id, {self.stop_id}, expected words that something may follow")


def prefix_rows(options: GenerationOptions) -> list[tuple[int, ...]]:
    """Return the prefixes of all sources: one where it is that of all, none where there is none."""
    rows: list[Any] = list(options.prefix)
    return rows if not rows or isinstance(rows[0], tuple) else [tuple(rows)]


def prefixes(options: GenerationOptions, N: int) -> Array:
    """Return the prefixes of N sources, (N, P) ids, -1 behind them. Raises ValueError for another number of them."""
    rows = prefix_rows(options)
    if not rows or rows[0] == options.prefix:
        rows = (rows or [()]) * N
    if len(rows) != N:
        raise ValueError(f"prefix has {len(rows)} rows, expected ids, or one row for each of the {N} sources")
    made = np.full((N, max(map(len, rows), default=0)), -1, np.int64)
    for n, row in enumerate(rows):
        made[n, : len(row)] = row
    return made


def _positive(name: str, value: Any, most: float) -> float:
    found = number(name, value)
    if not (0 < found <= most and found < math.inf):
        wanted = "a finite number > 0" if most == math.inf else f"a number above 0, at most {most}"
        raise ValueError(f"{name} is {shown(value)}, expected {wanted}")
    return found


def _prefix(value: Any) -> tuple[Any, ...]:
    """Return a tuple of ids, or of tuples of ids."""
    found = listed("prefix", value, "ids, or of a list of ids for every source")
    if not any(isinstance(row, list | tuple | np.ndarray) for row in found):
        return tuple(integer("an id of prefix", i, 0) for i in found)
    rows = [listed("a row of prefix", row, "ids") for row in found]
    return tuple(tuple(integer("an id of prefix", i, 0) for i in row) for row in rows)
