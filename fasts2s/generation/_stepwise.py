"""Greedy and sampled decoding over a callable; this file knows no model.

``step(ids, state) -> (scores, state)`` takes the last ids (N,) int64 and returns scores (N, V); a state is whatever
the step function wants, and is never written to. Where scores lie on a device, the ids chosen from them do too.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from fasts2s.backend import BackendLike, get_backend, to_cpu
from fasts2s_kernels.arrays import AnyArray, Array, Kernels
from fasts2s_kernels.checks import as_ids, integer, integers, number
from fasts2s_kernels.checks.arguments import called
from fasts2s_kernels.checks.either import as_integers, beside, inexact, is_cupy
from fasts2s_kernels.quiet import quiet

Step: TypeAlias = Callable[[Array, Any], tuple[Array, Any]]


def greedy(
    step: Step,
    state: Any,
    start_ids: AnyArray,
    max_len: int,
    *,
    stop_id: int | None = None,
    skip_ids: Iterable[int] = (),
    backend: BackendLike | None = None,
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
    FloatingPointError
        The best score of a row is NaN or infinite.
    """
    kernels_of = kernels_finder(backend)

    def choose(scores: AnyArray) -> Array:
        return kernels_of(scores).argmax(scores)

    return _decode(step, state, start_ids, max_len, stop_id, skip_ids, choose)


def sample(
    step: Step,
    state: Any,
    start_ids: AnyArray,
    max_len: int,
    *,
    rng: "np.random.Generator | np.random.RandomState | int | None" = None,
    temperature: float = 1.0,
    stop_id: int | None = None,
    skip_ids: Iterable[int] = (),
    backend: BackendLike | None = None,
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
    FloatingPointError
        The best score of a row is NaN or infinite.
    """
    heat = number("temperature", temperature)
    if not 0 <= heat < np.inf:
        raise ValueError(f"temperature is {temperature!r}, expected a finite number >= 0")
    if heat == 0:
        return greedy(step, state, start_ids, max_len, stop_id=stop_id, skip_ids=skip_ids, backend=backend)
    kernels_of, uniforms = kernels_finder(backend), uniform_numbers(rng)

    def choose(scores: AnyArray) -> Array:
        return _drawn(kernels_of, heated(scores, heat), uniforms, "row {}", getattr(step, "__self__", None))

    return _decode(step, state, start_ids, max_len, stop_id, skip_ids, choose)


def sample_row(scores: AnyArray, where: str, owner: Any) -> int:
    """Draw an id from scores (1, V) with NumPy's global generator, as ``numpy.random.choice(V, p=softmax)`` does.

    Raises FloatingPointError for scores that are not finite: see :func:`not_finite`.
    """
    return int(to_cpu(_drawn(kernels_finder(None), scores, np.random.random_sample, where, owner))[0])


def _drawn(kernels_of: Any, scores: AnyArray, uniforms: Any, where: str, owner: Any) -> Array:
    draws = beside(scores, uniforms(scores.shape[0]))
    try:
        return kernels_of(scores).sample(scores, draws)
    except ValueError:
        finite = to_cpu(_finite(scores)) if scores.ndim == 2 and scores.size else np.ones(1, bool)
        if finite.all():
            raise
        raise not_finite(where.format(finite.argmin()), owner) from None


def kernels_finder(backend: BackendLike | None) -> Callable[[Array], Kernels]:
    """Return what finds the kernels for scores: those of a backend given by name, else those of where they lie."""
    chosen = get_backend(backend)
    return chosen.kernels_beside if backend is None else chosen.kernels_for


def ban(scores: AnyArray, skip_ids: Iterable[int]) -> Array:
    """Return scores (N, V) with minus infinity at the skipped ids; the scores themselves if there are none.

    Raises IndexError for an id outside -V to V - 1, ValueError if nothing is left or skip_ids are no integers.
    """
    skip, scores = integers("skip_ids", skip_ids), inexact("scores", scores, "(N, V)")
    if not skip:
        return scores
    if scores.ndim != 2:
        raise ValueError(f"scores has shape {scores.shape}, expected (N, V)")
    V = scores.shape[1]
    ids = as_ids("skip_ids", np.array(skip), V, "(K,)")
    if np.unique(ids).size == V:
        raise ValueError(f"skip_ids hold all {V} ids, expected at least one that may be chosen")
    left: Array = scores.copy()
    left[:, ids] = -np.inf
    return left


@quiet
def heated(scores: Array, temperature: float) -> Array:
    """Return scores over temperature, in float64 and from the maximum down: no small temperature overflows."""
    if temperature == 1:
        return scores  # as they are: the draws are then those of the book
    return (scores - scores.max(axis=1, keepdims=True)).astype(np.float64) / temperature


def uniform_numbers(rng: Any) -> Callable[[int], Array]:
    """Return what draws so many uniform numbers, from a generator, a seed or, for None, from NumPy itself."""
    if rng is None:
        return np.random.random_sample
    if isinstance(rng, np.random.Generator):
        return rng.random
    if isinstance(rng, np.random.RandomState):
        return rng.random_sample
    if isinstance(rng, int | np.integer) and not isinstance(rng, np.timedelta64) and rng >= 0:
        return np.random.default_rng(rng).random
    raise ValueError(f"rng is {rng!r}, expected a numpy random generator, a seed >= 0 or None")


@quiet
def _finite(scores: Array) -> Array:
    """Return which rows of scores (N, V) have a best one that is a finite number."""
    return np.isfinite(scores.max(axis=1))


def _decode(
    step: Step,
    state: Any,
    start_ids: Any,
    max_len: Any,
    stop_id: int | None,
    skip_ids: Iterable[int],
    choose: Callable[[Array], Array],
) -> list[list[int]]:
    stop = None if stop_id is None else integer("stop_id", stop_id)
    called("step", step)
    max_len = integer("max_len", max_len, 0)
    ids = as_integers("start_ids", start_ids, "(N,)", 1).astype(np.int64)
    skip, N = integers("skip_ids", skip_ids), ids.size
    columns: list[Array] = []
    alive = np.ones(N, dtype=bool)
    for _ in range(max_len):
        if not alive.any():
            break
        scores, state = step(ids, state)
        scores = ban(scores, skip)
        ids = choose(scores)
        column = np.where(_finite(scores), ids, -1)  # see rows_until
        if stop is not None:
            column = to_cpu(column)  # whether to go on is decided on the host
            alive &= column != stop
        columns.append(column)
    if columns and is_cupy(columns[0]):
        columns = list(to_cpu(np.stack(columns)))  # all at once
    chosen = np.array(columns, dtype=np.int64).reshape(len(columns), N).T
    return rows_until(chosen, stop, getattr(step, "__self__", None))


def rows_until(ids: AnyArray, stop: int | None, owner: Any) -> list[list[int]]:
    """Return ids (N, T) as N lists; a list ends with its first stop.

    Raises FloatingPointError where nothing was chosen, -1: see :func:`not_finite`.
    """
    rows: list[list[int]] = to_cpu(ids).tolist()
    if stop is not None:
        rows = [row[: row.index(stop) + 1] if stop in row else row for row in rows]
    for n, row in enumerate(rows):
        if -1 in row:
            raise not_finite(f"row {n}, step {row.index(-1)}", owner)
    return rows


def weights_at_fault(owner: Any) -> str:
    """Return which ``params`` of a model or a part of one are not finite, in words; "" if all are."""
    params = list(enumerate(getattr(owner, "params", None) or ()))
    counts = [(k, p.size - int(np.isfinite(p).sum()), p.size) for k, p in params]
    name = type(owner).__name__
    named = [f"{count} of its {size} numbers in params[{k}] of {name}" for k, count, size in counts if count]
    return f"the weights are not finite, {', '.join(named)}" if named else ""


def not_finite(where: str, owner: Any) -> FloatingPointError:
    """Return the error of scores that nothing can be chosen from. It names the ``params`` of owner at fault."""
    bad, name = weights_at_fault(owner), type(owner).__name__
    if bad:
        cause = f"{bad}: load a model saved before, or train with a lower lr"
    elif getattr(owner, "params", None):
        cause = (
            f"the weights of {name} are finite: look at the input and the state it was given, or at sums too large"
        )
    else:
        cause = "look at the weights and the input of the step function"
    text = f"no id can be chosen for {where}: the best score is NaN or infinite, expected a number; {cause}"
    return FloatingPointError(text)
