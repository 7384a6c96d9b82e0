"""Generating sequences: greedy and sampled decoding over a callable; this file knows no model.

``step(ids, state) -> (scores, state)`` takes the last ids (N,) int64 and returns scores (N, V); a state is whatever
the step function wants, and is never written to.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from fasts2s.backend import Backend, get_backend
from fasts2s_kernels.checks import as_ids, as_integers, integer, integers, number
from fasts2s_kernels.contract import Array
from fasts2s_kernels.quiet import quiet

Step: TypeAlias = Callable[[Array, Any], tuple[Array, Any]]


def greedy(
    step: Step,
    state: Any,
    start_ids: Array,
    max_len: int,
    *,
    stop_id: int | None = None,
    skip_ids: Iterable[int] = (),
    backend: str | Backend | None = None,
) -> list[list[int]]:
    """Choose the best id at every step, for a whole batch at once.

    Parameters
    ----------
    step, state
        See the module.
    start_ids : (N,) integers
        First input of every row; not part of the result.
    max_len : int
        The most ids per row.
    stop_id : int or None
        A row ends with this id; nothing follows it.
    skip_ids : iterable of int
        Ids that are never chosen.

    Returns
    -------
    list of N lists of int

    Raises
    ------
    ValueError, IndexError
        Bad ids, or no id left to choose.
    """
    kernels = get_backend(backend).kernels()
    return _decode(step, state, start_ids, max_len, stop_id, skip_ids, kernels.argmax)


def sample(
    step: Step,
    state: Any,
    start_ids: Array,
    max_len: int,
    *,
    rng: np.random.Generator | np.random.RandomState | int | None = None,
    temperature: float = 1.0,
    stop_id: int | None = None,
    skip_ids: Iterable[int] = (),
    backend: str | Backend | None = None,
) -> list[list[int]]:
    """Draw an id from the softmax of the scores at every step, for a whole batch at once.

    Parameters
    ----------
    rng : Generator, RandomState, int or None
        Source of one uniform number per row and step; an int is a seed; None is NumPy's global generator.
    temperature : float
        Scores are divided by it; 0 chooses the best id.
    step, state, start_ids, max_len, stop_id, skip_ids
        As for :func:`greedy`. Skipped ids get probability 0, the rest is renormalised.

    Returns
    -------
    list of N lists of int

    Raises
    ------
    ValueError, IndexError
        Bad ids, temperature or seed, or no id left to choose.
    """
    heat = number("temperature", temperature)
    if not 0 <= heat < np.inf:
        raise ValueError(f"temperature is {temperature!r}, expected a finite number >= 0")
    if heat == 0:
        return greedy(step, state, start_ids, max_len, stop_id=stop_id, skip_ids=skip_ids, backend=backend)
    kernels = get_backend(backend).kernels()
    uniforms = _uniforms(rng)

    def choose(scores: Array) -> Array:
        return kernels.sample(_heated(scores, heat), uniforms(scores.shape[0]))

    return _decode(step, state, start_ids, max_len, stop_id, skip_ids, choose)


def ban(scores: Array, skip_ids: Iterable[int]) -> Array:
    """Return scores (N, V) with minus infinity at the skipped ids; the scores themselves if there are none.

    Raises IndexError for an id outside -V to V - 1, ValueError if nothing is left or skip_ids are no integers.
    """
    skip = integers("skip_ids", skip_ids)
    if not skip:
        return scores
    V = scores.shape[1]
    ids = as_ids("skip_ids", np.array(skip), V, "(K,)")
    if np.unique(ids).size == V:
        raise ValueError(f"skip_ids hold all {V} ids, expected at least one that may be chosen")
    scores = scores.copy()
    scores[:, ids] = -np.inf
    return scores


@quiet
def _heated(scores: Array, temperature: float) -> Array:
    """Return scores over temperature, in float64 and from the maximum down: no small temperature overflows."""
    if temperature == 1:
        return scores  # as they are: the draws are then those of the book
    return (scores - scores.max(axis=1, keepdims=True)).astype(np.float64) / temperature


def _uniforms(rng: Any) -> Callable[[int], Array]:
    if rng is None:
        return np.random.random_sample
    if isinstance(rng, np.random.Generator):
        return rng.random
    if isinstance(rng, np.random.RandomState):
        return rng.random_sample
    if isinstance(rng, int | np.integer) and rng >= 0:
        return np.random.default_rng(rng).random
    raise ValueError(f"rng is {rng!r}, expected a numpy random generator, a seed >= 0 or None")


def _decode(
    step: Step,
    state: Any,
    start_ids: Any,
    max_len: Any,
    stop_id: int | None,
    skip_ids: Iterable[int],
    choose: Callable[[Array], Array],
) -> list[list[int]]:
    max_len = integer("max_len", max_len, 0)
    stop = None if stop_id is None else integer("stop_id", stop_id)
    ids = as_integers("start_ids", start_ids, "(N,)", 1).astype(np.int64)
    skip = integers("skip_ids", skip_ids)
    rows: list[list[int]] = [[] for _ in range(ids.size)]
    alive = np.ones(ids.size, dtype=bool)
    for _ in range(max_len):
        if not alive.any():
            break
        scores, state = step(ids, state)
        ids = choose(ban(scores, skip))
        for n in np.flatnonzero(alive):
            rows[n].append(int(ids[n]))
        if stop is not None:
            alive &= ids != stop
    return rows
