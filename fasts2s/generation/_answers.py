"""What is generated, and the trace that it is read from."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.arrays import Array


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer and how probable it is.

    Attributes
    ----------
    ids : list of int
        Words, and the end mark where there is one.
    score : float
        Log of its probability by the model, whatever was done to the choice of its words.
    normalised : float
        What answers are compared by: with both penalties, and with the repetition penalty.
    logs : (T,) float64
        Logs of the probabilities of its ids; their sum is the score.
    ended : bool
        Whether the last id is the end mark.
    attention : (T, S) or None
        Weights of the source's words that chose each of its ids.
    """

    ids: list[int]
    score: float
    normalised: float
    logs: Array
    ended: bool
    attention: Array | None = None

    @property
    def words(self) -> list[int]:
        """The ids without the end mark."""
        return self.ids[:-1] if self.ended else self.ids


class _Step(NamedTuple):
    place: Array  # (N,): where a group stands in what follows
    words: Array  # (A, B) ids
    parents: Array  # (A, B): the slot of the step before
    logs: Array  # (A, B)
    weights: Array | None  # (A, W, S), by parent


class Trace:
    """The words of all steps with what they follow: groups of slots, of which some leave on the way."""

    def __init__(self, groups: int) -> None:
        self.groups, self.steps = groups, list[_Step]()

    def add(self, active: Array, words: Array, parents: Array, logs: Array, weights: Array | None) -> None:
        """Add a step: of the groups (A,) that are active, their words, parents and logs (A, B)."""
        place = np.zeros(self.groups, np.int64)
        place[active] = np.arange(len(active))
        self.steps.append(_Step(place, words, parents, logs, weights))

    def read(self, groups: Array, times: Array, slots: Array) -> tuple[Array, Array, Array | None]:
        """Return ids and logs (M, T) of what ended in these slots, and the attention (M, T, S) where there is one.

        groups, times, slots : (M,) each; time is that of the last word, -1 for none.
        """
        M, T = len(groups), int(times.max(initial=-1)) + 1
        ids, logs, slots = np.full((M, T), -1, np.int64), np.zeros((M, T)), slots.copy()
        first = self.steps[0].weights if self.steps else None
        attention = None if first is None else np.zeros((M, T, first.shape[2]), first.dtype)
        for t in reversed(range(T)):
            step, on = self.steps[t], times >= t
            rows, k = step.place[groups[on]], slots[on]
            ids[on, t], logs[on, t] = step.words[rows, k], step.logs[rows, k]
            slots[on] = parents = step.parents[rows, k]
            if attention is not None and step.weights is not None:
                attention[on, t] = step.weights[rows, parents]
        return ids, logs, attention


class Found(NamedTuple):
    """Complete answers, (G, n) each, the best first: where they end in the trace. Minus infinity: there is none."""

    normalised: Array
    times: Array
    slots: Array
    ended: Array

    @classmethod
    def none(cls, groups: int, count: int) -> "Found":
        """Return places for so many."""
        shape = groups, count
        return cls(
            np.full(shape, -np.inf), np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, bool)
        )

    def add(self, groups: Array, normalised: Array, time: int, slots: Array, ended: bool) -> None:
        """Take answers of groups (A,) in, (A, M) each; those of minus infinity are none. The best stay."""
        new = Found(normalised, np.full_like(slots, time), slots, np.full(slots.shape, ended))
        both = [np.concatenate((old[groups], more), axis=1) for old, more in zip(self, new, strict=True)]
        order = np.argsort(-both[0], axis=1, kind="stable")[:, : self.normalised.shape[1]]
        for mine, merged in zip(self, both, strict=True):
            mine[groups] = np.take_along_axis(merged, order, axis=1)

    def answers(self, trace: Trace) -> list[list[Answer]]:
        """Return the answers of all groups."""
        groups, places = np.nonzero(self.normalised > -np.inf)
        normalised, times, slots, ended = (a[groups, places] for a in self)
        ids, logs, attention = trace.read(groups, times, slots)
        made: list[list[Answer]] = [[] for _ in self.normalised]
        rows: Any = zip(
            groups.tolist(), ids.tolist(), times.tolist(), normalised.tolist(), ended.tolist(), strict=True
        )
        for m, (group, row, time, value, has_ended) in enumerate(rows):
            own, weights = logs[m, : time + 1], None if attention is None else attention[m, : time + 1]
            made[group].append(Answer(row[: time + 1], float(own.sum()), value, own, has_ended, weights))
        return made
