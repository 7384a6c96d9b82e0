"""A step function and its state, whose rows are moved, multiplied and left out."""

from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside, inexact, is_cupy


def moved(state: Any, rows: Array, count: int) -> Any:
    """Return the state whose row n goes on from row rows[n], of count rows.

    A state is an array with the rows on its first axis, or None, numbers and texts, which belong to all rows, or
    a list, tuple or dict of states, or an object with ``moved(rows)``.
    """
    if state is None or isinstance(state, int | float | str | np.generic):
        return state
    if hasattr(state, "moved"):
        return state.moved(rows)
    if isinstance(state, np.ndarray) or is_cupy(state):
        if state.ndim and state.shape[0] != count:
            raise ValueError(f"state holds an array of shape {state.shape}, expected {count} rows on its first axis")
        return state[beside(state, rows)] if state.ndim else state
    if isinstance(state, dict):
        return {key: moved(part, rows, count) for key, part in state.items()}
    if isinstance(state, list | tuple):
        parts = [moved(part, rows, count) for part in state]
        named = hasattr(state, "_fields")
        return type(state)(*parts) if named else type(state)(parts)
    raise ValueError(
        f"state holds a {type(state).__name__}, expected arrays with the rows on their first axis, lists, tuples and "
        "dicts of these, or an object with moved(rows) and taken(sources)"
    )


class Rows:
    """The rows that are decoded together: groups, one for a source, of as many slots each.

    Attributes
    ----------
    groups, slots : int
    """

    def __init__(self, step: Any, state: Any, groups: int) -> None:
        self._step, self._state, self.groups, self.slots = step, state, groups, 1
        self._is_ours = False  # whether what stays the same for a source lies in memory that nobody else has
        #: Who is asked about weights that are not finite.
        self.owner = getattr(step, "__self__", None)

    def step(self, ids: Array) -> Array:
        """Give the last ids (R,) to the step function; return the scores (R, V) of what follows."""
        scores, self._state = self._step(ids, self._state)
        scores = inexact("scores", scores, "(N, V)")
        if scores.ndim != 2 or scores.shape[0] != len(ids) or not scores.shape[1]:
            raise ValueError(f"scores have shape {scores.shape}, expected (N, V) with N = {len(ids)} and V >= 1")
        return scores

    def weights(self) -> Array | None:
        """Return the attention of the last step, (groups, slots, S) on the host; None where there is none."""
        weights = getattr(self._state, "weights", None)
        return None if weights is None else to_cpu(weights).reshape(self.groups, self.slots, -1)

    def mask(self) -> Array | None:
        """Return which places of the attention are words, (groups, S); None where the state does not say."""
        mask = getattr(self._state, "mask", None)
        return None if mask is None else to_cpu(mask)

    def spread(self, count: int) -> None:
        """Make count groups of every group, for answers that have nothing to do with one another."""
        groups = np.arange(self.groups).repeat(count)
        if count > 1:
            self._take(groups)

    def move(self, parents: Array) -> None:
        """Let the slots of every group go on from slots parents (groups, slots) of the last step."""
        rows = (np.arange(self.groups)[:, None] * self.slots + parents).ravel()
        before, self.slots = self.groups * self.slots, parents.shape[1]
        if len(rows) != before or (rows != np.arange(before)).any():
            self._state = moved(self._state, rows, before)

    def keep(self, groups: Array) -> None:
        """Keep these groups (G,) alone, in this order."""
        self._take(groups)

    def _take(self, groups: Array) -> None:
        if self._is_ours and hasattr(self._state, "refilled"):
            self._state = self._state.refilled(groups)
        elif hasattr(self._state, "taken"):
            self._state, self._is_ours = self._state.taken(groups), True
        else:
            rows = (groups[:, None] * self.slots + np.arange(self.slots)).ravel()
            self._state = moved(self._state, rows, self.groups * self.slots)
        self.groups = len(groups)
