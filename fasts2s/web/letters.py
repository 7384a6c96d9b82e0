"""An answer symbol by symbol: how probable each was, and what else could have come."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.generation import Step

#: Symbols that are shown beside the one that came.
OTHERS = 5


def letters(
    step: Step, state: Any, first: int, ids: Sequence[int], reading: Callable[[int], str | None]
) -> list[dict[str, Any]]:
    """Read an answer again and note what the model expected at every step.

    Parameters
    ----------
    step : ``step(ids (1,), state) -> (scores (1, V), state)``
    state : before ``first``, which the answer follows
    ids : T ids of the answer
    reading : how an id reads; None for the end mark

    Returns
    -------
    list of T dicts: symbol, its probability p by the model (temperature 1), others: the best, each [symbol, p].
    """
    found, last = [], first
    for i in ids:
        scores, state = step(np.array([last]), state)
        p = _softmax(to_cpu(scores)[0].astype(np.float64))
        best = np.argsort(-p, kind="stable")[:OTHERS].tolist()
        others = [[reading(k), rounded(p[k])] for k in best]
        found.append({"symbol": reading(i), "p": rounded(p[i]), "others": others})
        last = i
    return found


def _softmax(scores: Any) -> Any:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def rounded(value: Any) -> float:
    """Return a number with as many digits as a page can show."""
    return round(float(value), 4)


def rounded_all(array: Any) -> Any:
    """Return an array as nested lists of such numbers."""
    return np.round(to_cpu(array).astype(np.float64), 4).tolist()
